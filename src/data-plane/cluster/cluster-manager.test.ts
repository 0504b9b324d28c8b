import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { FakeClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { SeededRandom } from '../../base/random.ts'
import { packAny } from '../../xds/any-pack.ts'
import {
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  Cluster_LbPolicy,
  ClusterSchema,
} from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { HealthStatus } from '../../xds/generated/envoy/config/core/v3/health_check_pb.ts'
import type { LbEndpoint } from '../../xds/generated/envoy/config/endpoint/v3/endpoint_components_pb.ts'
import { ClusterLoadAssignmentSchema } from '../../xds/generated/envoy/config/endpoint/v3/endpoint_pb.ts'
import { ClusterConfigSchema } from '../../xds/generated/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster_pb.ts'
import { DnsCacheConfigSchema } from '../../xds/generated/envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache_pb.ts'
import { HttpProtocolOptionsSchema } from '../../xds/generated/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts'
import { LOOP_LIMITS } from '../process-limits/loop-limits.ts'
import { createStats } from '../stats/stats-store.ts'
import { SecretStore } from '../transport-socket/secret-store.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'
import type { Endpoint } from './cluster.ts'
import { ClusterManager } from './cluster-manager.ts'

const transport = (name: UpstreamTransport['name']): UpstreamTransport => ({
  name,
  connect: () => assert.fail('not dialled here'),
})
const PLAINTEXT = transport('raw_buffer')
const TLS = transport('tls')

function fixture(addresses: Record<string, string[]> = {}) {
  const clock = new FakeClock()
  const stats = createStats()
  const secrets = new SecretStore()
  const manager = new ClusterManager({
    clock,
    random: new SeededRandom(1),
    log: silentLog,
    network: {
      connect: () => assert.fail('not dialled here'),
      listen: () => assert.fail('nothing listens here'),
      resolve: async name => addresses[name] ?? Promise.reject(new Error('ENOTFOUND')),
    },
    stats: stats.root,
    secrets,
    limits: LOOP_LIMITS,
    compileTransport: socket => ({
      ok: true,
      value: socket?.name.startsWith('tls') ? { ...TLS, secretNames: socket.name.split(' ').slice(1) } : PLAINTEXT,
    }),
  })
  return { manager, clock, stats, secrets, addresses }
}

function cluster(init: MessageInitShape<typeof ClusterSchema>) {
  return create(ClusterSchema, { name: 'c', lbPolicy: Cluster_LbPolicy.ROUND_ROBIN, ...init })
}

interface EndpointInit {
  readonly port: number
  readonly address?: string
  readonly health?: HealthStatus
  readonly priority?: number
  readonly tls?: boolean
}

function assignment(endpoints: readonly EndpointInit[], clusterName = 'c') {
  return create(ClusterLoadAssignmentSchema, {
    clusterName,
    endpoints: endpoints.map(({ port, address = '127.0.0.1', health = HealthStatus.UNKNOWN, priority = 0, tls }) => ({
      priority,
      lbEndpoints: [
        {
          healthStatus: health,
          hostIdentifier: {
            case: 'endpoint' as const,
            value: {
              address: {
                address: {
                  case: 'socketAddress' as const,
                  value: { address, portSpecifier: { case: 'portValue' as const, value: port } },
                },
              },
            },
          },
          metadata: { filterMetadata: { 'envoy.transport_socket_match': tls ? { tlsMode: 'istio' } : {} } },
        },
      ],
    })),
  })
}

const EDS = { clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS } } as const
const context = (authority = '') => ({ random: () => 0.5, previous: null, hash: () => null, attempt: 0, authority })

function picked(manager: ClusterManager, picks: number, authority?: string): string[] {
  const keys = Array.from({ length: picks }, () => manager.get('c')!.picker.pick(context(authority))?.key ?? 'none')
  return [...new Set(keys)].sort()
}

