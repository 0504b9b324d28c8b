// HttpProtocolOptions of a cluster: which protocol its endpoints are spoken to in, and how long one connection lives.
import type { Any } from '@bufbuild/protobuf/wkt'
import type { Http2Settings } from '../../transport/http2/session-options.ts'
import { unpackAny } from '../../xds/any-pack.ts'
import {
  HttpProtocolOptionsSchema as CommonOptionsSchema,
  type Http1ProtocolOptions,
  Http1ProtocolOptionsSchema,
  type Http2ProtocolOptions,
  type UpstreamHttpProtocolOptions,
  UpstreamHttpProtocolOptionsSchema,
} from '../../xds/generated/envoy/config/core/v3/protocol_pb.ts'
import {
  HttpProtocolOptions_AutoHttpConfigSchema as AutoHttpConfigSchema,
  HttpProtocolOptions_UseDownstreamHttpConfigSchema as DownstreamHttpConfigSchema,
  type HttpProtocolOptions,
  type HttpProtocolOptions_OutlierDetection,
  HttpProtocolOptionsSchema,
} from '../../xds/generated/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts'
import { durationMs, type ResourceCheck } from '../../xds/resource-check.ts'
import { keepsSpelling, readHeaderCase } from '../http/http1-protocol-options.ts'
import { readHttp2Options } from '../http/http2-protocol-options.ts'
import { compileResponsePredicate, type ResponseCriterion } from '../route/response-criterion.ts'
import type { AutoIdentity, Http1Options, UpstreamProtocol } from './cluster.ts'

export interface HttpOptions {
  /** 0: never. */
  readonly idleTimeoutMs: number
  /** 0: no limit. */
  readonly maxRequestsPerConnection: number
  /** 0: never, too. */
  readonly maxConnectionDurationMs: number
  readonly httpProtocol: UpstreamProtocol
  readonly http1: Http1Options
  readonly http2: Http2Settings
  readonly autoIdentity: AutoIdentity | null
  /** What outlier detection takes for an error; null: 5xx. */
  readonly errors: ResponseCriterion | null
}

const KEY = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'
const AT = `typed_extension_protocol_options[${KEY}]`
/** Envoy's default for idle upstream connections. */
const ENVOY_IDLE_TIMEOUT_MS = 3_600_000
/** Envoy's bounds on what a response's head may be (max_response_headers_kb, max_headers_count). */
const RESPONSE_LIMITS = { maxHeaderListBytes: 60 * 1024, maxFieldCount: 100 }

