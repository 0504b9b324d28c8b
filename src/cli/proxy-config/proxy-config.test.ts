// proxy-config on a saved dump in Envoy's shape: istioctl's columns, filters, raw JSON.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createTestContext } from '../launcher/testing/test-context.ts'
import { runProgram } from '../program.ts'
import { endpointTable } from './endpoints.ts'
import { listenerTable } from './listeners.ts'

const ADMIN = 'type.googleapis.com/envoy.admin.v3.'
const HCM = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'
const origin = (kind: string, name: string) => ({
  filter_metadata: {
    istio: { config: `/apis/networking.istio.io/v1alpha3/namespaces/default/${kind}/${name}` },
  },
})
const route = (match: object, metadata = {}) => ({ match, ...metadata })
const chain = (match: object, config: object) => ({
  filter_chain_match: match,
  filters: [{ typed_config: { '@type': HCM, ...config } }],
})

const DUMP = {
  configs: [
    {
      '@type': `${ADMIN}ClustersConfigDump`,
      static_clusters: [{ cluster: { name: 'BlackHoleCluster', type: 'STATIC' } }],
      dynamic_active_clusters: [
        {
          cluster: {
            name: 'outbound|9080|v1|reviews.default.svc.cluster.local',
            type: 'EDS',
            metadata: origin('destination-rule', 'reviews'),
          },
        },
        { cluster: { name: 'outbound|9080||details.default.svc.cluster.local', type: 'EDS' } },
        { cluster: { name: 'PassthroughCluster', cluster_type: { name: 'envoy.clusters.dynamic_forward_proxy' } } },
      ],
    },
    {
      '@type': `${ADMIN}ListenersConfigDump`,
      dynamic_listeners: [
        {
          name: 'in',
          active_state: {
            listener: {
              address: { socket_address: { address: '127.0.0.1', port_value: 9080 } },
              filter_chains: [
                chain(
                  { transport_protocol: 'tls', application_protocols: ['istio', 'h2'] },
                  { route_config: { virtual_hosts: [{ routes: [route({ prefix: '/' })] }] } },
                ),
                chain({ transport_protocol: 'raw_buffer' }, { rds: { route_config_name: '9080' } }),
              ],
            },
          },
        },
      ],
    },
    {
      '@type': `${ADMIN}RoutesConfigDump`,
      dynamic_route_configs: [
        {
          route_config: {
            name: '9080',
            virtual_hosts: [
              {
                name: 'reviews.default.svc.cluster.local:9080',
                domains: ['reviews', 'reviews.default', 'reviews.default.svc'],
                routes: [
                  route({ path_separated_prefix: '/get' }, { metadata: origin('virtual-service', 'reviews') }),
                  route({ path: '/x', headers: [{}] }),
                  route({ safe_regex: { regex: '^/a' } }),
                ],
              },
            ],
          },
        },
      ],
    },
    {
      '@type': `${ADMIN}EndpointsConfigDump`,
      dynamic_endpoint_configs: [
        {
          endpoint_config: {
            cluster_name: 'outbound|9080||details.default.svc.cluster.local',
            endpoints: [
              {
                lb_endpoints: [
                  { endpoint: { address: { socket_address: { address: '10.0.0.1', port_value: 1 } } } },
                  {
                    endpoint: { address: { socket_address: { address: '10.0.0.2', port_value: 2 } } },
                    health_status: 'UNHEALTHY',
                  },
                ],
              },
            ],
          },
        },
      ],
    },
  ],
}

let directory: string
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'weft-pc-'))
  writeFileSync(join(directory, 'dump.json'), JSON.stringify(DUMP))
  writeFileSync(join(directory, 'other.json'), '[]')
})
after(() => rmSync(directory, { recursive: true }))

async function proxyConfig(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { context, output } = createTestContext(directory)
  const code = await runProgram(context, ['proxy-config', ...args])
  return { code, ...output }
}

const columns = (text: string): string[][] =>
  text
    .trimEnd()
    .split('\n')
    .map(line => line.split(/ {5,}/))