test('an EDS cluster takes its endpoints, whichever comes first', () => {
  const { manager } = fixture()
  manager.updateEndpoints([assignment([{ port: 1 }])])
  assert.deepEqual(manager.updateClusters([cluster(EDS)]), [])
  assert.deepEqual(manager.edsNames(), ['c'])
  assert.deepEqual(picked(manager, 3), ['127.0.0.1:1'])
  manager.updateEndpoints([assignment([{ port: 1 }, { port: 2 }])])
  assert.deepEqual(picked(manager, 4), ['127.0.0.1:1', '127.0.0.1:2'])
  manager.updateEndpoints([], ['c'])
  assert.deepEqual(picked(manager, 1), ['none'])
})

test('an endpoint keeps its identity while its address stays; one that leaves is announced', () => {
  const { manager } = fixture()
  manager.updateClusters([cluster(EDS)])
  manager.updateEndpoints([assignment([{ port: 1 }, { port: 2 }])])
  const gone: string[] = []
  manager.get('c')!.onEndpointRemoved(endpoint => gone.push(endpoint.key))
  const [first] = manager.get('c')!.endpoints
  manager.updateEndpoints([assignment([{ port: 1 }, { port: 3 }])])
  assert.equal(manager.get('c')!.endpoints[0], first)
  assert.deepEqual(gone, ['127.0.0.1:2'])
})

test('the same config again changes nothing; a changed one takes over the endpoints and retires the old', () => {
  const { manager } = fixture()
  manager.updateClusters([cluster(EDS)])
  manager.updateEndpoints([assignment([{ port: 1 }])])
  const before = manager.get('c')!
  manager.updateClusters([cluster(EDS)])
  assert.equal(manager.get('c'), before)
  const gone: Endpoint[] = []
  before.onEndpointRemoved(endpoint => gone.push(endpoint))
  manager.updateClusters([cluster({ ...EDS, connectTimeout: { seconds: 1n } })])
  assert.notEqual(manager.get('c'), before)
  assert.equal(before.live, false)
  assert.equal(gone.length, 1)
  assert.deepEqual(picked(manager, 1), ['127.0.0.1:1'])
})

test('the secrets asked for are those of the clusters that are there, whatever changed them', () => {
  const { manager, secrets } = fixture()
  for (const secret of 'xyz') secrets.setTrustedCa(secret, 'pem')
  const named = (name: string, socket: string, connectTimeout = 1n) =>
    cluster({ name, transportSocket: { name: socket }, connectTimeout: { seconds: connectTimeout } })
  const secretsAfter = (...changed: Parameters<typeof manager.updateClusters>): readonly string[] => {
    assert.deepEqual(manager.updateClusters(...changed), [])
    return [...manager.secretNames()].sort()
  }
  assert.deepEqual(secretsAfter([named('a', 'tls x y'), named('b', 'tls y')]), ['x', 'y'])
  assert.deepEqual(secretsAfter([named('a', 'tls x y', 2n)]), ['x', 'y'])
  assert.deepEqual(secretsAfter([named('a', 'tls x z', 2n)]), ['x', 'y', 'z'])
  assert.deepEqual(secretsAfter([], ['b']), ['x', 'z'])
  assert.deepEqual(secretsAfter([named('a', 'raw')]), [])
})

test('unhealthy endpoints are passed over, until too few are left', () => {
  const { manager } = fixture()
  manager.updateClusters([cluster(EDS)])
  const bad = HealthStatus.UNHEALTHY
  manager.updateEndpoints([assignment([{ port: 1 }, { port: 2 }, { port: 3, health: bad }])])
  assert.deepEqual(picked(manager, 6), ['127.0.0.1:1', '127.0.0.1:2'])
  manager.updateEndpoints([assignment([{ port: 1 }, { port: 2, health: bad }, { port: 3, health: bad }])])
  assert.equal(picked(manager, 6).length, 3, 'panic: under half are healthy')
})

