// Internal listeners: connections that stay within the proxy, from a tunnel that ends here to a filter chain of their own.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, test } from 'node:test'
import type { JsonValue } from '@bufbuild/protobuf'
import { TestAuthority } from '../transport/tls/certificate-fixture.ts'
import { ClusterSchema } from '../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { ListenerSchema } from '../xds/generated/envoy/config/listener/v3/listener_pb.ts'
import { exchange } from './http/testing/raw-client.ts'
import { ok, rawUpstream, type UpstreamRequest } from './http/testing/raw-upstream.ts'
import {
  boundPort,
  connectionManager,
  downstreamTls,
  listener,
  openProxy,
  parse,
  routes,
  staticCluster,
  TestIdentity,
  tcpProxy,
  upstreamTls,
} from './mesh-fixture.ts'
import type { Proxy as DataPlaneProxy } from './proxy.ts'

const TYPE = 'type.googleapis.com/envoy'
const SERVER = 'spiffe://cluster.local/ns/default/sa/server'
const CLIENT = 'spiffe://cluster.local/ns/default/sa/client'
const authority = await TestAuthority.create()

const requests: UpstreamRequest[] = []
const application = await rawUpstream(request => {
  requests.push(request)
  return ok()
})
const opened: DataPlaneProxy[] = []
after(async () => {
  for (const proxy of opened) await proxy.close()
  await application.close()
})

const http2: JsonValue = {
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
    '@type': `${TYPE}.extensions.upstreams.http.v3.HttpProtocolOptions`,
    explicit_http_config: { http2_protocol_options: {} },
  },
}
const internalUpstream: JsonValue = {
  name: 'envoy.transport_sockets.internal_upstream',
  typed_config: {
    '@type': `${TYPE}.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport`,
    transport_socket: {
      name: 'envoy.transport_sockets.raw_buffer',
      typed_config: { '@type': `${TYPE}.extensions.transport_sockets.raw_buffer.v3.RawBuffer` },
    },
  },
}

function internalCluster(name: string, target: string, id: string, more: { [key: string]: JsonValue } = {}) {
  const address = { envoy_internal_address: { server_listener_name: target, endpoint_id: id } }
  const endpoints = [{ lb_endpoints: [{ endpoint: { address } }] }]
  return parse(ClusterSchema, { name, load_assignment: { cluster_name: name, endpoints }, ...more })
}

function internalListener(name: string, filter: JsonValue) {
  return parse(ListenerSchema, { name, internal_listener: {}, filter_chains: [{ filters: [filter] }] })
}

async function open(identity = SERVER, onLogLine?: (line: string) => void): Promise<DataPlaneProxy> {
  const proxy = openProxy(onLogLine ? { onLogLine } : {})
  opened.push(proxy)
  proxy.useIdentity(new TestIdentity(await authority.issueSpiffe(identity), authority.bundle))
  return proxy
}

const details = {
  forward_client_cert_details: 'APPEND_FORWARD',
  set_current_client_cert_details: { uri: true },
}
const log: JsonValue = [
  {
    name: 'file',
    typed_config: {
      '@type': `${TYPE}.extensions.access_loggers.file.v3.FileAccessLog`,
      path: 'log',
      log_format: {
        text_format_source: {
          inline_string:
            '%DOWNSTREAM_PEER_URI_SAN% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_LOCAL_ADDRESS% %UPSTREAM_HOST%\n',
        },
      },
    },
  },
]

interface Ends {
  readonly server: DataPlaneProxy
  readonly port: number
  readonly lines: string[]
}

/** A client's proxy that tunnels to another, where an internal listener with this filter takes what was in the tunnel. */
async function hbone(filter: JsonValue, cluster: { [key: string]: JsonValue }): Promise<Ends> {
  const lines: string[] = []
  const server = await open(SERVER, line => lines.push(line))
  const target = `127.0.0.1:${application.port}`
  assert.deepEqual(
    server.apply('cluster', [
      staticCluster('app', application.port),
      internalCluster('inside', 'inner', target, cluster),
    ]),
    [],
  )
  const route = {
    match: { connect_matcher: {} },
    route: { cluster: 'inside', upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config: {} }] },
  }
  const manager = connectionManager({
    http2_protocol_options: { allow_connect: true },
    route_config: { virtual_hosts: [{ name: 'v', domains: [target], routes: [route] }] },
  })
  const outer = listener('hbone', [{ filters: [manager], transport_socket: downstreamTls([CLIENT]) }])
  assert.deepEqual(server.apply('listener', [outer, internalListener('inner', filter)]), [])
  const client = await open(CLIENT)
  const tunnel = parse(ClusterSchema, {
    name: 'hbone',
    load_assignment: {
      cluster_name: 'hbone',
      endpoints: [
        {
          lb_endpoints: [
            {
              endpoint: {
                address: { socket_address: { address: '127.0.0.1', port_value: await boundPort(server, 'hbone') } },
              },
            },
          ],
        },
      ],
    },
    typed_extension_protocol_options: http2,
    transport_socket: upstreamTls([SERVER]),
  })
  assert.deepEqual(client.apply('cluster', [tunnel]), [])
  const into = tcpProxy('hbone', { tunneling_config: { hostname: target } })
  assert.deepEqual(client.apply('listener', [listener('tcp', [{ filters: [into] }])]), [])
  return { server, port: await boundPort(client, 'tcp'), lines }
}

