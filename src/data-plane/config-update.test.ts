// What clients see of updates to what lies behind a listener: clusters, routes, certificates. What is under way goes on,
// and nothing that comes meanwhile fails. As an Envoy 1.40 did when it was asked with the same clusters and streams.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { createServer as createSecure, request as requestSecure } from 'node:https'
import { type AddressInfo, connect, createServer as createTcp, type Server, type Socket } from 'node:net'
import { after, test } from 'node:test'
import type { JsonValue } from '@bufbuild/protobuf'
import { TestAuthority } from '../transport/tls/certificate-fixture.ts'
import { ClusterSchema } from '../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { RouteConfigurationSchema } from '../xds/generated/envoy/config/route/v3/route_pb.ts'
import {
  boundPort,
  connectionManager,
  downstreamTls,
  listener,
  openProxy,
  parse,
  rds,
  staticCluster,
  TestIdentity,
  tcpProxy,
  upstreamTls,
} from './mesh-fixture.ts'
import type { Proxy as DataPlaneProxy } from './proxy.ts'

const SPIFFE_ID = 'spiffe://cluster.local/ns/default/sa/app'
const authority = await TestAuthority.create()
const keyPair = await authority.issueSpiffe(SPIFFE_ID)
const cleanups: (() => unknown)[] = []
after(async () => {
  for (const clean of cleanups.reverse()) await clean()
})

const slow: ServerResponse[] = []
function answer(incoming: IncomingMessage, response: ServerResponse): void {
  incoming.resume()
  if (incoming.url !== '/slow') return void response.end('encrypted' in incoming.socket ? 'secure' : 'ok')
  response.write('begun ')
  slow.push(response)
}
function upgrade(_request: IncomingMessage, socket: Socket): void {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')
  socket.on('error', () => {}).pipe(socket)
}

const plain = await listening(createServer(answer).on('upgrade', upgrade as never))
const { privateKey: key, certificateChain: cert } = keyPair
const secure = await listening(createSecure({ key, cert, ALPNProtocols: ['istio'] }, answer))
const echo = await listening(createTcp(socket => socket.on('error', () => {}).pipe(socket)))

async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

interface Stage {
  readonly proxy: DataPlaneProxy
  readonly identity: TestIdentity
  readonly http: number
  readonly tcp: number
}

async function setUp(chain: { readonly [key: string]: JsonValue } = {}): Promise<Stage> {
  const proxy = openProxy()
  cleanups.push(() => proxy.close())
  const identity = new TestIdentity(keyPair, authority.bundle)
  proxy.useIdentity(identity)
  const manager = connectionManager({
    upgrade_configs: [{ upgrade_type: 'websocket' }],
    ...rds('r'),
  })
  const problems = [
    ...proxy.apply('cluster', [staticCluster('app', plain), staticCluster('echo', echo)]),
    ...proxy.apply('listener', [
      listener('l', [{ filters: [manager], ...chain }]),
      listener('t', [{ filters: [tcpProxy('echo')] }]),
    ]),
    ...proxy.apply('route', [routeTo('app')]),
  ]
  assert.deepEqual(problems, [])
  return { proxy, identity, http: await boundPort(proxy, 'l'), tcp: await boundPort(proxy, 't') }
}

function routeTo(cluster: string, mark = ''): ReturnType<typeof parse<typeof RouteConfigurationSchema>> {
  const route = { match: { prefix: '/' }, route: { cluster, timeout: '0s' } }
  const added = { header: { key: 'x-mark', value: mark || 'none' } }
  return parse(RouteConfigurationSchema, {
    name: 'r',
    virtual_hosts: [{ name: 'v', domains: ['*'], routes: [route], response_headers_to_add: [added] }],
  })
}

/** The same cluster, and a config that no version before has. */
let version = 0
function changed(
  name: string,
  port: number,
  fields: { readonly [key: string]: JsonValue } = {},
): ReturnType<typeof staticCluster> {
  const endpoint = { address: { socket_address: { address: '127.0.0.1', port_value: port } } }
  return parse(ClusterSchema, {
    name,
    connect_timeout: `${5 + ++version}s`,
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint }] }] },
    ...fields,
  })
}

function ask(port: number, path = '/', agent: Agent | false = false): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, agent }, response => resolve(textOf(response)))
      .on('error', reject)
      .end()
  })
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = `${response.statusCode} `
  for await (const chunk of response) text += chunk
  return text
}

/** What is said comes back. */
async function echoes(socket: Socket, word: string): Promise<void> {
  socket.write(word)
  let heard = ''
  while (!heard.includes(word)) heard += String((await once(socket, 'data'))[0])
}

interface UnderWay {
  /** All of it is there still: said, heard, and brought to an end. */
  goesOn(): Promise<void>
}

