// The listeners that frames are sent to, and the one behind which frames answer.
import type { JsonObject } from '@bufbuild/protobuf'
import { HTTP2_UPSTREAM, type ListenerPlan } from '../../plan.ts'

const host = (name: string, cluster: string): JsonObject => ({
  name,
  domains: [`${name}.test`],
  routes: [{ name: 'r', match: { prefix: '/' }, route: { cluster } }],
})
/** Whoever is asked, where that is what is wrong with the request. */
const ANYBODY: JsonObject = { ...host('any', 'alpha'), domains: ['*'] }
const HOSTS = [host('one', 'alpha'), host('two', 'delta'), ANYBODY]

export const UPSTREAM = 'frames-upstream'

export const FRAME_LISTENERS: readonly ListenerPlan[] = [
  { name: 'frames', virtualHosts: HOSTS, connectionManager: { codec_type: 'HTTP2' } },
  {
    name: 'frames-alone',
    virtualHosts: HOSTS,
    connectionManager: {
      codec_type: 'HTTP2',
      http2_protocol_options: { override_stream_error_on_invalid_http_message: true },
    },
  },
  {
    name: 'frames-limited',
    virtualHosts: HOSTS,
    connectionManager: {
      codec_type: 'HTTP2',
      max_request_headers_kb: 1,
      http2_protocol_options: { max_concurrent_streams: 2, hpack_table_size: 0 },
    },
  },
  {
    name: UPSTREAM,
    virtualHosts: [host('any', UPSTREAM)].map(any => ({ ...any, domains: ['*'] })),
    clusters: [
      {
        name: UPSTREAM,
        endpoint: 'frames',
        fields: onlyOnce(HTTP2_UPSTREAM),
      },
    ],
  },
]

/** Each answer finds its request on stream 1. */
function onlyOnce(fields: JsonObject): JsonObject {
  const options = fields['typed_extension_protocol_options'] as JsonObject
  const [[name, value] = ['', {}]] = Object.entries(options)
  const common = { common_http_protocol_options: { max_requests_per_connection: 1 } }
  return { typed_extension_protocol_options: { [name]: { ...(value as JsonObject), ...common } } }
}
