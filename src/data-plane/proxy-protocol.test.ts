// PROXY headers towards upstreams: whose connection it is, before TLS, and never on a connection shared by two.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { after, test } from 'node:test'
import type { JsonValue } from '@bufbuild/protobuf'
import { systemNetwork } from '../transport/net/system-network.ts'
import { TestAuthority } from '../transport/tls/certificate-fixture.ts'
import { CircuitBreakersSchema } from '../xds/generated/envoy/config/cluster/v3/circuit_breaker_pb.ts'
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
import type { Proxy as DataPlaneProxy } from './proxy.ts'
import { SecretStore } from './transport-socket/secret-store.ts'
import { createTransportCompiler } from './transport-socket/upstream-transport-compiler.ts'

const TYPE = 'type.googleapis.com/envoy'
const SERVER = 'spiffe://cluster.local/ns/default/sa/server'
const authority = await TestAuthority.create()
const identity = new TestIdentity(await authority.issueSpiffe(SERVER), authority.bundle)
const closers: (() => unknown)[] = []
after(async () => {
  for (const close of closers) await close()
})

function announcing(config: { [key: string]: JsonValue }, wrapped?: JsonValue): JsonValue {
  return {
    name: 'envoy.transport_sockets.upstream_proxy_protocol',
    typed_config: {
      '@type': `${TYPE}.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport`,
      config,
      transport_socket: wrapped ?? {
        name: 'raw',
        typed_config: { '@type': `${TYPE}.extensions.transport_sockets.raw_buffer.v3.RawBuffer` },
      },
    },
  }
}

async function serve(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer(socket => {
    socket.on('error', () => {})
    closers.push(() => socket.destroy())
    onConnection(socket)
  })
  closers.push(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function open(
  cluster: ReturnType<typeof staticCluster>,
  chain: JsonValue,
  more: { [key: string]: JsonValue } = {},
): Promise<{ proxy: DataPlaneProxy; port: number }> {
  const proxy = openProxy()
  closers.push(() => proxy.close())
  proxy.useIdentity(identity)
  assert.deepEqual(proxy.apply('cluster', [cluster]), [])
  assert.deepEqual(proxy.apply('listener', [listener('l', [chain], more)]), [])
  return { proxy, port: await boundPort(proxy, 'l') }
}

/** Sends, and reads until the other side has ended. */
async function exchange(port: number, text: string): Promise<{ text: string; localPort: number }> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => {})
  let received = ''
  socket.on('data', chunk => {
    received += chunk.toString('latin1')
  })
  socket.write(text, 'latin1')
  await once(socket, 'connect')
  const localPort = socket.localPort!
  await new Promise(resolve => socket.once('end', resolve).once('close', resolve))
  socket.destroy()
  return { text: received, localPort }
}

/** Answers the first bytes with themselves and a FIN. */
const mirror = (socket: Socket): void => void socket.once('data', chunk => socket.end(chunk))

test('version 1: the upstream reads the client before its first byte', async () => {
  const cluster = staticCluster('c', await serve(mirror), announcing({}))
  const { port } = await open(cluster, { filters: [tcpProxy('c')] })
  const { text, localPort } = await exchange(port, 'hello')
  assert.ok(text.startsWith(`PROXY TCP4 127.0.0.1 127.0.0.1 ${localPort} ${port}\r\n`), text)
})

test('what one proxy is told the next is told, TLVs included, and TLS begins behind the header', async () => {
  const inner = await open(
    staticCluster('c', await serve(mirror), announcing({ version: 'V2', pass_through_tlvs: {} })),
    { filters: [tcpProxy('c')], transport_socket: downstreamTls() },
    { listener_filters: [listenerFilter('proxy_protocol', { pass_through_tlvs: {} })] },
  )
  const outer = await open(
    staticCluster(
      'inner',
      inner.port,
      announcing(
        { version: 'V2', pass_through_tlvs: { match_type: 'INCLUDE', tlv_type: [0xea] } },
        upstreamTls([SERVER]),
      ),
    ),
    { filters: [tcpProxy('inner')] },
    { listener_filters: [listenerFilter('proxy_protocol', { pass_through_tlvs: {} })] },
  )
  const signature = '\r\n\r\n\0\r\nQUIT\n\x21\x11'
  const addresses = '\x01\x02\x03\x04\x05\x06\x07\x08\x04\x57\x08\xae'
  const { text } = await exchange(outer.port, `${signature}\0\x14${addresses}\x02\0\x01a\xea\0\x01bhello`)
  assert.ok(text.startsWith(`${signature}\0\x10${addresses}\xea\0\x01b`), JSON.stringify(text))
})

