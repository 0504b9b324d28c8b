// The listeners that the corpus is sent to: one plain, and one for each setting of the connection manager that matters.
import type { JsonObject } from '@bufbuild/protobuf'
import type { ListenerPlan } from '../plan.ts'

const FORWARD: JsonObject = {
  name: 'all',
  domains: ['*'],
  routes: [{ name: 'r', match: { prefix: '/' }, route: { cluster: 'alpha' } }],
}

const listener = (name: string, connectionManager: JsonObject = {}): ListenerPlan => ({
  name,
  virtualHosts: [FORWARD],
  connectionManager,
})

export const PLAIN = 'plain'

const HTTP1_OPTIONS: JsonObject = { enable_trailers: true, header_key_format: { proper_case_words: {} } }
const UPSTREAM_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'

/** Everything that is off by default in HTTP/1, on both sides. */
const HTTP1_WITH_ALL: ListenerPlan = {
  name: 'http1-with-all',
  virtualHosts: [{ ...FORWARD, routes: [{ match: { prefix: '/' }, route: { cluster: 'http1-with-all' } }] }],
  connectionManager: {
    http_protocol_options: { ...HTTP1_OPTIONS, accept_http_10: true, default_host_for_http_10: 'old.test' },
  },
  clusters: [
    {
      name: 'http1-with-all',
      endpoint: 'alpha',
      fields: {
        typed_extension_protocol_options: {
          [UPSTREAM_OPTIONS]: {
            '@type': `type.googleapis.com/${UPSTREAM_OPTIONS}`,
            explicit_http_config: { http_protocol_options: HTTP1_OPTIONS },
          },
        },
      },
    },
  ],
}

export const CORPUS_LISTENERS: readonly ListenerPlan[] = [
  listener(PLAIN),
  listener('normalize', { normalize_path: true }),
  listener('merge', { normalize_path: true, merge_slashes: true }),
  listener('escaped-reject', { path_with_escaped_slashes_action: 'REJECT_REQUEST' }),
  listener('escaped-forward', { path_with_escaped_slashes_action: 'UNESCAPE_AND_FORWARD' }),
  listener('escaped-redirect', { path_with_escaped_slashes_action: 'UNESCAPE_AND_REDIRECT' }),
  listener('edge', { use_remote_address: true }),
  listener('edge-behind-one', { use_remote_address: true, xff_num_trusted_hops: 1 }),
  listener('behind-two', { xff_num_trusted_hops: 2 }),
  listener('no-xff', { use_remote_address: true, skip_xff_append: true }),
  listener('ids', { preserve_external_request_id: true, always_set_request_id_in_response: true }),
  listener('no-ids', { generate_request_id: false }),
  listener('strip-any', { strip_any_host_port: true, strip_trailing_host_dot: true }),
  listener('server-absent', { server_header_transformation: 'APPEND_IF_ABSENT', server_name: 'here' }),
  listener('server-through', { server_header_transformation: 'PASS_THROUGH' }),
  listener('interim', { proxy_100_continue: true }),
  listener('small', { max_request_headers_kb: 1, common_http_protocol_options: { max_headers_count: 10 } }),
  listener('underscores-drop', { common_http_protocol_options: { headers_with_underscores_action: 'DROP_HEADER' } }),
  listener('underscores-reject', {
    common_http_protocol_options: { headers_with_underscores_action: 'REJECT_REQUEST' },
  }),
  HTTP1_WITH_ALL,
  listener('via', { via: '1.1 here (\u00fc)' }),
  listener('one-request', { common_http_protocol_options: { max_requests_per_connection: 1 } }),
]