test('endpoints that leave are not counted: those who stay are all there is', () => {
  const { manager } = fixture()
  manager.updateClusters([cluster(EDS)])
  const health = HealthStatus.DRAINING
  manager.updateEndpoints([
    assignment([{ port: 1 }, { port: 2, health }, { port: 3, health }, { port: 4, priority: 1 }]),
  ])
  assert.deepEqual(picked(manager, 12), ['127.0.0.1:1'], 'no panic, and no spill')
  manager.updateEndpoints([
    assignment([
      { port: 1, health },
      { port: 2, health },
    ]),
  ])
  assert.equal(picked(manager, 4).length, 2, 'panic: there is nobody else')
})

test('a higher priority is used only when the lower one has nobody', () => {
  const { manager } = fixture()
  manager.updateClusters([cluster(EDS)])
  manager.updateEndpoints([assignment([{ port: 1 }, { port: 2, priority: 1 }])])
  assert.deepEqual(picked(manager, 4), ['127.0.0.1:1'])
  manager.updateEndpoints([
    assignment([
      { port: 1, health: HealthStatus.DRAINING },
      { port: 2, priority: 1 },
    ]),
  ])
  assert.deepEqual(picked(manager, 4), ['127.0.0.1:2'])
})

test('the transport socket is chosen by the endpoint’s metadata', () => {
  const { manager } = fixture()
  const transportSocketMatches = [
    { name: 'istio', match: { tlsMode: 'istio' }, transportSocket: { name: 'tls' } },
    { name: 'other', match: {}, transportSocket: { name: 'raw' } },
  ]
  manager.updateClusters([cluster({ ...EDS, transportSocketMatches })])
  manager.updateEndpoints([assignment([{ port: 1, tls: true }, { port: 2 }])])
  assert.deepEqual(
    manager.get('c')!.endpoints.map(endpoint => endpoint.transport.name),
    ['tls', 'raw_buffer'],
  )
})

test('names are resolved, resolved again, and what was known outlives a failure', async () => {
  const { manager, clock, addresses } = fixture({ 'a.test': ['10.0.0.1', '10.0.0.2'] })
  const type = { case: 'type', value: Cluster_DiscoveryType.STRICT_DNS } as const
  const loadAssignment = assignment([{ port: 80, address: 'a.test' }])
  manager.updateClusters([cluster({ clusterDiscoveryType: type, loadAssignment, dnsRefreshRate: { seconds: 5n } })])
  await new Promise(setImmediate)
  assert.deepEqual(picked(manager, 4), ['10.0.0.1:80', '10.0.0.2:80'])
  addresses['a.test'] = ['10.0.0.3']
  clock.advance(5000)
  await new Promise(setImmediate)
  assert.deepEqual(picked(manager, 4), ['10.0.0.3:80'])
  delete addresses['a.test']
  clock.advance(5000)
  await new Promise(setImmediate)
  assert.deepEqual(picked(manager, 4), ['10.0.0.3:80'])
  manager.close()
  assert.equal(clock.pendingTimers, 0)
})

test('a changed cluster of names begins with what its predecessor knew', async () => {
  const { manager } = fixture({ 'a.test': ['10.0.0.1'] })
  const type = { case: 'type', value: Cluster_DiscoveryType.STRICT_DNS } as const
  const loadAssignment = assignment([{ port: 80, address: 'a.test' }])
  const version = (seconds: bigint) =>
    cluster({ clusterDiscoveryType: type, loadAssignment, connectTimeout: { seconds } })
  manager.updateClusters([version(1n)])
  await new Promise(setImmediate)
  manager.updateClusters([version(2n)])
  assert.deepEqual(picked(manager, 2), ['10.0.0.1:80'])
  manager.close()
})

