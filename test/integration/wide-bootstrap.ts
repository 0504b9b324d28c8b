// A bootstrap that reaches as many kinds of messages as one can.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import { TestAuthority } from '../../src/transport/tls/certificate-fixture.ts'

const EXTENSION = 'type.googleapis.com/envoy.extensions'
const typed = (type: string, config: JsonObject = {}): JsonObject => ({
  name: type,
  typed_config: { '@type': `${EXTENSION}.${type}`, ...config },
})
const address = (port: number): JsonObject => ({ socket_address: { address: '127.0.0.1', port_value: port } })

const HEADER: JsonObject = { name: 'x-a', string_match: { exact: 'a' } }
const FRACTION: JsonObject = { default_value: { numerator: 100 } }
const BUCKET: JsonObject = { max_tokens: 5, fill_interval: '1s' }
const ADDED: JsonObject = { header: { key: 'a', value: 'b' } }

const RATE_LIMIT: JsonObject = {
  actions: [
    { generic_key: { descriptor_value: 'a' } },
    { request_headers: { header_name: 'a', descriptor_key: 'k' } },
    { header_value_match: { descriptor_value: 'v', headers: [HEADER] } },
  ],
}

const FORWARDED: JsonObject = {
  name: 'forwarded',
  match: {
    prefix: '/',
    headers: [HEADER],
    query_parameters: [{ name: 'q', string_match: { exact: 'a' } }],
    runtime_fraction: FRACTION,
  },
  route: {
    cluster: 'plain',
    timeout: '1s',
    retry_policy: {
      retry_on: '5xx',
      retry_back_off: { base_interval: '0.1s' },
      rate_limited_retry_back_off: { reset_headers: [{ name: 'x' }] },
    },
    hash_policy: [{ header: { header_name: 'h' } }, { cookie: { name: 'c', ttl: '1s' } }],
    max_stream_duration: { max_stream_duration: '1s' },
    upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config: {} }],
    request_mirror_policies: [{ cluster: 'plain' }],
    rate_limits: [RATE_LIMIT],
    hedge_policy: { hedge_on_per_try_timeout: true },
    internal_redirect_policy: {
      predicates: [typed('internal_redirect.allow_listed_routes.v3.AllowListedRoutesConfig')],
    },
  },
  request_headers_to_add: [ADDED],
}

const HTTP_FILTERS: JsonObject[] = [
  typed('filters.http.fault.v3.HTTPFault', {
    delay: { fixed_delay: '0.1s', percentage: { numerator: 1 } },
    abort: { http_status: 503, percentage: { numerator: 1 } },
    response_rate_limit: { fixed_limit: { limit_kbps: 5 }, percentage: { numerator: 1 } },
  }),
  typed('filters.http.cors.v3.Cors'),
  typed('filters.http.rbac.v3.RBAC', {
    rules: {
      policies: {
        p: {
          permissions: [{ header: HEADER }, { url_path: { path: { exact: '/' } } }],
          principals: [
            { authenticated: { principal_name: { exact: 'a' } } },
            { source_ip: { address_prefix: '10.0.0.0', prefix_len: 8 } },
          ],
        },
      },
    },
  }),
  typed('filters.http.grpc_stats.v3.FilterConfig'),
  typed('filters.http.health_check.v3.HealthCheck', { pass_through_mode: false, headers: [HEADER] }),
  typed('filters.http.header_mutation.v3.HeaderMutation', {
    mutations: { request_mutations: [{ append: ADDED }], response_mutations: [{ remove: 'x' }] },
  }),
  typed('filters.http.buffer.v3.Buffer', { max_request_bytes: 1000 }),
  typed('filters.http.local_ratelimit.v3.LocalRateLimit', {
    stat_prefix: 's',
    token_bucket: BUCKET,
    filter_enabled: FRACTION,
    descriptors: [{ entries: [{ key: 'a', value: 'b' }], token_bucket: BUCKET }],
  }),
  typed('filters.http.grpc_web.v3.GrpcWeb'),
  typed('filters.http.dynamic_forward_proxy.v3.FilterConfig', { dns_cache_config: { name: 'd' } }),
  typed('filters.http.router.v3.Router'),
]

const MANAGER: JsonObject = {
  stat_prefix: 'h',
  http_filters: HTTP_FILTERS,
  access_log: [
    typed('access_loggers.file.v3.FileAccessLog', {
      path: '/dev/null',
      log_format: { text_format_source: { inline_string: 'a\n' } },
    }),
  ],
  local_reply_config: {
    mappers: [
      {
        filter: { not_health_check_filter: {} },
        body: { inline_string: 'x' },
        body_format_override: { json_format: { a: 'b' } },
        headers_to_add: [ADDED],
      },
    ],
    body_format: { text_format_source: { inline_string: 'x' } },
  },
  scheme_header_transformation: { scheme_to_overwrite: 'http' },
  http_protocol_options: {},
  http2_protocol_options: { connection_keepalive: { interval: '5s', timeout: '1s' } },
  common_http_protocol_options: {},
  upgrade_configs: [{ upgrade_type: 'websocket' }],
  route_config: {
    name: 'r',
    virtual_hosts: [
      {
        name: 'v',
        domains: ['*'],
        routes: [
          FORWARDED,
          { match: { path: '/direct' }, direct_response: { status: 200, body: { inline_string: 'x' } } },
          { match: { safe_regex: { regex: 'a' } }, redirect: { host_redirect: 'b' } },
          {
            match: { prefix: '/weighted' },
            route: { weighted_clusters: { clusters: [{ name: 'plain', weight: 1 }] } },
          },
        ],
      },
    ],
  },
}

