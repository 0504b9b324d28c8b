// What of Envoy's HttpConnectionManager this proxy does not act on: refused by name, so that nothing is taken for granted.

import { HttpProtocolOptions_HeadersWithUnderscoresAction as UnderscoresAction } from '../../../../xds/generated/envoy/config/core/v3/protocol_pb.ts'
import {
  HttpConnectionManager_CodecType as CodecType,
  type HttpConnectionManager,
} from '../../../../xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'

/**
 * Field paths that are set and not honoured. Not among them: `tracing` sampling and `request_id_extension`, which steer
 * only tracing; `http2_protocol_options` and the like, which steer codecs that codec_type rules out.
 */
export function unsupportedFields(config: HttpConnectionManager): string[] {
  const fields: string[] = []
  const refuse = (set: unknown, field: string): void => {
    if (set) fields.push(field)
  }
  refuse(config.codecType === CodecType.HTTP2, 'codec_type (HTTP2)')
  refuse(config.codecType === CodecType.HTTP3, 'codec_type (HTTP3)')
  refuse(config.routeSpecifier.case === 'scopedRoutes', 'scoped_routes')
  refuse(config.addUserAgent?.valueOf(), 'add_user_agent')
  refuse(config.tracing?.provider, 'tracing.provider')
  refuse(config.schemeHeaderTransformation, 'scheme_header_transformation')
  refuse(config.flushAccessLogOnNewRequest || config.accessLogOptions?.flushAccessLogOnNewRequest, 'access_log_options')
  refuse(config.accessLogFlushInterval || config.accessLogOptions?.accessLogFlushInterval, 'access_log_flush_interval')
  refuse(config.originalIpDetectionExtensions.length, 'original_ip_detection_extensions')
  refuse(config.earlyHeaderMutationExtensions.length, 'early_header_mutation_extensions')
  refuse(config.internalAddressConfig, 'internal_address_config')
  refuse(config.via, 'via')
  refuse(config.upgradeConfigs.length, 'upgrade_configs')
  refuse(config.localReplyConfig, 'local_reply_config')
  refuse(config.pathNormalizationOptions, 'path_normalization_options')
  refuse(config.proxyStatusConfig, 'proxy_status_config')
  refuse(config.typedHeaderValidationConfig, 'typed_header_validation_config')
  refuse(config.appendLocalOverload, 'append_local_overload')
  refuse(config.setCurrentClientCertDetails?.cert, 'set_current_client_cert_details.cert')
  refuse(config.setCurrentClientCertDetails?.chain, 'set_current_client_cert_details.chain')
  const http1 = config.httpProtocolOptions
  refuse(http1?.allowAbsoluteUrl === false, 'http_protocol_options.allow_absolute_url (false)')
  refuse(http1?.acceptHttp10, 'http_protocol_options.accept_http_10')
  refuse(http1?.headerKeyFormat, 'http_protocol_options.header_key_format')
  refuse(http1?.enableTrailers, 'http_protocol_options.enable_trailers')
  refuse(http1?.allowChunkedLength, 'http_protocol_options.allow_chunked_length')
  refuse(http1?.sendFullyQualifiedUrl, 'http_protocol_options.send_fully_qualified_url')
  refuse(http1?.allowCustomMethods, 'http_protocol_options.allow_custom_methods')
  const common = config.commonHttpProtocolOptions
  refuse(common?.maxStreamDuration, 'common_http_protocol_options.max_stream_duration')
  refuse(
    common && common.headersWithUnderscoresAction !== UnderscoresAction.ALLOW,
    'common_http_protocol_options.headers_with_underscores_action',
  )
  return fields
}
