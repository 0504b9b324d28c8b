// HttpProtocolOptions of a cluster: how long its connections may idle and how much one may carry.
import type { Any } from '@bufbuild/protobuf/wkt'
import { unpackAny } from '../../xds/any-pack.ts'
import { HttpProtocolOptionsSchema as CommonOptionsSchema } from '../../xds/generated/envoy/config/core/v3/protocol_pb.ts'
import { HttpProtocolOptionsSchema } from '../../xds/generated/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts'
import { durationMs, type ResourceCheck } from '../../xds/resource-check.ts'

export interface HttpOptions {
  /** 0: never. */
  readonly idleTimeoutMs: number
  /** 0: no limit. */
  readonly maxRequestsPerConnection: number
}

const KEY = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'
/** Envoy's default for idle upstream connections. */
const ENVOY_IDLE_TIMEOUT_MS = 3_600_000

export function readHttpOptions(options: Readonly<Record<string, Any>>, check: ResourceCheck): HttpOptions {
  const none = { idleTimeoutMs: ENVOY_IDLE_TIMEOUT_MS, maxRequestsPerConnection: 0 }
  for (const key of Object.keys(options)) {
    if (key !== KEY) check.unsupported(`typed_extension_protocol_options[${key}]`)
  }
  if (options[KEY] === undefined) return none
  const at = `typed_extension_protocol_options[${KEY}]`
  const message = unpackAny(options[KEY], HttpProtocolOptionsSchema)
  if (message === null) {
    check.error(at, 'cannot be decoded')
    return none
  }
  check.honour(
    HttpProtocolOptionsSchema,
    message,
    at,
    new Set(['common_http_protocol_options', 'explicit_http_config', 'use_downstream_protocol_config']),
  )
  const protocol = message.upstreamProtocolOptions
  const chosen = protocol.case === 'explicitHttpConfig' ? protocol.value.protocolConfig.case : undefined
  if (chosen !== undefined && chosen !== 'httpProtocolOptions')
    check.unsupported(`${at}.explicit_http_config`, 'only HTTP/1.1 is supported upstream')
  const common = message.commonHttpProtocolOptions
  if (common === undefined) return none
  check.honour(
    CommonOptionsSchema,
    common,
    `${at}.common_http_protocol_options`,
    new Set(['idle_timeout', 'max_requests_per_connection']),
  )
  return {
    idleTimeoutMs: durationMs(common.idleTimeout, ENVOY_IDLE_TIMEOUT_MS),
    maxRequestsPerConnection: common.maxRequestsPerConnection ?? 0,
  }
}