test('no two requests share a connection that tells whose it is', async () => {
  const seen: string[] = []
  const upstream = await serve(socket =>
    socket.on('data', chunk => {
      seen.push(chunk.toString('latin1').split('\r\n')[0]!)
      if (chunk.includes('\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
    }),
  )
  const chain = { filters: [connectionManager({ route_config: routes('r', 'c') })] }
  const { proxy, port } = await open(staticCluster('c', upstream, announcing({})), chain)
  const ports: number[] = []
  const ask = (agent: Agent): Promise<void> =>
    new Promise((resolve, reject) => {
      const outgoing = request({ port, host: '127.0.0.1', agent }, response => {
        ports.push(outgoing.socket?.localPort ?? 0)
        assert.equal(response.statusCode, 200)
        response.resume().on('end', () => resolve())
      })
      outgoing.on('error', reject).end()
    })
  const [one, two] = [new Agent({ keepAlive: true }), new Agent({ keepAlive: true })]
  for (const agent of [one, two, one]) await ask(agent)
  const headers = seen.filter(line => line.startsWith('PROXY'))
  assert.deepEqual(
    headers,
    ports.map(own => `PROXY TCP4 127.0.0.1 127.0.0.1 ${own} ${port}`),
  )
  assert.equal(proxy.stats.value('cluster.c.upstream_cx_total'), 3)
  assert.equal(proxy.stats.value('cluster.c.upstream_cx_active'), 0)
  one.destroy()
  two.destroy()
})

test('connections that tell whose they are count against max_connections', async () => {
  const held: Socket[] = []
  const upstream = await serve(socket => void held.push(socket.resume()))
  const cluster = staticCluster('c', upstream, announcing({}))
  cluster.circuitBreakers = parse(CircuitBreakersSchema, { thresholds: [{ max_connections: 1 }] })
  const chain = { filters: [connectionManager({ route_config: routes('r', 'c') })] }
  const { proxy, port } = await open(cluster, chain)
  const get = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'
  const first = exchange(port, get)
  while (held.length === 0) await new Promise(resolve => setImmediate(resolve))
  const second = await exchange(port, get)
  assert.ok(second.text.includes('x-weft-reason: upstream_reset_before_response_started{overflow}'), second.text)
  held[0]!.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
  assert.ok((await first).text.startsWith('HTTP/1.1 200 OK'))
  assert.equal(proxy.stats.value('cluster.c.upstream_cx_total'), 1)
  assert.equal(proxy.stats.value('cluster.c.upstream_cx_overflow'), 1)
})

test('a config that cannot be honoured is refused with its path', () => {
  const compile = createTransportCompiler(systemNetwork, new SecretStore())
  const paths = (socket: JsonValue): unknown => {
    const cluster = parse(ClusterSchema, { name: 'c', transport_socket: socket })
    const compiled = compile(cluster.transportSocket, 'transport_socket', [])
    return compiled.ok || compiled.problems.map(({ path }) => path)
  }
  assert.deepEqual(paths(announcing({ pass_through_tlvs: { tlv_type: [256] } }, { name: 'none' })), [
    'transport_socket.typed_config.config.pass_through_tlvs.tlv_type[0]',
    'transport_socket.typed_config.transport_socket.typed_config',
  ])
  const bare = `${TYPE}.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport`
  assert.deepEqual(paths({ name: 'p', typed_config: { '@type': bare } }), [
    'transport_socket.typed_config.transport_socket',
  ])
})
