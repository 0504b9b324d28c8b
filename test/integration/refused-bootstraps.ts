// Bootstraps that Envoy refuses: its --mode validate is asked, in test/system.
import type { JsonObject } from '@bufbuild/protobuf'
import { bootstrap } from '../differential/plan.ts'

const LOG = '/dev/null'
const ROUTE: JsonObject = { match: { prefix: '/' }, route: { cluster: 'alpha' } }

export function withRoute(route: JsonObject): JsonObject {
  const virtualHosts = [{ name: 'v', domains: ['*'], routes: [{ ...ROUTE, ...route }] }]
  return bootstrap([{ name: 'l', virtualHosts }], new Map([['alpha', 9]]), LOG)
}

const withMatch = (match: JsonObject): JsonObject => withRoute({ match: { prefix: '/', ...match } })
const withAction = (route: JsonObject): JsonObject => withRoute({ route: { cluster: 'alpha', ...route } })

function withManager(connectionManager: JsonObject): JsonObject {
  const virtualHosts = [{ name: 'v', domains: ['*'], routes: [ROUTE] }]
  return bootstrap([{ name: 'l', virtualHosts, connectionManager }], new Map([['alpha', 9]]), LOG)
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

const TYPE = 'type.googleapis.com/envoy.extensions'
const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'

const withHttpOptions = (options: JsonObject): JsonObject =>
  withCluster({
    typed_extension_protocol_options: {
      [HTTP_OPTIONS]: { '@type': `type.googleapis.com/${HTTP_OPTIONS}`, ...options },
    },
  })

const withHttp2 = (options: JsonObject): JsonObject => withManager({ http2_protocol_options: options })

function withListener(listener: JsonObject): JsonObject {
  const virtualHosts = [{ name: 'v', domains: ['*'], routes: [ROUTE] }]
  return bootstrap([{ name: 'l', virtualHosts, listener }], new Map([['alpha', 9]]), LOG)
}

function withDomain(domain: string): JsonObject {
  return bootstrap(
    [{ name: 'l', virtualHosts: [{ name: 'v', domains: [domain], routes: [ROUTE] }] }],
    new Map([['alpha', 9]]),
    LOG,
  )
}

const ACTION = 'envoy.overload_actions.stop_accepting_requests'
const HEAP = 'envoy.resource_monitors.fixed_heap'

function withOverload(...thresholds: number[]): JsonObject {
  const typedConfig = { '@type': `${TYPE}.resource_monitors.fixed_heap.v3.FixedHeapConfig`, max_heap_size_bytes: 9e9 }
  return {
    ...withRoute({}),
    overload_manager: {
      resource_monitors: [{ name: HEAP, typed_config: typedConfig }],
      actions: thresholds.map(value => ({ name: ACTION, triggers: [{ name: HEAP, threshold: { value } }] })),
    },
  }
}

function withForwardProxy(config: JsonObject, fields: JsonObject = {}): JsonObject {
  const cluster = { name: 'forward', lb_policy: 'CLUSTER_PROVIDED', ...fields }
  const typedConfig = { '@type': `${TYPE}.clusters.dynamic_forward_proxy.v3.ClusterConfig`, ...config }
  const type = { name: 'envoy.clusters.dynamic_forward_proxy', typed_config: typedConfig }
  const whole = withRoute({})
  const resources = whole['static_resources'] as { clusters: JsonObject[] }
  resources.clusters.push({ ...cluster, cluster_type: type })
  return whole
}

const withDnsCache = (cache: JsonObject): JsonObject => withForwardProxy({ dns_cache_config: { name: 'd', ...cache } })

const withLog = (filter: JsonObject, format = '%PROTOCOL%'): JsonObject => {
  const file = 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog'
  const log_format = { text_format_source: { inline_string: format } }
  const typed_config = { '@type': file, path: LOG, log_format }
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

export const REFUSED: Readonly<Record<string, JsonObject>> = {
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
  'a redirect followed with a host of its own': withAction({
    internal_redirect_policy: { response_headers_to_copy: ['host'] },
  }),
  'a redirect followed by too many statuses': withAction({
    internal_redirect_policy: { redirect_response_codes: [301, 302, 303, 307, 308, 302] },
  }),
  'a scheme that there is none of': withManager({
    scheme_header_transformation: { scheme_to_overwrite: 'ftp' },
  }),
  'a reply mapped for nobody': withManager({ local_reply_config: { mappers: [{}] } }),
  'a reply mapped to no final status': withManager({
    local_reply_config: { mappers: [{ filter: { not_health_check_filter: {} }, status_code: 100 }] },
  }),
  'a body without a format': withManager({ local_reply_config: { body_format: { content_type: 'text/html' } } }),
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
  'no streams of HTTP/2': withHttp2({ max_concurrent_streams: 0 }),
  'more streams of HTTP/2 than there are': withHttp2({ max_concurrent_streams: 2 ** 31 }),
  'no frames of HTTP/2 to be sent': withHttp2({ max_outbound_frames: 0 }),
  'no control frames of HTTP/2 to be sent': withHttp2({ max_outbound_control_frames: 0 }),
  'no window updates': withHttp2({ max_inbound_window_update_frames_per_data_frame_sent: 0 }),
  'no streams of HTTP/2 upstream': withHttpOptions({
    explicit_http_config: { http2_protocol_options: { max_concurrent_streams: 0 } },
  }),
  'protocol options without a protocol': withHttpOptions({}),
  'an explicit protocol without one': withHttpOptions({ explicit_http_config: {} }),
  'HTTP/3 where the client speaks it': withHttpOptions({
    use_downstream_protocol_config: { http3_protocol_options: {} },
  }),
  'no name of a header to take a server name from': withHttpOptions({
    explicit_http_config: { http_protocol_options: {} },
    upstream_http_protocol_options: { override_auto_sni_header: 'a b' },
  }),
  'one upgrade in two spellings': withManager({
    upgrade_configs: [{ upgrade_type: 'websocket' }, { upgrade_type: 'WebSocket' }],
  }),
  'a regex that is to ignore case': withMatch({
    headers: [{ name: 'a', string_match: { safe_regex: { regex: 'a' }, ignore_case: true } }],
  }),
  'a line break in the name of a header': withMatch({ headers: [{ name: 'a\nb', present_match: true }] }),
  'a line break in a domain': withDomain('a\nb'),
  'more than all endpoints': withCluster({ common_lb_config: { healthy_panic_threshold: { value: 101 } } }),
  'endpoints of the original destination': withCluster({ type: 'ORIGINAL_DST', lb_policy: 'CLUSTER_PROVIDED' }),
  'a resolver for an address': withCluster({
    load_assignment: {
      cluster_name: 'a',
      endpoints: [
        {
          lb_endpoints: [
            {
              endpoint: {
                address: { socket_address: { address: '127.0.0.1', port_value: 9, resolver_name: 'none' } },
              },
            },
          ],
        },
      ],
    },
  }),
  'the shortest time between look-ups': withCluster({ type: 'STRICT_DNS', dns_refresh_rate: '0.001s' }),
  'EDS for a cluster that has its endpoints': withCluster({ eds_cluster_config: {} }),
  'no connections at once': withListener({ max_connections_to_accept_per_socket_event: 0 }),
  'a small buffer for inspection': withListener({
    listener_filters: [
      {
        name: 't',
        typed_config: {
          '@type': `${TYPE}.filters.listener.tls_inspector.v3.TlsInspector`,
          initial_read_buffer_size: 9,
        },
      },
    ],
  }),
  'more than all memory': withOverload(2),
  'one overload action twice': withOverload(0.8, 0.9),
  'a forward proxy whose servers are not checked': withForwardProxy(
    { dns_cache_config: { name: 'd' } },
    {
      typed_extension_protocol_options: {
        [HTTP_OPTIONS]: {
          '@type': `type.googleapis.com/${HTTP_OPTIONS}`,
          explicit_http_config: { http_protocol_options: {} },
        },
      },
    },
  ),
  'a DNS cache without a name': withForwardProxy({ dns_cache_config: {} }),
  'a DNS cache for nobody': withDnsCache({ max_hosts: 0 }),
  'a DNS cache that keeps nothing': withDnsCache({ host_ttl: '0s' }),
  'a DNS cache that never rests': withDnsCache({ dns_refresh_rate: '0s' }),
  'a DNS cache with a short minimum': withDnsCache({ dns_min_refresh_rate: '0.5s' }),
}