const tcpProxy = (fields: JsonObject): JsonObject =>
  typed('filters.network.tcp_proxy.v3.TcpProxy', { stat_prefix: 't', ...fields })
const listener = (name: string, chain: JsonObject, more: JsonObject = {}): JsonObject => ({
  name,
  address: address(0),
  filter_chains: [chain],
  ...more,
})

const PROTOCOL_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'
const httpOptions = (options: JsonObject): JsonObject => ({
  typed_extension_protocol_options: {
    [PROTOCOL_OPTIONS]: { '@type': `type.googleapis.com/${PROTOCOL_OPTIONS}`, ...options },
  },
})
const cluster = (name: string, more: JsonObject = {}): JsonObject => ({
  name,
  connect_timeout: '1s',
  load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: address(9) } }] }] },
  ...more,
})

function clusters(roots: string): JsonValue[] {
  return [
    cluster('plain', {
      circuit_breakers: { thresholds: [{ max_connections: 1, retry_budget: { budget_percent: { value: 10 } } }] },
      outlier_detection: { consecutive_5xx: 3 },
      health_checks: [
        {
          timeout: '1s',
          interval: '1s',
          unhealthy_threshold: 1,
          healthy_threshold: 1,
          http_health_check: { path: '/' },
        },
      ],
      common_lb_config: {},
      upstream_connection_options: { tcp_keepalive: { keepalive_time: 5 } },
      lb_policy: 'LEAST_REQUEST',
      least_request_lb_config: { choice_count: 2 },
      transport_socket: typed('transport_sockets.tls.v3.UpstreamTlsContext', {
        sni: 'a',
        common_tls_context: { tls_params: {}, validation_context: { trusted_ca: { inline_string: roots } } },
      }),
      ...httpOptions({
        explicit_http_config: { http_protocol_options: {} },
        common_http_protocol_options: {},
        upstream_http_protocol_options: { auto_sni: true },
      }),
    }),
    cluster('downstream', httpOptions({ use_downstream_protocol_config: { http_protocol_options: {} } })),
    cluster('names', { type: 'STRICT_DNS', lb_policy: 'RING_HASH', ring_hash_lb_config: { minimum_ring_size: 10 } }),
    {
      name: 'forward',
      lb_policy: 'CLUSTER_PROVIDED',
      cluster_type: typed('clusters.dynamic_forward_proxy.v3.ClusterConfig', { dns_cache_config: { name: 'd' } }),
    },
    cluster('announced', {
      lb_policy: 'MAGLEV',
      maglev_lb_config: {},
      transport_socket: typed('transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport', {
        config: { version: 'V2' },
        transport_socket: typed('transport_sockets.raw_buffer.v3.RawBuffer'),
      }),
    }),
  ]
}

export async function wideBootstrap(): Promise<JsonObject> {
  const authority = await TestAuthority.create()
  const { certificateChain, privateKey } = await authority.issueSpiffe('spiffe://a/b')
  const tls = {
    require_client_certificate: true,
    common_tls_context: {
      tls_params: {},
      tls_certificates: [
        { certificate_chain: { inline_string: certificateChain }, private_key: { inline_string: privateKey } },
      ],
      validation_context: {
        trusted_ca: { inline_string: authority.bundle },
        match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: 'a' } }],
      },
    },
  }
  const heap = 'envoy.resource_monitors.fixed_heap'
  return {
    admin: { address: address(0) },
    node: { id: 'n' },
    overload_manager: {
      refresh_interval: '1s',
      resource_monitors: [
        {
          name: heap,
          typed_config: {
            '@type': `${EXTENSION}.resource_monitors.fixed_heap.v3.FixedHeapConfig`,
            max_heap_size_bytes: '1000000000',
          },
        },
      ],
      actions: [
        {
          name: 'envoy.overload_actions.stop_accepting_requests',
          triggers: [{ name: heap, threshold: { value: 0.9 } }],
        },
      ],
    },
    static_resources: {
      listeners: [
        listener(
          'http',
          {
            filter_chain_match: {
              server_names: ['a'],
              prefix_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }],
            },
            filters: [typed('filters.network.http_connection_manager.v3.HttpConnectionManager', MANAGER)],
          },
          {
            listener_filters: [
              typed('filters.listener.proxy_protocol.v3.ProxyProtocol'),
              typed('filters.listener.tls_inspector.v3.TlsInspector'),
              typed('filters.listener.http_inspector.v3.HttpInspector'),
            ],
          },
        ),
        listener('tunnel', {
          filters: [
            tcpProxy({
              cluster: 'plain',
              tunneling_config: { hostname: 'a:1' },
              hash_policy: [{ source_ip: {} }],
            }),
          ],
        }),
        listener('weighted', {
          filters: [tcpProxy({ weighted_clusters: { clusters: [{ name: 'plain', weight: 1 }] } })],
        }),
        listener('tls', {
          filters: [tcpProxy({ cluster: 'plain' })],
          transport_socket: typed('transport_sockets.tls.v3.DownstreamTlsContext', tls),
        }),
      ],
      clusters: clusters(authority.bundle),
    },
  }
}