test('addresses of the family that the cluster asks for', async () => {
  const both = ['10.0.0.1', '10.0.0.2', 'fd00::1']
  const { manager, addresses } = fixture()
  const type = { case: 'type', value: Cluster_DiscoveryType.STRICT_DNS } as const
  const addressesOf = async (dnsLookupFamily: Cluster_DnsLookupFamily, found: string[]): Promise<string[]> => {
    addresses['a.test'] = found
    const loadAssignment = assignment([{ port: 80, address: 'a.test' }])
    manager.updateClusters([], ['c'])
    manager.updateClusters([cluster({ clusterDiscoveryType: type, loadAssignment, dnsLookupFamily })])
    await new Promise(setImmediate)
    return manager.get('c')!.endpoints.map(({ address }) => address)
  }
  const { AUTO, V4_ONLY, V6_ONLY, V4_PREFERRED, ALL } = Cluster_DnsLookupFamily
  assert.deepEqual(await addressesOf(AUTO, both), ['fd00::1'])
  assert.deepEqual(await addressesOf(AUTO, ['10.0.0.1']), ['10.0.0.1'])
  assert.deepEqual(await addressesOf(V4_ONLY, both), ['10.0.0.1', '10.0.0.2'])
  assert.deepEqual(await addressesOf(V4_ONLY, ['fd00::1']), [])
  assert.deepEqual(await addressesOf(V6_ONLY, both), ['fd00::1'])
  assert.deepEqual(await addressesOf(V4_PREFERRED, both), ['10.0.0.1', '10.0.0.2'])
  assert.deepEqual(await addressesOf(V4_PREFERRED, ['fd00::1']), ['fd00::1'])
  assert.deepEqual(await addressesOf(ALL, both), both)
  manager.close()
})

test('counts under the name that the cluster asks for', () => {
  const { manager, stats } = fixture()
  manager.updateClusters([cluster({ ...EDS, altStatName: 'alt' })])
  manager.get('c')!.stats.upstreamRqTotal.value += 1
  assert.equal(stats.value('cluster.alt.upstream_rq_total'), 1)
  assert.equal(stats.value('cluster.c.upstream_rq_total'), undefined)
})

test('a weight of 0 and an endpoint without an address are refused', () => {
  const { manager } = fixture()
  const message = assignment([{ port: 80 }, { port: 81 }])
  const [first, second] = message.endpoints.flatMap(group => group.lbEndpoints) as [LbEndpoint, LbEndpoint]
  first.loadBalancingWeight = 0
  const address = second.hostIdentifier.case === 'endpoint' ? second.hostIdentifier.value.address?.address : undefined
  if (address?.case === 'socketAddress') address.value.address = ''
  assert.deepEqual(
    manager.updateEndpoints([message]).map(({ path }) => path),
    [
      'endpoints[0].lb_endpoints[0].load_balancing_weight',
      'endpoints[1].lb_endpoints[0].endpoint.address.socket_address.address',
    ],
  )
})

test('the counters of a cluster go with it', () => {
  const { manager, stats } = fixture()
  manager.updateClusters([cluster(EDS), cluster({ ...EDS, name: 'd' })])
  manager.get('c')!.stats.upstreamRqTotal.value += 1
  manager.updateClusters([cluster({ ...EDS, connectTimeout: { seconds: 3n } })])
  assert.equal(stats.value('cluster.c.upstream_rq_total'), 1)
  manager.updateClusters([], ['c'])
  assert.equal(stats.value('cluster.c.upstream_rq_total'), undefined)
  assert.doesNotMatch([...stats.text()].join(''), /cluster\.c\./)
  assert.equal(stats.value('cluster.d.upstream_rq_total'), 0)
})