const FIELDS = new Set([
  'common_http_protocol_options',
  'upstream_http_protocol_options',
  'explicit_http_config',
  'use_downstream_protocol_config',
  'auto_config',
  'upstream_http_protocol_options',
  'outlier_detection',
])
const IDENTITY_FIELDS = new Set(['auto_sni', 'auto_san_validation', 'override_auto_sni_header'])
const AUTO_FIELDS = new Set(['http_protocol_options', 'http2_protocol_options'])
const HTTP1_FIELDS = new Set(['enable_trailers', 'header_key_format'])
/** `:authority` and its like included (Envoy). */
const HEADER_NAME = /^:?[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const COMMON_FIELDS = new Set(['idle_timeout', 'max_requests_per_connection', 'max_connection_duration'])

export function readHttpOptions(options: Readonly<Record<string, Any>>, check: ResourceCheck): HttpOptions {
  for (const key of Object.keys(options)) {
    if (key !== KEY) check.unsupported(`typed_extension_protocol_options[${key}]`)
  }
  const message = options[KEY] && unpackAny(options[KEY], HttpProtocolOptionsSchema)
  if (message === null) check.error(AT, 'cannot be decoded')
  if (message) check.honour(HttpProtocolOptionsSchema, message, AT, FIELDS)
  const common = message?.commonHttpProtocolOptions
  if (common) check.honour(CommonOptionsSchema, common, `${AT}.common_http_protocol_options`, COMMON_FIELDS)
  return {
    idleTimeoutMs: durationMs(common?.idleTimeout, ENVOY_IDLE_TIMEOUT_MS),
    maxRequestsPerConnection: common?.maxRequestsPerConnection ?? 0,
    maxConnectionDurationMs: durationMs(common?.maxConnectionDuration, 0),
    autoIdentity: readAutoIdentity(message?.upstreamHttpProtocolOptions, check),
    errors: readErrors(message?.outlierDetection, check),
    ...readProtocol(message?.upstreamProtocolOptions, check),
  }
}

function readAutoIdentity(options: UpstreamHttpProtocolOptions | undefined, check: ResourceCheck): AutoIdentity | null {
  if (!options) return null
  check.honour(UpstreamHttpProtocolOptionsSchema, options, `${AT}.upstream_http_protocol_options`, IDENTITY_FIELDS)
  const { overrideAutoSniHeader: header } = options
  if (header !== '' && !HEADER_NAME.test(header))
    check.error(`${AT}.upstream_http_protocol_options.override_auto_sni_header`, 'is not a header name')
  const { autoSni: announces, autoSanValidation: verifies } = options
  return announces || verifies ? { announces, verifies, header: header.toLowerCase() } : null
}

function readErrors(
  detection: HttpProtocolOptions_OutlierDetection | undefined,
  check: ResourceCheck,
): ResponseCriterion | null {
  if (!detection?.errorMatcher) return null
  return compileResponsePredicate(detection.errorMatcher, `${AT}.outlier_detection.error_matcher`, check)
}

type Protocol = Pick<HttpOptions, 'httpProtocol' | 'http1' | 'http2'>

function readProtocol(
  chosen: HttpProtocolOptions['upstreamProtocolOptions'] | undefined,
  check: ResourceCheck,
): Protocol {
  if (chosen?.case === 'useDownstreamProtocolConfig') {
    const at = `${AT}.use_downstream_protocol_config`
    check.honour(DownstreamHttpConfigSchema, chosen.value, at, AUTO_FIELDS)
    const { httpProtocolOptions, http2ProtocolOptions } = chosen.value
    return { httpProtocol: 'downstream', ...versions(httpProtocolOptions, http2ProtocolOptions, at, check) }
  }
  if (chosen?.case === 'autoConfig') {
    const at = `${AT}.auto_config`
    check.honour(AutoHttpConfigSchema, chosen.value, at, AUTO_FIELDS)
    const { httpProtocolOptions, http2ProtocolOptions } = chosen.value
    return { httpProtocol: 'auto', ...versions(httpProtocolOptions, http2ProtocolOptions, at, check) }
  }
  if (chosen?.case !== 'explicitHttpConfig') {
    if (chosen) check.error(AT, 'needs explicit_http_config, use_downstream_protocol_config or auto_config')
    return { httpProtocol: 'http1', ...versions(undefined, undefined, AT, check) }
  }
  const at = `${AT}.explicit_http_config`
  const { protocolConfig } = chosen.value
  if (protocolConfig.case === undefined)
    check.error(at, 'needs a protocol: http_protocol_options or http2_protocol_options')
  if (protocolConfig.case === 'http2ProtocolOptions') {
    return { httpProtocol: 'http2', ...versions(undefined, protocolConfig.value, at, check) }
  }
  if (protocolConfig.case === 'http3ProtocolOptions') check.unsupported(`${at}.http3_protocol_options`)
  const http1 = protocolConfig.case === 'httpProtocolOptions' ? protocolConfig.value : undefined
  return { httpProtocol: 'http1', ...versions(http1, undefined, at, check) }
}

function versions(
  http1: Http1ProtocolOptions | undefined,
  http2: Http2ProtocolOptions | undefined,
  at: string,
  check: ResourceCheck,
): Omit<Protocol, 'httpProtocol'> {
  const path = `${at}.http_protocol_options`
  if (http1) check.honour(Http1ProtocolOptionsSchema, http1, path, HTTP1_FIELDS)
  const { maxHeaderListBytes: maxHeadBytes, maxFieldCount } = RESPONSE_LIMITS
  const trailers = http1?.enableTrailers ?? false
  const headerCase = readHeaderCase(http1, path, check)
  return {
    http1: {
      trailers,
      headerCase,
      limits: { maxHeadBytes, maxFieldCount, trailers, keepsSpelling: keepsSpelling(headerCase) },
    },
    http2: readHttp2Options(http2, RESPONSE_LIMITS, `${at}.http2_protocol_options`, check),
  }
}
