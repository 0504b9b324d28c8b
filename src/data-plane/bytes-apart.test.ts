// Connections of every kind at once, each with bytes of its own: whatever comes back through the proxies is its own, in
// order and whole, while neighbours pause, are reset in the middle of a read, or end a way early.
import assert from 'node:assert/strict'
import { createCipheriv } from 'node:crypto'
import { once } from 'node:events'
import { Agent, createServer as createHttpServer, request } from 'node:http'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import type { Duplex } from 'node:stream'
import { after, test } from 'node:test'
import { connect as connectSecure } from 'node:tls'
import { FakeClock } from '../base/clock.ts'
import { SeededRandom } from '../base/random.ts'
import { TestAuthority } from '../transport/tls/certificate-fixture.ts'
import { ClusterSchema } from '../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import {
  boundPort,
  connectionManager,
  downstreamTls,
  listener,
  listenerFilter,
  openProxy,
  parse,
  routes,
  staticCluster,
  TestIdentity,
  tcpProxy,
  upstreamTls,
} from './mesh-fixture.ts'

const WORKLOAD = 'spiffe://cluster.local/ns/default/sa/app'
const CONNECTIONS = 120
const LARGEST = 400_000
const SEED = 7

const authority = await TestAuthority.create()
const identity = await authority.issueSpiffe(WORKLOAD)
// However slow the machine, nothing times out.
const [inner, outer] = [openProxy({ clock: new FakeClock() }), openProxy({ clock: new FakeClock() })]
for (const proxy of [inner, outer]) proxy.useIdentity(new TestIdentity(identity, authority.bundle))

async function bind(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const echo = createServer({ allowHalfOpen: true }, socket => void socket.on('error', () => {}).pipe(socket))
const httpEcho = createHttpServer((incoming, answer) => void incoming.on('error', () => {}).pipe(answer))
httpEcho.keepAliveTimeout = 0
const agent = new Agent({ keepAlive: true })
const sessions: ClientHttp2Session[] = []
after(async () => {
  agent.destroy()
  for (const session of sessions) session.destroy()
  await outer.close()
  await inner.close()
  httpEcho.closeAllConnections()
  for (const server of [echo, httpEcho]) server.close()
})

const manager = connectionManager({ route_config: routes('r', 'http') })
inner.apply('cluster', [staticCluster('tcp', await bind(echo)), staticCluster('http', await bind(httpEcho))])
const inspector = { listener_filters: [listenerFilter('tls_inspector')] }
const secured = (filter: typeof manager) => [
  {
    filter_chain_match: { transport_protocol: 'tls' },
    filters: [filter],
    transport_socket: downstreamTls([WORKLOAD]),
  },
  { filter_chain_match: { transport_protocol: 'raw_buffer' }, filters: [filter] },
]
assert.deepEqual(
  inner.apply('listener', [
    listener('tcp', secured(tcpProxy('tcp')), inspector),
    listener('http', secured(manager), inspector),
    listener('header', [{ filters: [tcpProxy('tcp')] }], { listener_filters: [listenerFilter('proxy_protocol')] }),
  ]),
  [],
)
const port = {
  tcp: await boundPort(inner, 'tcp'),
  http: await boundPort(inner, 'http'),
  header: await boundPort(inner, 'header'),
}
const address = { socket_address: { address: '127.0.0.1', port_value: port.http } }
outer.apply('cluster', [
  staticCluster('tcp', port.tcp, upstreamTls([WORKLOAD])),
  parse(ClusterSchema, {
    name: 'http',
    connect_timeout: '60s',
    load_assignment: { cluster_name: 'http', endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
    transport_socket: upstreamTls([WORKLOAD]),
  }),
  staticCluster('http1', port.http),
])
assert.deepEqual(
  outer.apply('listener', [
    listener('tcp', [{ filters: [tcpProxy('tcp')] }]),
    listener('http', [{ filters: [manager] }]),
    listener('http1', [{ filters: [connectionManager({ route_config: routes('r', 'http1') })] }]),
  ]),
  [],
)
const outerPort = {
  tcp: await boundPort(outer, 'tcp'),
  http: await boundPort(outer, 'http'),
  http1: await boundPort(outer, 'http1'),
}

/** A whole number below that. */
type Random = (below: number) => number

function randomOf(seed: number): Random {
  const random = new SeededRandom(seed)
  return below => Math.floor(random.next() * below)
}

function bytesOf(id: number, length: number): Buffer {
  const key = Buffer.alloc(16)
  key.writeUInt32BE(id)
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length))
}

