// The version of HTTP that a cluster's endpoints are spoken to in, and how long a connection to them lives.
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { Any } from '@bufbuild/protobuf/wkt'
import type { MeshConfig } from '../../model/mesh-config.ts'
import { familyOf, type PortProtocol, type ProtocolFamily } from '../../model/port-protocol.ts'
import type { ConnectionPool } from '../../model/traffic-policy.ts'
import { packAny } from '../../xds/any-pack.ts'
import type { MatchPredicateSchema } from '../../xds/generated/envoy/config/common/matcher/v3/matcher_pb.ts'
import {
  type Http1ProtocolOptions,
  type Http2ProtocolOptions,
  Http2ProtocolOptionsSchema,
} from '../../xds/generated/envoy/config/core/v3/protocol_pb.ts'
import {
  type HttpProtocolOptions,
  HttpProtocolOptionsSchema,
} from '../../xds/generated/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts'
import type { ClientKind } from './callers-address.ts'
import { duration } from './durations.ts'
import { http1Options } from './http1-options.ts'

/** `client`: whatever the downstream connection speaks. */
export type UpstreamVersion = 'http1' | 'http2' | 'client'

const PROTOCOL_OPTIONS: Readonly<Record<UpstreamVersion, HttpProtocolOptions['upstreamProtocolOptions']>> = {
  http1: create(HttpProtocolOptionsSchema, {
    upstreamProtocolOptions: {
      case: 'explicitHttpConfig',
      value: { protocolConfig: { case: 'httpProtocolOptions', value: {} } },
    },
  }).upstreamProtocolOptions,
  http2: create(HttpProtocolOptionsSchema, {
    upstreamProtocolOptions: {
      case: 'explicitHttpConfig',
      value: { protocolConfig: { case: 'http2ProtocolOptions', value: {} } },
    },
  }).upstreamProtocolOptions,
  client: create(HttpProtocolOptionsSchema, {
    upstreamProtocolOptions: {
      case: 'useDownstreamProtocolConfig',
      value: { httpProtocolOptions: {}, http2ProtocolOptions: {} },
    },
  }).upstreamProtocolOptions,
}

/** What a cluster for a port of some protocol speaks; undefined for bytes. A gateway guesses nothing, as in Istio. */
export function upstreamVersion(
  meshConfig: MeshConfig,
  protocol: PortProtocol,
  pool: ConnectionPool | undefined,
  client: ClientKind,
): UpstreamVersion | undefined {
  const family = familyOf(protocol)
  if (family === 'tcp') return undefined
  if (upgradesByMesh(meshConfig, family, pool)) return 'http2'
  if (pool?.usesClientProtocol) return 'client'
  if (family === 'http2' || pool?.upgradesToHttp2) return 'http2'
  return family === 'undeclared' && client !== 'router' ? 'client' : 'http1'
}

/** Which server is meant is said by each request. */
export interface NamesByRequest {
  readonly autoSni: boolean
  readonly autoSanValidation: boolean
}

export interface RequestOptions {
  readonly names?: NamesByRequest | undefined
  /** What outlier detection takes for errors; empty: 5xx. */
  readonly errorCodes?: readonly number[] | undefined
}

