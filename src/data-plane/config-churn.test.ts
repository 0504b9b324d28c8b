// Config that changes all its names for ever: what is gone leaves nothing behind, and what is under way is still counted.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import type { JsonValue } from '@bufbuild/protobuf'
import { FakeClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { SharedSlots } from '../base/shared-slots.ts'
import type { Network } from '../transport/net/network.ts'
import { systemNetwork } from '../transport/net/system-network.ts'
import { TestAuthority } from '../transport/tls/certificate-fixture.ts'
import type { KeyPair } from '../transport/tls/secure-context.ts'
import { ClusterSchema } from '../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { ClusterLoadAssignmentSchema } from '../xds/generated/envoy/config/endpoint/v3/endpoint_pb.ts'
import { RouteConfigurationSchema } from '../xds/generated/envoy/config/route/v3/route_pb.ts'
import { SecretSchema } from '../xds/generated/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts'
import { boundPort, connectionManager, listener, openProxy, parse, rds, staticCluster } from './mesh-fixture.ts'
import { sharedLimits } from './process-limits/shared-limits.ts'
import type { Proxy as DataPlaneProxy } from './proxy.ts'
import { collect, collectUntil } from './stats/testing/collected.ts'

const TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3'
const LIMIT = 'type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit'
const GENERATIONS = 2000
/** Beyond which the connections of config that is gone have ended, at that pace. */
const STEP_MS = 5000
/** So many generations are draining at a time, and some are not collected yet. */
const ALIVE = 45_000 / STEP_MS + 3

const UNBOUND: Network = {
  ...systemNetwork,
  listen: async (address, port) => ({ address, port, close: async () => {} }),
}

const secretConfigs = (name: string): JsonValue => ({ tls_certificate_sds_secret_configs: [{ name }] })

/** Everything that has a name, under names that no other generation has. */
function generation(n: number, keyPair: KeyPair) {
  const limit: JsonValue = {
    '@type': LIMIT,
    stat_prefix: `limit-${n}`,
    token_bucket: { max_tokens: 1, fill_interval: '1s' },
    filter_enabled: { default_value: { numerator: 100 } },
  }
  const route: JsonValue = {
    match: { prefix: '/' },
    stat_prefix: `route-${n}`,
    route: { cluster: `cluster-${n}` },
    typed_per_filter_config: { limit },
  }
  const virtualHost: JsonValue = {
    name: `host-${n}`,
    domains: ['*'],
    virtual_clusters: [{ name: `kind-${n}`, headers: [{ name: ':method', string_match: { exact: 'GET' } }] }],
    routes: [route],
  }
  const manager = connectionManager({
    ...rds(`routes-${n}`),
    stat_prefix: `manager-${n}`,
    http_filters: [
      { name: 'limit', typed_config: limit },
      {
        name: 'router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
      },
    ],
  })
  const downstream = { '@type': `${TLS}.DownstreamTlsContext`, common_tls_context: secretConfigs(`in-${n}`) }
  const upstream = { '@type': `${TLS}.UpstreamTlsContext`, common_tls_context: secretConfigs(`out-${n}`) }
  const pem = (text: string): JsonValue => ({ inline_string: text })
  const secret = (name: string) =>
    parse(SecretSchema, {
      name,
      tls_certificate: { certificate_chain: pem(keyPair.certificateChain), private_key: pem(keyPair.privateKey) },
    })
  return {
    cluster: parse(ClusterSchema, {
      name: `cluster-${n}`,
      type: 'EDS',
      connect_timeout: '1s',
      eds_cluster_config: { service_name: `endpoints-${n}`, eds_config: { ads: {}, resource_api_version: 'V3' } },
      outlier_detection: {},
      health_checks: [
        { timeout: '1s', interval: '10s', healthy_threshold: 1, unhealthy_threshold: 1, tcp_health_check: {} },
      ],
      transport_socket: { name: 'tls', typed_config: upstream },
    }),
    endpoint: parse(ClusterLoadAssignmentSchema, { cluster_name: `endpoints-${n}` }),
    secrets: [secret(`in-${n}`), secret(`out-${n}`)],
    listener: listener(
      `listener-${n}`,
      [{ filters: [manager], transport_socket: { name: 'tls', typed_config: downstream } }],
      {},
      10_000 + n,
    ),
    route: parse(RouteConfigurationSchema, { name: `routes-${n}`, virtual_hosts: [virtualHost] }),
  }
}

/** As the xDS client does it: in the order of types, then what is asked for no more. */
function move(proxy: DataPlaneProxy, n: number, keyPair: KeyPair): void {
  const { cluster, endpoint, secrets, listener, route } = generation(n, keyPair)
  const problems = [
    ...proxy.apply('cluster', [cluster]),
    ...proxy.apply('endpoint', [endpoint]),
    ...proxy.apply('secret', secrets),
    ...proxy.apply('listener', [listener], [`listener-${n - 1}`]),
    ...proxy.apply('route', [route], [`routes-${n - 1}`]),
    ...proxy.apply('cluster', [], [`cluster-${n - 1}`]),
    ...proxy.apply('endpoint', [], [`endpoints-${n - 1}`]),
    ...proxy.apply('secret', [], [`in-${n - 1}`, `out-${n - 1}`]),
  ]
  assert.deepEqual(problems, [])
}

test('thousands of generations of config with new names leave no more behind than a few', async () => {
  const clock = new FakeClock()
  const keyPair = await (await TestAuthority.create()).issueSpiffe('spiffe://a/ns/b/sa/c')
  const slots = new SharedSlots(SharedSlots.allocate(1, 4096), 0)
  const proxy = openProxy({ clock, network: UNBOUND, limits: sharedLimits(slots, silentLog) })
  const stats = (): string[] => [...proxy.stats.batches()].flatMap(({ names }) => names)
  const sizes = () => ({
    stats: stats().length,
    secrets: proxy.secrets.names().keyPairs.length,
    records: (['cluster', 'endpoint', 'listener', 'route', 'secret'] as const).flatMap(type =>
      proxy.records.entries(type),
    ).length,
    listeners: proxy.listeners.status().length,
    timers: clock.pendingTimers,
    slots: slots.size,
  })
  const turn = async (n: number): Promise<void> => {
    move(proxy, n, keyPair)
    clock.advance(STEP_MS)
    if (n % 50 === 0) await new Promise(setImmediate)
  }
  await turn(1)
  const ofOne = { ...sizes(), timers: 3 }
  for (const name of ['listener.127.0.0.1_10001.', 'http.manager-1.', 'vhost.host-1.route.route-1.', 'limit-1.'])
    assert.ok(
      stats().some(stat => stat.startsWith(name)),
      name,
    )
  for (let n = 2; n <= GENERATIONS; n++) await turn(n)
  await collectUntil(() =>
    Object.entries(sizes()).every(([what, size]) => size <= ofOne[what as keyof typeof ofOne] * ALIVE),
  )
  await proxy.close()
})

test('what is under way is counted to its end, and what stays goes on from where it was', async () => {
  const { promise: asked, resolve: onAsked } = Promise.withResolvers<Socket>()
  const upstream = await systemNetwork.listen('127.0.0.1', 0, socket => socket.once('data', () => onAsked(socket)))
  const proxy = openProxy()
  const table = (kinds: readonly string[]) =>
    parse(RouteConfigurationSchema, {
      name: 'r',
      virtual_hosts: [
        {
          name: 'v',
          domains: ['*'],
          virtual_clusters: kinds.map(name => ({
            name,
            headers: [{ name: ':path', string_match: { exact: `/${name}` } }],
          })),
          routes: [{ match: { prefix: '/' }, route: { cluster: 'c' } }],
        },
      ],
    })
  const total = (name: string): number | undefined => proxy.stats.value(`vhost.v.vcluster.${name}.upstream_rq_total`)
  proxy.apply('cluster', [staticCluster('c', upstream.port)])
  proxy.apply('listener', [listener('l', [{ filters: [connectionManager(rds('r'))] }])])
  proxy.apply('route', [table(['going', 'staying'])])
  const client = systemNetwork.connect('127.0.0.1', await boundPort(proxy, 'l'))
  client.write('GET /going HTTP/1.1\r\nhost: a\r\n\r\n')
  const socket = await asked
  proxy.apply('route', [table(['staying'])])
  // Two rounds: what is collected is told of after the first.
  for (let round = 0; round < 2; round++) {
    collect()
    await new Promise(setImmediate)
  }
  assert.deepEqual([total('going'), total('staying')], [0, 0])
  socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
  await once(client, 'data')
  assert.equal(total('going'), 1)
  client.write('GET /staying HTTP/1.1\r\nhost: a\r\n\r\n')
  await once(socket, 'data')
  socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
  await once(client, 'data')
  proxy.apply('route', [table(['staying'])])
  await collectUntil(() => total('going') === undefined)
  assert.equal(total('staying'), 1)
  client.destroy()
  await proxy.close()
  await upstream.close()
  socket.destroy()
})
