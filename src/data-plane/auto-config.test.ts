// auto_config: ALPN chooses HTTP/1.1 or HTTP/2 to an endpoint, and chooses anew when the endpoint is another.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { createSecureServer } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { after, test } from 'node:test'
import { createServer, type TLSSocket } from 'node:tls'
import type { JsonValue } from '@bufbuild/protobuf'
import { TestAuthority } from '../transport/tls/certificate-fixture.ts'
import { ClusterSchema } from '../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { boundPort, connectionManager, listener, openProxy, parse, routes, staticCluster } from './mesh-fixture.ts'
import type { Proxy as DataPlaneProxy } from './proxy.ts'

const TYPE = 'type.googleapis.com/envoy.extensions'
const authority = await TestAuthority.create()
const { privateKey: key, certificateChain: cert } = await authority.issueSpiffe('spiffe://cluster.local/ns/a/sa/b')
const TLS: JsonValue = {
  name: 'tls',
  typed_config: { '@type': `${TYPE}.transport_sockets.tls.v3.UpstreamTlsContext`, common_tls_context: {} },
}
const KEY = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'

const closers: (() => unknown)[] = []
after(async () => {
  for (const close of closers.reverse()) await close()
})

function autoCluster(port: number, socket: JsonValue = TLS, config: JsonValue = {}) {
  const cluster = staticCluster('c', port, socket)
  cluster.typedExtensionProtocolOptions = parse(ClusterSchema, {
    typed_extension_protocol_options: {
      [KEY]: { '@type': `${TYPE}.upstreams.http.v3.HttpProtocolOptions`, auto_config: config },
    },
  }).typedExtensionProtocolOptions
  return cluster
}

interface Upstream {
  readonly port: number
  /** ALPN of each connection, as it was agreed. */
  readonly connections: string[]
  stop(): void
}

/** Answers with the protocol it was asked in. */
async function upstream(protocols: readonly string[], port = 0): Promise<Upstream> {
  const connections: string[] = []
  const sockets = new Set<Socket>()
  const onConnection = (socket: TLSSocket): void => {
    connections.push(String(socket.alpnProtocol))
    sockets.add(socket)
    socket.on('error', () => {})
  }
  const server = protocols.includes('h2')
    ? createSecureServer({ key, cert, allowHTTP1: true }, (request, response) => response.end(request.httpVersion))
    : createServer({ key, cert, ...(protocols.length > 0 && { ALPNProtocols: [...protocols] }) }, socket => {
        socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n1.1'))
      })
  server.on('secureConnection', onConnection)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const stop = (): void => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  closers.push(stop)
  return { port: (server.address() as AddressInfo).port, connections, stop }
}

async function open(cluster: ReturnType<typeof staticCluster>): Promise<{ proxy: DataPlaneProxy; port: number }> {
  const proxy = openProxy()
  closers.push(() => proxy.close())
  assert.deepEqual(proxy.apply('cluster', [cluster]), [])
  const chain = { filters: [connectionManager({ route_config: routes('r', 'c') })] }
  assert.deepEqual(proxy.apply('listener', [listener('l', [chain])]), [])
  return { proxy, port: await boundPort(proxy, 'l') }
}

async function ask(port: number): Promise<string> {
  const [response] = (await once(get({ port, host: '127.0.0.1', agent: false }), 'response')) as [IncomingMessage]
  let body = ''
  for await (const chunk of response) body += chunk
  return `${response.statusCode} ${body}`
}

test('HTTP/2 where the endpoint has it: all who wait share the first connection', async () => {
  const server = await upstream(['h2', 'http/1.1'])
  const { proxy, port } = await open(autoCluster(server.port))
  assert.deepEqual(await Promise.all([ask(port), ask(port), ask(port)]), ['200 2.0', '200 2.0', '200 2.0'])
  assert.equal(await ask(port), '200 2.0')
  assert.deepEqual(server.connections, ['h2'])
  assert.equal(proxy.stats.value('cluster.c.upstream_cx_total'), 1)
  assert.equal(proxy.stats.value('cluster.c.upstream_rq_pending_active'), 0)
})

for (const [what, protocols, agreed] of [
  ['offers HTTP/1.1', ['http/1.1'], 'http/1.1'],
  ['has no ALPN', [], 'false'],
] as const) {
  test(`HTTP/1.1 where the endpoint ${what}, by the connection that found out`, async () => {
    const server = await upstream(protocols)
    const { proxy, port } = await open(autoCluster(server.port))
    for (let i = 0; i < 3; i++) assert.equal(await ask(port), '200 1.1')
    assert.deepEqual(server.connections, [agreed])
    assert.equal(proxy.stats.value('cluster.c.upstream_cx_total'), 1)
    assert.equal(proxy.stats.value('cluster.c.upstream_cx_active'), 1)
    const many = await Promise.all(Array.from({ length: 5 }, () => ask(port)))
    assert.deepEqual(new Set(many), new Set(['200 1.1']))
  })
}

test('an endpoint that is replaced by one of another protocol is asked in that', async () => {
  let server: Upstream = await upstream(['h2', 'http/1.1'])
  const { proxy, port } = await open(autoCluster(server.port))
  for (const [protocols, answer] of [
    [['http/1.1'], '200 1.1'],
    [['h2'], '200 2.0'],
  ] as const) {
    await ask(port)
    server.stop()
    while (proxy.stats.value('cluster.c.upstream_cx_active') !== 0) await new Promise(resolve => setImmediate(resolve))
    server = await upstream(protocols, server.port)
    assert.deepEqual(await Promise.all([ask(port), ask(port)]), [answer, answer])
  }
})

test('an endpoint that cannot be reached fails all who wait', async () => {
  const server = await upstream([])
  server.stop()
  const { proxy, port } = await open(autoCluster(server.port))
  for (const outcome of await Promise.all([ask(port), ask(port)])) assert.match(outcome, /^503 /)
  assert.equal(proxy.stats.value('cluster.c.upstream_cx_active'), 0)
  assert.equal(proxy.stats.value('cluster.c.upstream_rq_pending_active'), 0)
})

test('config: TLS is needed for ALPN, and HTTP/3 is refused', () => {
  const proxy = openProxy()
  closers.push(() => proxy.close())
  const raw = { name: 'raw', typed_config: { '@type': `${TYPE}.transport_sockets.raw_buffer.v3.RawBuffer` } }
  const problems = (cluster: ReturnType<typeof staticCluster>): unknown =>
    proxy.apply('cluster', [cluster]).map(({ path }) => path)
  assert.deepEqual(problems(autoCluster(1, raw)), ['transport_socket'])
  const at = `typed_extension_protocol_options[${KEY}].auto_config.http3_protocol_options`
  assert.deepEqual(problems(autoCluster(1, TLS, { http3_protocol_options: {} })), [at])
})