/** A response, streams of HTTP/2, a WebSocket and a TCP connection. */
async function begin({ http, tcp }: Stage): Promise<UnderWay> {
  slow.length = 0
  const response = ask(http, '/slow')
  const session = connectHttp2(`http://127.0.0.1:${http}`)
  cleanups.push(() => session.destroy())
  const stream = session.request({ ':path': '/slow' })
  let streamed = ''
  stream.setEncoding('utf8').on('data', (chunk: string) => (streamed += chunk))
  const socket = connect(http, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')
  assert.match(String((await once(socket, 'data'))[0]), /^HTTP\/1.1 101 /)
  const bytes = connect(tcp, '127.0.0.1')
  await echoes(bytes, 'first')
  while (slow.length < 2) await new Promise(resolve => setImmediate(resolve))
  return {
    async goesOn() {
      await echoes(socket, 'second')
      await echoes(bytes, 'second')
      for (const each of slow) each.end('ended')
      assert.equal(await response, '200 begun ended')
      await once(stream, 'close')
      assert.deepEqual([streamed, stream.rstCode], ['begun ended', 0])
      socket.destroy()
      bytes.destroy()
      session.close()
    },
  }
}

test('a cluster that changes its transport: what is under way goes on, what comes goes the new way', async () => {
  const stage = await setUp()
  const underWay = await begin(stage)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  cleanups.push(() => agent.destroy())
  assert.equal(await ask(stage.http, '/', agent), '200 ok')
  const problems = stage.proxy.apply('cluster', [
    changed('app', secure, { transport_socket: upstreamTls([SPIFFE_ID]) }),
    changed('echo', echo),
  ])
  assert.deepEqual(problems, [])
  assert.equal(await ask(stage.http, '/', agent), '200 secure')
  await underWay.goesOn()
})

test('a cluster that is removed: what is under way goes on, what comes is told that there is none', async () => {
  const stage = await setUp()
  const underWay = await begin(stage)
  const counted = () =>
    ['app', 'echo'].map(name =>
      ['rq_active', 'cx_active'].map(what => stage.proxy.stats.value(`cluster.${name}.upstream_${what}`)),
    )
  const before = counted()
  assert.ok(before.flat().every(value => value !== undefined && value > 0))
  stage.proxy.apply('cluster', [], ['app', 'echo'])
  assert.match(await ask(stage.http), /^503 /)
  assert.deepEqual(counted(), before)
  await underWay.goesOn()
  while (
    counted()
      .flat()
      .some(value => value !== undefined)
  )
    await new Promise(resolve => setImmediate(resolve))
})

test('routes that change: what is under way goes on', async () => {
  const stage = await setUp()
  const underWay = await begin(stage)
  assert.deepEqual(stage.proxy.apply('route', [routeTo('nowhere')]), [])
  assert.match(await ask(stage.http), /^503 /)
  await underWay.goesOn()
})

test('a listener that goes with its routes answers by them to the end', async () => {
  const stage = await setUp()
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  cleanups.push(() => agent.destroy())
  assert.equal(await ask(stage.http, '/', agent), '200 ok')
  const fresh = connect(stage.http, '127.0.0.1')
  cleanups.push(() => fresh.destroy())
  await once(fresh, 'connect')
  while (stage.proxy.listeners.activeConnections < 2) await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(stage.proxy.apply('listener', [], ['l']), [])
  assert.deepEqual(stage.proxy.apply('route', [], ['r']), [])
  assert.equal(await ask(stage.http, '/', agent), '200 ok')
  fresh.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  assert.match(String((await once(fresh, 'data'))[0]), /^HTTP\/1.1 200 /)
  await assert.rejects(ask(stage.http), /ECONNREFUSED/)
})

test('updates of everything under load fail no request', async () => {
  const stage = await setUp({ transport_socket: downstreamTls() })
  const other = await TestAuthority.create('CN=other root')
  const pairs = [keyPair, await authority.issueSpiffe(SPIFFE_ID), await authority.issueSpiffe(SPIFFE_ID)]
  let running = true
  let answered = 0
  const client = async (): Promise<void> => {
    while (running) {
      const text = await new Promise<string>((resolve, reject) => {
        const options = { host: '127.0.0.1', port: stage.http, agent: false, ca: authority.bundle, key, cert }
        requestSecure({ ...options, checkServerIdentity: () => undefined }, response => resolve(textOf(response)))
          .on('error', reject)
          .end()
      })
      assert.match(text, /^200 (ok|secure)$/)
      answered++
    }
  }
  const clients = Array.from({ length: 4 }, client)
  for (let round = 0; round < 24; round++) {
    const before = answered
    const isSecure = round % 2 === 0
    const transport = isSecure ? { transport_socket: upstreamTls([SPIFFE_ID]) } : {}
    const problems = [
      ...stage.proxy.apply('cluster', [changed('app', isSecure ? secure : plain, transport)]),
      ...stage.proxy.apply('route', [routeTo('app', `${round}`)]),
    ]
    assert.deepEqual(problems, [])
    stage.identity.replace(pairs[round % 3]!, authority.bundle + (isSecure ? other.bundle : ''))
    while (answered < before + 6) await Promise.race([new Promise(resolve => setImmediate(resolve)), ...clients])
  }
  running = false
  await Promise.all(clients)
})