/** As many bytes as a chunk may have, the sizes of a block and its neighbours among them. */
function sizeOf(random: Random): number {
  const kind = random(4)
  if (kind === 0) return 1 + random(100)
  if (kind === 1) return 65_536 * (1 + random(2)) + random(3) - 1
  return 1 + random(kind === 2 ? 5000 : 100_000)
}

/** Sends `bytes` in pieces and checks what comes back, pausing now and then; `lives` false: destroyed on the way. */
async function exchange(stream: Duplex, bytes: Buffer, random: Random, lives: boolean): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const dies = lives ? Number.POSITIVE_INFINITY : random(bytes.length)
  let sent = 0
  let got = 0
  const send = (): void => {
    while (sent < bytes.length) {
      const piece = bytes.subarray(sent, sent + sizeOf(random))
      sent += piece.length
      if (!stream.write(piece)) return
      if (random(3) === 0) {
        setImmediate(send)
        return
      }
    }
    if (!stream.writableEnded) stream.end()
  }
  stream.on('drain', send)
  stream.on('data', (chunk: Buffer) => {
    if (!chunk.equals(bytes.subarray(got, got + chunk.length))) {
      reject(new Error(`other bytes after ${got} of ${bytes.length}`))
      stream.destroy()
      return
    }
    got += chunk.length
    if (got >= dies) {
      stream.destroy()
      resolve()
    } else if (random(4) === 0) {
      stream.pause()
      setImmediate(() => stream.resume())
    }
  })
  stream.on('error', error => (lives ? reject(error) : resolve()))
  stream.on('end', () => (got === bytes.length || !lives ? resolve() : reject(new Error(`${got} of ${bytes.length}`))))
  stream.on('close', () => (lives ? reject(new Error(`closed at ${got} of ${bytes.length}`)) : resolve()))
  send()
  await promise
}

const dial = (to: number): Duplex => connect({ port: to, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
const secure = { key: identity.privateKey, cert: identity.certificateChain, rejectUnauthorized: false }

async function overHttp1(to: number, bytes: Buffer, random: Random): Promise<void> {
  for (let left = 1 + random(4); left > 0; left--) {
    const body = bytes.subarray(random(bytes.length))
    const outgoing = request({ port: to, host: '127.0.0.1', agent, method: 'POST' })
    outgoing.end(body)
    const [incoming] = await once(outgoing, 'response')
    assert.equal(incoming.statusCode, 200)
    let got = 0
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      assert.ok(chunk.equals(body.subarray(got, got + chunk.length)), `other bytes after ${got} of ${body.length}`)
      got += chunk.length
    }
    assert.equal(got, body.length)
  }
}

function openSession(to: number): ClientHttp2Session {
  const session = connectHttp2(`http://127.0.0.1:${to}`)
  session.on('error', () => {})
  sessions.push(session)
  return session
}

const shared = [openSession(outerPort.http), openSession(port.http), openSession(outerPort.http1)]

const KINDS: ((bytes: Buffer, random: Random, lives: boolean) => Promise<void>)[] = [
  (bytes, random, lives) => exchange(dial(port.tcp), bytes, random, lives),
  (bytes, random, lives) => exchange(dial(outerPort.tcp), bytes, random, lives),
  (bytes, random, lives) =>
    exchange(connectSecure({ ...secure, port: port.tcp, host: '127.0.0.1' }), bytes, random, lives),
  (bytes, random, lives) => {
    const socket = dial(port.header)
    socket.write('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n')
    return exchange(socket, bytes, random, lives)
  },
  (bytes, random) => overHttp1(port.http, bytes, random),
  (bytes, random) => overHttp1(outerPort.http, bytes, random),
  (bytes, random) => overHttp1(outerPort.http1, bytes, random),
  (bytes, random, lives) => {
    const stream = shared[random(shared.length)]!.request({ ':method': 'POST', ':path': '/' })
    return exchange(stream, bytes, random, lives)
  },
]

test('every byte that comes back is of the connection that sent it', async () => {
  const random = randomOf(SEED)
  const under: Promise<void>[] = []
  for (let id = 0; id < CONNECTIONS; id++) {
    const kind = KINDS[id % KINDS.length]!
    const bytes = bytesOf(id, 1 + random(LARGEST))
    under.push(
      kind(bytes, randomOf(random(1 << 30)), random(5) > 0).catch(error => {
        throw new Error(`connection ${id}: ${error.message}`, { cause: error })
      }),
    )
    if (random(3) === 0) await new Promise(resolve => setImmediate(resolve))
  }
  await Promise.all(under)
})