test('they stay until what is under way has ended, and are those of a cluster that comes back meanwhile', () => {
  const { manager, stats } = fixture()
  const total = (): number | undefined => stats.value('cluster.c.upstream_rq_total')
  const begin = (): (() => void) => {
    const { resources, stats, highPriority } = manager.get('c')!
    const taken = [resources.connections, highPriority.resources.requests, resources.retries]
    for (const resource of taken) resource.add()
    stats.upstreamRqTotal.value += 1
    return () => taken.shift()?.release()
  }
  manager.updateClusters([cluster(EDS)])
  const end = begin()
  manager.updateClusters([], ['c'])
  assert.deepEqual([total(), stats.value('cluster.c.upstream_cx_active')], [1, 1])
  manager.updateClusters([cluster(EDS)])
  assert.equal(total(), 1)
  manager.updateClusters([], ['c'])
  for (let i = 0; i < 3; i++) {
    assert.equal(total(), 1)
    end()
  }
  assert.doesNotMatch([...stats.text()].join(''), /cluster\.c\./)
  manager.updateClusters([cluster(EDS)])
  const endAnother = begin()
  manager.updateClusters([cluster({ ...EDS, altStatName: 'alt' })])
  manager.updateEndpoints([assignment([{ port: 1 }])])
  assert.deepEqual([total(), stats.value('cluster.alt.upstream_rq_total')], [1, 0])
  for (let i = 0; i < 3; i++) endAnother()
  assert.equal(total(), undefined)
})

test('a forward proxy cluster makes its endpoints from authorities and keeps a bounded number', () => {
  const { manager } = fixture()
  const typedConfig = packAny(ClusterConfigSchema, create(ClusterConfigSchema))
  const clusterType = { name: 'envoy.clusters.dynamic_forward_proxy', typedConfig }
  manager.updateClusters([
    cluster({
      clusterDiscoveryType: { case: 'clusterType', value: clusterType },
      lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
    }),
  ])
  assert.deepEqual(picked(manager, 1, 'example.com'), ['example.com:80'])
  assert.deepEqual(picked(manager, 1, '[::1]:8080'), ['[::1]:8080'])
  assert.deepEqual(picked(manager, 1, 'example.com:99999'), ['none'])
  // What a virtual host for port 80 would not have matched is not port 80.
  for (const port of ['0x50', '8e1', '080', '+80', '']) {
    assert.deepEqual(picked(manager, 1, `example.com:${port}`), ['none'], port)
  }
  for (let i = 0; i < 1100; i++) picked(manager, 1, `host-${i}.test`)
  assert.equal(manager.get('c')!.endpoints.length, 1024)
})

const PROTOCOL_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'
const explicitHttp1 = create(HttpProtocolOptionsSchema, {
  upstreamProtocolOptions: {
    case: 'explicitHttpConfig',
    value: { protocolConfig: { case: 'httpProtocolOptions', value: {} } },
  },
})
const forwardProxy = (config: MessageInitShape<typeof ClusterConfigSchema>, cache?: object) => {
  const value = create(DnsCacheConfigSchema, { name: 'd', ...cache })
  const typedConfig = packAny(
    ClusterConfigSchema,
    create(ClusterConfigSchema, { clusterImplementationSpecifier: { case: 'dnsCacheConfig', value }, ...config }),
  )
  return cluster({
    clusterDiscoveryType: { case: 'clusterType', value: { name: 'envoy.clusters.dynamic_forward_proxy', typedConfig } },
    lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
  })
}

test('a forward proxy cluster keeps no more than max_hosts, and none unused for longer than host_ttl', () => {
  const { manager, clock } = fixture()
  const hostTtl = { seconds: 10n, nanos: 0 }
  assert.deepEqual(manager.updateClusters([forwardProxy({}, { maxHosts: 2, hostTtl })]), [])
  const known = (): string[] => manager.get('c')!.endpoints.map(({ address }) => address)
  for (const host of ['a', 'b', 'c']) picked(manager, 1, host)
  assert.deepEqual(known(), ['b', 'c'])
  clock.advance(9_000)
  picked(manager, 1, 'c')
  clock.advance(2_000)
  assert.deepEqual(known(), ['c'])
  clock.advance(20_000)
  assert.deepEqual(known(), [])
  picked(manager, 1, 'd')
  clock.advance(21_000)
  assert.deepEqual(known(), [])
})

