// Which fields of Envoy's HttpConnectionManager this proxy acts on; any other that is set is refused by name.
import {
  type Http1ProtocolOptions,
  Http1ProtocolOptionsSchema,
  HttpProtocolOptionsSchema,
  type SchemeHeaderTransformation,
  SchemeHeaderTransformationSchema,
} from '../../../../xds/generated/envoy/config/core/v3/protocol_pb.ts'
import {
  HttpConnectionManager_HcmAccessLogOptionsSchema as AccessLogOptionsSchema,
  HttpConnectionManager_SetCurrentClientCertDetailsSchema as ClientCertDetailsSchema,
  HttpConnectionManager_CodecType as CodecType,
  type HttpConnectionManager,
  HttpConnectionManagerSchema,
} from '../../../../xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import type { ResourceCheck } from '../../../../xds/resource-check.ts'
import { hasControl } from '../../../route/control-character.ts'

const FIELDS = new Set(
  (
    'codec_type stat_prefix rds route_config http_filters common_http_protocol_options http_protocol_options server_name ' +
    'server_header_transformation max_request_headers_kb stream_idle_timeout request_timeout request_headers_timeout ' +
    'delayed_close_timeout drain_timeout access_log use_remote_address xff_num_trusted_hops skip_xff_append generate_request_id ' +
    'preserve_external_request_id always_set_request_id_in_response forward_client_cert_details ' +
    'set_current_client_cert_details proxy_100_continue normalize_path merge_slashes path_with_escaped_slashes_action ' +
    'http2_protocol_options upgrade_configs request_id_extension strip_matching_host_port strip_any_host_port strip_trailing_host_dot append_x_forwarded_port ' +
    'access_log_options access_log_flush_interval flush_access_log_on_new_request local_reply_config via scheme_header_transformation'
  ).split(' '),
)

const COMMON_FIELDS = new Set([
  'idle_timeout',
  'max_connection_duration',
  'max_stream_duration',
  'max_headers_count',
  'max_requests_per_connection',
  'headers_with_underscores_action',
])
const HTTP1_FIELDS = new Set([
  'allow_absolute_url',
  'use_balsa_parser',
  'enable_trailers',
  'accept_http_10',
  'default_host_for_http_10',
  'header_key_format',
])
const ACCESS_LOG_FIELDS = new Set([
  'access_log_flush_interval',
  'flush_access_log_on_new_request',
  'flush_log_on_tunnel_successfully_established',
])
const CLIENT_CERT_FIELDS = new Set(['subject', 'cert', 'dns', 'uri'])

/** Envoy's default, spelt out; its one option, packing the trace reason into the id, has no effect without tracing. */
const UUID_REQUEST_ID = 'type.googleapis.com/envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig'

export function checkHonoured(message: HttpConnectionManager, path: string, check: ResourceCheck): void {
  check.honour(HttpConnectionManagerSchema, message, path, FIELDS)
  if (message.statPrefix === '') check.error(`${path}.stat_prefix`, 'must not be empty')
  if (hasControl(message.serverName)) check.error(`${path}.server_name`, 'must not hold control characters')
  const scheme = message.schemeHeaderTransformation
  if (scheme) checkScheme(scheme, `${path}.scheme_header_transformation`, check)
  if (hasControl(message.via)) check.error(`${path}.via`, 'must not hold control characters')
  if (message.stripMatchingHostPort && message.stripPortMode.value)
    check.error(`${path}.strip_any_host_port`, 'excludes strip_matching_host_port')
  if (message.codecType === CodecType.HTTP3) check.unsupported(`${path}.codec_type`, 'HTTP3 is not supported')
  const extension = message.requestIdExtension?.typedConfig?.typeUrl
  if (extension !== undefined && extension !== UUID_REQUEST_ID) check.unsupported(`${path}.request_id_extension`)
  const common = message.commonHttpProtocolOptions
  if (common) {
    const at = `${path}.common_http_protocol_options`
    check.honour(HttpProtocolOptionsSchema, common, at, COMMON_FIELDS)
  }
  if (message.httpProtocolOptions) checkHttp1(message.httpProtocolOptions, `${path}.http_protocol_options`, check)
  if (message.accessLogOptions)
    check.honour(AccessLogOptionsSchema, message.accessLogOptions, `${path}.access_log_options`, ACCESS_LOG_FIELDS)
  const details = message.setCurrentClientCertDetails
  if (details) {
    check.honour(ClientCertDetailsSchema, details, `${path}.set_current_client_cert_details`, CLIENT_CERT_FIELDS)
  }
}

function checkScheme(message: SchemeHeaderTransformation, path: string, check: ResourceCheck): void {
  check.honour(SchemeHeaderTransformationSchema, message, path, new Set(['scheme_to_overwrite']))
  const { value = 'http' } = message.transformation
  if (value !== 'http' && value !== 'https') check.error(`${path}.scheme_to_overwrite`, 'must be http or https')
}

function checkHttp1(options: Http1ProtocolOptions, path: string, check: ResourceCheck): void {
  check.honour(Http1ProtocolOptionsSchema, options, path, HTTP1_FIELDS)
  if (hasControl(options.defaultHostForHttp10))
    check.error(`${path}.default_host_for_http_10`, 'must not hold control characters')
  // An HTTP proxy must take them (RFC 9112 3.2.2), and every server should.
  if (options.allowAbsoluteUrl === false) check.unsupported(`${path}.allow_absolute_url`, 'only true is supported')
}