test('clusters', async () => {
  const { stdout } = await proxyConfig('clusters', '-f', 'dump.json')
  assert.deepEqual(columns(stdout), [
    ['SERVICE FQDN', 'PORT', 'SUBSET', 'DIRECTION', 'TYPE', 'DESTINATION RULE'],
    ['BlackHoleCluster', '-', '-', '-', 'STATIC'],
    ['details.default.svc.cluster.local', '9080', '-', 'outbound', 'EDS'],
    ['PassthroughCluster', '-', '-', '-', 'DYNAMIC_FORWARD_PROXY'],
    ['reviews.default.svc.cluster.local', '9080', 'v1', 'outbound', 'EDS', 'reviews.default'],
  ])
  const filtered = await proxyConfig('cluster', '-f', 'dump.json', '--subset', 'v1', '-o', 'json')
  assert.deepEqual(
    JSON.parse(filtered.stdout).map((cluster: { name: string }) => cluster.name),
    ['outbound|9080|v1|reviews.default.svc.cluster.local'],
  )
})

test('listeners, one row per filter chain', async () => {
  const { stdout } = await proxyConfig('listeners', '-f', 'dump.json')
  assert.deepEqual(columns(stdout), [
    ['ADDRESSES', 'PORT', 'MATCH', 'DESTINATION'],
    ['127.0.0.1', '9080', 'Trans: tls; App: istio,h2', 'Inline Route: /*'],
    ['127.0.0.1', '9080', 'Trans: raw_buffer', 'Route: 9080'],
  ])
})

test('routes, one row per route', async () => {
  const { stdout } = await proxyConfig('routes', '-f', 'dump.json')
  const [, ...rows] = columns(stdout)
  assert.deepEqual(
    rows.map(row => row.slice(2)),
    [
      ['reviews, reviews.default + 1 more...', 'PathPrefix:/get', 'reviews.default'],
      ['reviews, reviews.default + 1 more...', '/x (+1)'],
      ['reviews, reviews.default + 1 more...', 'regex ~^/a'],
    ],
  )
})

test('endpoints, from a dump with include_eds', async () => {
  const { stdout } = await proxyConfig('ep', '-f', 'dump.json')
  const cluster = 'outbound|9080||details.default.svc.cluster.local'
  assert.deepEqual(columns(stdout), [
    ['ENDPOINT', 'STATUS', 'OUTLIER CHECK', 'CLUSTER'],
    ['10.0.0.1:1', 'HEALTHY', 'OK', cluster],
    ['10.0.0.2:2', 'UNHEALTHY', 'OK', cluster],
  ])
  const healthy = await proxyConfig('endpoints', '-f', 'dump.json', '--status', 'healthy')
  assert.equal(columns(healthy.stdout).length, 2)
})

test('what stays within the proxy has an address of its own kind', () => {
  const { rows } = listenerTable([{ name: 'inner', internal_listener: {}, filter_chains: [{}] }])
  assert.deepEqual(rows[0]?.slice(0, 2), ['internal', ''])
  const address = { envoy_internal_address: { server_listener_name: 'inner', endpoint_id: '127.0.0.1:80' } }
  const endpoints = endpointTable([{ name: 'c', host_statuses: [{ address }] }])
  assert.equal(endpoints.rows[0]?.[0], 'envoy://inner/127.0.0.1:80')
})

test('all prints every table that has rows', async () => {
  const { stdout } = await proxyConfig('all', '-f', 'dump.json')
  assert.equal(stdout.split('\n\n').length, 4)
})

test('what is no dump, no kind or no workload is said in one line', async () => {
  for (const [args, code, message] of [
    [['clusters', '-f', 'other.json'], 1, /other\.json is no JSON object/],
    [['clusters', '-f', 'missing.json'], 1, /missing\.json: no such file/],
    [['clutsers', '-f', 'dump.json'], 64, /"clutsers" is none of clusters, /],
    [['clusters'], 64, /name a workload/],
    [['clusters', 'reviews-v1-0'], 1, /no mesh is running from \.weft/],
  ] as const) {
    const result = await proxyConfig(...args)
    assert.equal(result.code, code)
    assert.match(result.stderr, message)
    assert.equal(result.stderr.trim().split('\n').length, 1)
  }
})