const inner = connectionManager({ route_config: routes('r', 'app'), access_log: log, ...details })
const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'

test('what a tunnel carries meets the inner chain, which knows whose it is', async () => {
  const { port, lines, server } = await hbone(inner, { transport_socket: internalUpstream })
  assert.equal((await exchange(port, GET)).status, 200)
  const { fields } = requests.at(-1)!
  assert.match(fields['x-forwarded-client-cert'] ?? '', new RegExp(`^By=${SERVER};Hash=[0-9a-f]{64};URI=${CLIENT}$`))
  assert.equal(fields['x-forwarded-proto'], 'https')
  await server.close()
  const target = `127.0.0.1:${application.port}`
  assert.deepEqual(lines, [`${CLIENT} 127.0.0.1 ${target} ${target}\n`])
})

test('without internal_upstream it knows nobody, as in Envoy', async () => {
  const { port, lines, server } = await hbone(inner, {})
  assert.equal((await exchange(port, GET)).status, 200)
  assert.equal(requests.at(-1)!.fields['x-forwarded-client-cert'], undefined)
  await server.close()
  const target = `127.0.0.1:${application.port}`
  assert.deepEqual(lines, [`- envoy://internal_client_address/ envoy://inner/${target} ${target}\n`])
})

test('a hundred tunnels over one connection, through a tcp_proxy inside; an update drops none', async () => {
  const { port, server } = await hbone(tcpProxy('app'), { transport_socket: internalUpstream })
  const sockets = await Promise.all(
    Array.from({ length: 100 }, async () => {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      return socket
    }),
  )
  await Promise.all(sockets.map(socket => ask(socket)))
  // The other chain's connections live on until the drain time is over.
  assert.deepEqual(server.apply('listener', [internalListener('inner', tcpProxy('app', { stat_prefix: 'new' }))]), [])
  await Promise.all(sockets.map(socket => ask(socket)))
  assert.equal(server.stats.root.counter('listener.127.0.0.1_0.downstream_cx_total').value, 1)
  for (const socket of sockets) socket.end()
  await Promise.all(sockets.map(socket => once(socket, 'close')))
  while (server.clusters.get('inside')!.stats.upstreamCxActive.value > 0)
    await new Promise(resolve => setImmediate(resolve))
})

test('HTTP clusters reach an internal listener, too; one that is not there refuses', async () => {
  const proxy = await open()
  const target = internalCluster('inside', 'inner', '')
  assert.deepEqual(proxy.apply('cluster', [staticCluster('app', application.port), target]), [])
  const outer = listener('l', [{ filters: [connectionManager({ route_config: routes('o', 'inside') })] }])
  assert.deepEqual(proxy.apply('listener', [outer]), [])
  const port = await boundPort(proxy, 'l')
  assert.equal((await exchange(port, GET)).status, 503)
  assert.deepEqual(proxy.apply('listener', [internalListener('inner', inner)]), [])
  assert.equal((await exchange(port, GET)).status, 200)
  assert.deepEqual(proxy.apply('listener', [], ['inner']), [])
  await proxy.listeners.settled()
  const statuses = [(await exchange(port, GET)).status, (await exchange(port, GET)).status]
  assert.deepEqual(statuses.at(-1), 503)
})

test('while the proxy drains, what is under way still finds the internal listener', async () => {
  const proxy = await open()
  assert.deepEqual(
    proxy.apply('cluster', [staticCluster('app', application.port), internalCluster('in', 'inner', '')]),
    [],
  )
  const outer = listener('l', [{ filters: [connectionManager({ route_config: routes('o', 'in') })] }])
  assert.deepEqual(proxy.apply('listener', [outer, internalListener('inner', inner)]), [])
  const socket = connect(await boundPort(proxy, 'l'), '127.0.0.1')
  while (proxy.listeners.activeConnections === 0) await new Promise(resolve => setImmediate(resolve))
  await proxy.listeners.drain(true)
  await ask(socket, 'connection: close\r\n')
  await once(socket, 'close')
})

test('what cannot be honoured is refused by name', async () => {
  const proxy = await open()
  const problem = (type: 'cluster' | 'listener', message: Parameters<DataPlaneProxy['apply']>[1][number]) =>
    proxy.apply(type, [message]).map(({ path, message: text }) => `${path}: ${text}`)
  const withAddress = parse(ListenerSchema, {
    name: 'l',
    internal_listener: {},
    address: { socket_address: { address: '127.0.0.1', port_value: 1 } },
    filter_chains: [{ filters: [inner] }],
  })
  assert.deepEqual(problem('listener', withAddress), ['address: an internal listener has none'])
  assert.deepEqual(problem('cluster', internalCluster('c', 'l', '', { type: 'STRICT_DNS' })), [
    'load_assignment: internal addresses are no names to be resolved',
  ])
  const metadata = structuredClone(internalUpstream) as { typed_config: { [key: string]: JsonValue } }
  metadata.typed_config['passthrough_metadata'] = [{ kind: { host: {} }, name: 'n' }]
  const [found] = problem('cluster', internalCluster('c', 'l', '', { transport_socket: metadata as never }))
  assert.match(found ?? '', /passthrough_metadata/)
})

async function ask(socket: Socket, fields = ''): Promise<void> {
  socket.write(`GET / HTTP/1.1\r\nhost: a\r\n${fields}\r\n`)
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  assert.match(chunk.toString('latin1'), /^HTTP\/1\.1 200/)
}
