// TCP through two proxies, tunnelled in HTTP/2 CONNECT over mutual TLS: HBONE.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { TestAuthority } from '../transport/tls/certificate-fixture.ts'
import { ClusterSchema } from '../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import {
  boundPort,
  connectionManager,
  downstreamTls,
  listener,
  openProxy,
  parse,
  staticCluster,
  TestIdentity,
  upstreamTls,
} from './mesh-fixture.ts'
import type { Proxy as DataPlaneProxy } from './proxy.ts'

const WORKLOAD = 'spiffe://cluster.local/ns/default/sa/db'
const authority = await TestAuthority.create()
const proxies: DataPlaneProxy[] = []

/** Answers at the end of what it gets, as a client that half-closes expects. */
const application: Server = createServer({ allowHalfOpen: true }, socket => {
  let got = ''
  socket.on('error', () => {})
  socket.on('data', chunk => {
    got += chunk.toString('latin1')
  })
  socket.on('end', () => void socket.end(`got ${got.length}`))
})
application.listen(0, '127.0.0.1')
await once(application, 'listening')
const applicationPort = (application.address() as AddressInfo).port

after(async () => {
  for (const proxy of proxies) await proxy.close()
  application.close()
})

async function open(): Promise<DataPlaneProxy> {
  const proxy = openProxy()
  proxies.push(proxy)
  proxy.useIdentity(new TestIdentity(await authority.issueSpiffe(WORKLOAD), authority.bundle))
  return proxy
}

async function terminating(): Promise<{ readonly proxy: DataPlaneProxy; readonly port: number }> {
  const proxy = await open()
  assert.deepEqual(proxy.apply('cluster', [staticCluster('app', applicationPort)]), [])
  const route = {
    match: { connect_matcher: {} },
    route: { cluster: 'app', upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config: {} }] },
  }
  const manager = connectionManager({
    http2_protocol_options: { allow_connect: true },
    route_config: { virtual_hosts: [{ name: 'v', domains: [`db.default:${applicationPort}`], routes: [route] }] },
  })
  const chain = { filters: [manager], transport_socket: downstreamTls([WORKLOAD]) }
  assert.deepEqual(proxy.apply('listener', [listener('hbone', [chain])]), [])
  return { proxy, port: await boundPort(proxy, 'hbone') }
}

async function tunnelling(port: number, hostname: string): Promise<{ proxy: DataPlaneProxy; port: number }> {
  const proxy = await open()
  const cluster = parse(ClusterSchema, {
    name: 'hbone',
    connect_timeout: '60s',
    load_assignment: {
      cluster_name: 'hbone',
      endpoints: [
        {
          lb_endpoints: [{ endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } } }],
        },
      ],
    },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
    transport_socket: upstreamTls([WORKLOAD]),
  })
  assert.deepEqual(proxy.apply('cluster', [cluster]), [])
  const filter = {
    name: 'envoy.filters.network.tcp_proxy',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
      stat_prefix: 'tunnel',
      cluster: 'hbone',
      tunneling_config: { hostname },
    },
  }
  assert.deepEqual(proxy.apply('listener', [listener('tcp', [{ filters: [filter] }])]), [])
  return { proxy, port: await boundPort(proxy, 'tcp') }
}

async function readAll(socket: Socket): Promise<string> {
  let text = ''
  for await (const chunk of socket) text += (chunk as Buffer).toString('latin1')
  return text
}

const inner = await terminating()
const outer = await tunnelling(inner.port, `db.default:${applicationPort}`)

test('connections share one mutual TLS connection; an end in one direction is none of the other', async () => {
  const sizes = Array.from({ length: 20 }, (_, i) => i * 40_000)
  const answers = await Promise.all(
    sizes.map(size => {
      const socket = connect({ port: outer.port, host: '127.0.0.1', allowHalfOpen: true })
      socket.end('x'.repeat(size))
      return readAll(socket)
    }),
  )
  assert.deepEqual(
    answers,
    sizes.map(size => `got ${size}`),
  )
  const cluster = outer.proxy.clusters.get('hbone')!
  assert.equal(cluster.stats.upstreamCxTotal.value, 1)
  assert.equal(cluster.stats.upstreamRqTotal.value, sizes.length)
  while (cluster.stats.upstreamRqActive.value > 0) await new Promise(resolve => setImmediate(resolve))
  const inside = inner.proxy.clusters.get('app')!
  while (inside.stats.upstreamCxActive.value > 0) await new Promise(resolve => setImmediate(resolve))
})

test('a client that goes takes its tunnel along, and no other', async () => {
  const inside = inner.proxy.clusters.get('app')!
  const stays = connect({ port: outer.port, host: '127.0.0.1', allowHalfOpen: true })
  const goes = connect(outer.port, '127.0.0.1')
  stays.write('begun ')
  goes.write('begun ')
  while (inside.stats.upstreamCxActive.value < 2) await new Promise(resolve => setImmediate(resolve))
  goes.resetAndDestroy()
  while (inside.stats.upstreamCxActive.value > 1) await new Promise(resolve => setImmediate(resolve))
  stays.end('and ended')
  assert.equal(await readAll(stays), 'got 15')
})

test('a tunnel that the other proxy does not let through closes the connection, with the reason', async () => {
  const refused = await tunnelling(inner.port, 'elsewhere:1')
  const socket = connect(refused.port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'close')
  assert.equal(refused.proxy.clusters.get('hbone')!.stats.upstreamRqActive.value, 0)
})