/** Undefined when Envoy's defaults (HTTP/1.1, an idle timeout of one hour) hold. HTTP's idle timeout beats TCP's. */
export function httpProtocolOptions(
  meshConfig: MeshConfig,
  pool: ConnectionPool | undefined,
  version: UpstreamVersion,
  { names, errorCodes = [] }: RequestOptions = {},
): Record<string, Any> | undefined {
  const idleTimeoutMs = pool?.httpIdleTimeoutMs ?? pool?.tcpIdleTimeoutMs
  const maxDurationMs = pool?.maxConnectionDurationMs
  const limits = [idleTimeoutMs, pool?.maxRequestsPerConnection, maxDurationMs]
  const hasLimits = limits.some(limit => limit !== undefined)
  const { preserveHttp1HeaderCase } = meshConfig.defaultConfig.proxyHeaders
  const isPlain = !preserveHttp1HeaderCase && !names && errorCodes.length === 0
  if (!hasLimits && version === 'http1' && isPlain) return undefined
  const options = create(HttpProtocolOptionsSchema, {
    ...(hasLimits
      ? {
          commonHttpProtocolOptions: {
            ...(idleTimeoutMs === undefined ? {} : { idleTimeout: duration(idleTimeoutMs) }),
            ...(pool?.maxRequestsPerConnection === undefined
              ? {}
              : { maxRequestsPerConnection: pool.maxRequestsPerConnection }),
            ...(maxDurationMs === undefined ? {} : { maxConnectionDuration: duration(maxDurationMs) }),
          },
        }
      : {}),
    ...(errorCodes.length > 0 ? { outlierDetection: { errorMatcher: statusMatcher(errorCodes) } } : {}),
    ...(names ? { upstreamHttpProtocolOptions: { ...names } } : {}),
    upstreamProtocolOptions: PROTOCOL_OPTIONS[version],
  })
  const http2 = http2Options(pool)
  if (http2) setHttp2(options, http2)
  if (preserveHttp1HeaderCase) setHttp1(options, http1Options(meshConfig, {}))
  return { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': packAny(HttpProtocolOptionsSchema, options) }
}

function statusMatcher(codes: readonly number[]): MessageInitShape<typeof MatchPredicateSchema> {
  const rules = codes.map(code => {
    const stringMatch = { matchPattern: { case: 'exact' as const, value: String(code) } }
    const headers = [{ name: ':status', headerMatchSpecifier: { case: 'stringMatch' as const, value: stringMatch } }]
    return { rule: { case: 'httpResponseHeadersMatch' as const, value: { headers } } }
  })
  return rules.length === 1 ? rules[0]! : { rule: { case: 'orMatch', value: { rules } } }
}

function http2Options(pool: ConnectionPool | undefined): Http2ProtocolOptions | undefined {
  const { maxConcurrentStreams, http2Keepalive } = pool ?? {}
  if (maxConcurrentStreams === undefined && !http2Keepalive) return undefined
  return create(Http2ProtocolOptionsSchema, {
    ...(maxConcurrentStreams === undefined ? {} : { maxConcurrentStreams }),
    ...(http2Keepalive
      ? {
          connectionKeepalive: {
            interval: duration(http2Keepalive.intervalMs),
            timeout: duration(http2Keepalive.timeoutMs),
          },
        }
      : {}),
  })
}

function setHttp2(options: HttpProtocolOptions, http2ProtocolOptions: Http2ProtocolOptions): void {
  const { upstreamProtocolOptions: chosen } = options
  if (chosen.case === 'useDownstreamProtocolConfig') {
    options.upstreamProtocolOptions = { case: chosen.case, value: { ...chosen.value, http2ProtocolOptions } }
  } else if (chosen.case === 'explicitHttpConfig' && chosen.value.protocolConfig.case === 'http2ProtocolOptions') {
    const protocolConfig = { case: chosen.value.protocolConfig.case, value: http2ProtocolOptions }
    options.upstreamProtocolOptions = { case: chosen.case, value: { ...chosen.value, protocolConfig } }
  }
}

function setHttp1(options: HttpProtocolOptions, value: Http1ProtocolOptions): void {
  const { upstreamProtocolOptions: chosen } = options
  if (chosen.case === 'useDownstreamProtocolConfig') {
    options.upstreamProtocolOptions = { case: chosen.case, value: { ...chosen.value, httpProtocolOptions: value } }
  } else if (chosen.case === 'explicitHttpConfig' && chosen.value.protocolConfig.case === 'httpProtocolOptions') {
    const protocolConfig = { case: chosen.value.protocolConfig.case, value }
    options.upstreamProtocolOptions = { case: chosen.case, value: { ...chosen.value, protocolConfig } }
  }
}

/** Whether bytes need another cluster than requests do: one whose peers are told that no HTTP, or no HTTP/2, is coming. */
export function tunnelsApart(
  meshConfig: MeshConfig,
  protocol: PortProtocol,
  pool: ConnectionPool | undefined,
): boolean {
  const family = familyOf(protocol)
  if (family === 'undeclared' || upgradesByMesh(meshConfig, family, pool)) return true
  return family === 'http1' && pool?.upgradesToHttp2 === true
}

/**
 * Whoever says so in a rule knows what the port speaks; the mesh's word is for ports that say it themselves, and there it
 * goes before the client's protocol (Istio).
 */
function upgradesByMesh(meshConfig: MeshConfig, family: ProtocolFamily, pool: ConnectionPool | undefined): boolean {
  return meshConfig.upgradesToHttp2 && family === 'http1' && pool?.upgradesToHttp2 === undefined
}