test('a forward proxy cluster checks whom TLS reaches, and takes nothing else that it does not honour', () => {
  const { manager } = fixture()
  const paths = (message: ReturnType<typeof cluster>): unknown[] => manager.updateClusters([message]).map(p => p.path)
  assert.deepEqual(paths(forwardProxy({})), [])
  assert.deepEqual(manager.get('c')?.autoIdentity, { announces: true, verifies: true, header: '' })
  const options = {
    typedExtensionProtocolOptions: { [PROTOCOL_OPTIONS]: packAny(HttpProtocolOptionsSchema, explicitHttp1) },
  }
  assert.deepEqual(paths({ ...forwardProxy({}), ...options }), ['typed_extension_protocol_options'])
  assert.deepEqual(paths({ ...forwardProxy({ allowInsecureClusterOptions: true }), ...options }), [])
  const at = 'cluster_type.typed_config'
  const cache = { useTcpForDnsLookups: true, maxHosts: 0, hostTtl: {}, dnsRefreshRate: {}, dnsLookupFamily: 9 }
  assert.deepEqual(
    paths(forwardProxy({ allowCoalescedConnections: true }, cache)),
    [
      'allow_coalesced_connections',
      ...['use_tcp_for_dns_lookups', 'dns_refresh_rate', 'host_ttl', 'max_hosts', 'dns_lookup_family'].map(
        field => `dns_cache_config.${field}`,
      ),
    ].map(field => `${at}.${field}`),
  )
  assert.deepEqual(paths(forwardProxy({ clusterImplementationSpecifier: { case: 'subClustersConfig', value: {} } })), [
    `${at}.sub_clusters_config`,
  ])
})

test('what is not honoured is refused by its field, and the cluster before stays', () => {
  const { manager } = fixture()
  manager.updateClusters([cluster(EDS)])
  const before = manager.get('c')
  const problems = manager.updateClusters([
    cluster({
      ...EDS,
      lbPolicy: Cluster_LbPolicy.LOAD_BALANCING_POLICY_CONFIG,
      loadBalancingPolicy: {},
      upstreamBindConfig: {},
      maxRequestsPerConnection: 4,
    }),
  ])
  assert.deepEqual(problems.map(problem => problem.path).sort(), [
    'lb_policy',
    'load_balancing_policy',
    'max_requests_per_connection',
    'upstream_bind_config',
  ])
  assert.equal(manager.get('c'), before)
})

test('metadata of Weft make LEAST_REQUEST balance by response time, and nothing else', () => {
  const { manager } = fixture()
  const metadata = { filterMetadata: { 'weft.dev': { peak_ewma_decay_ms: 1000 } } }
  const lbPolicy = Cluster_LbPolicy.LEAST_REQUEST
  assert.deepEqual(manager.updateClusters([cluster({ ...EDS, lbPolicy, metadata })]), [])
  manager.updateEndpoints([assignment([{ port: 1 }, { port: 2 }])])
  const [first, second] = manager.get('c')!.endpoints
  first!.tracker!.onRequestEnd(0, 500, false)
  second!.tracker!.onRequestEnd(0, 5, false)
  assert.deepEqual(picked(manager, 20), ['127.0.0.1:2'])
  // What was learnt stays with an endpoint that stays.
  manager.updateEndpoints([assignment([{ port: 1 }, { port: 2 }, { port: 3 }])])
  assert.equal(manager.get('c')!.endpoints[0]!.tracker, first!.tracker)
  const problems = manager.updateClusters([cluster({ ...EDS, lbPolicy: Cluster_LbPolicy.RANDOM, metadata })])
  assert.deepEqual(
    problems.map(problem => problem.path),
    ['lb_policy'],
  )
})

test('a changed cluster takes over when it knows what it refers to; the one before it serves meanwhile', async () => {
  const { manager, clock, secrets, addresses } = fixture({ 'a.test': ['10.0.0.1'] })
  const type = { case: 'type', value: Cluster_DiscoveryType.STRICT_DNS } as const
  const named = (address: string) =>
    cluster({
      clusterDiscoveryType: type,
      loadAssignment: assignment([{ port: 80, address }]),
      dnsRefreshRate: { seconds: 5n },
    })
  manager.updateClusters([cluster({ ...EDS })])
  manager.updateEndpoints([assignment([{ port: 1 }])])
  const before = manager.get('c')
  // Endpoints under another name.
  const edsClusterConfig = { serviceName: 'new' }
  const renamed = cluster({ ...EDS, edsClusterConfig })
  manager.updateClusters([renamed])
  manager.updateClusters([renamed])
  assert.equal(manager.get('c'), before)
  assert.deepEqual(manager.edsNames(), ['c', 'new'])
  manager.updateEndpoints([assignment([{ port: 2 }], 'new')])
  assert.deepEqual(picked(manager, 4), ['127.0.0.1:2'])
  assert.deepEqual(manager.edsNames(), ['new'])
  assert.equal(before?.live, false)
  // A certificate that has not come.
  const secured = cluster({ ...EDS, edsClusterConfig, transportSocket: { name: 'tls secret' } })
  manager.updateClusters([secured])
  assert.equal(manager.get('c')?.endpoints[0]?.transport.name, 'raw_buffer')
  assert.deepEqual(manager.secretNames(), ['secret'])
  secrets.setTrustedCa('secret', 'pem')
  assert.equal(manager.get('c')?.endpoints[0]?.transport.name, 'tls')
  // Names that are not looked up as yet.
  manager.updateClusters([named('a.test')])
  assert.deepEqual(picked(manager, 4), ['127.0.0.1:2'])
  await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(picked(manager, 4), ['10.0.0.1:80'])
  // One that does not resolve has been looked up, too.
  manager.updateClusters([named('b.test')])
  await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(picked(manager, 4), ['none'])
  addresses['b.test'] = ['10.0.0.2']
  clock.advance(5000)
  await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(picked(manager, 4), ['10.0.0.2:80'])
})

test('clusters that share the endpoints of a service are told of them, each for as long as it names the service', () => {
  const { manager } = fixture()
  const of = (name: string, serviceName: string) => cluster({ ...EDS, name, edsClusterConfig: { serviceName } })
  const keys = (): (string | undefined)[] => ['a', 'b'].map(name => manager.get(name)?.endpoints[0]?.key)
  manager.updateClusters([of('a', 's'), of('b', 's')])
  manager.updateEndpoints([assignment([{ port: 1 }], 's'), assignment([{ port: 9 }], 't')])
  assert.deepEqual(keys(), ['127.0.0.1:1', '127.0.0.1:1'])
  manager.updateClusters([of('a', 't')])
  manager.updateEndpoints([assignment([{ port: 2 }], 's')])
  assert.deepEqual(keys(), ['127.0.0.1:9', '127.0.0.1:2'])
  manager.updateClusters([], ['b'])
  manager.updateEndpoints([assignment([{ port: 3 }], 's'), assignment([{ port: 10 }], 't')])
  assert.deepEqual(keys(), ['127.0.0.1:10', undefined])
  manager.updateClusters([of('b', 's')])
  assert.deepEqual(keys(), ['127.0.0.1:10', '127.0.0.1:3'])
})

test('it waits no longer than Envoy does, and config may think better of it', () => {
  const { manager, clock } = fixture()
  const first = cluster({ ...EDS })
  const second = cluster({ ...EDS, edsClusterConfig: { serviceName: 'new' } })
  manager.updateClusters([first])
  manager.updateEndpoints([assignment([{ port: 1 }])])
  const before = manager.get('c')
  manager.updateClusters([second])
  clock.advance(14_000)
  manager.updateClusters([first])
  clock.advance(2000)
  assert.equal(manager.get('c'), before)
  assert.deepEqual(manager.edsNames(), ['c'])
  manager.updateClusters([second])
  clock.advance(15_000)
  assert.deepEqual(picked(manager, 1), ['none'])
  manager.updateClusters([first])
  manager.updateClusters([second], ['c'])
  assert.equal(manager.get('c'), undefined)
  assert.equal(clock.pendingTimers, 0)
})
