// The version of HTTP that a cluster's endpoints are spoken to in, and how long a connection to them lives.
import { create } from '@bufbuild/protobuf'
import type { Any } from '@bufbuild/protobuf/wkt'
import { familyOf, type PortProtocol } from '../../model/port-protocol.ts'
import type { ConnectionPool } from '../../model/traffic-policy.ts'
import { packAny } from '../../xds/any-pack.ts'
import { Http2ProtocolOptionsSchema } from '../../xds/generated/envoy/config/core/v3/protocol_pb.ts'
import {
  type HttpProtocolOptions,
  HttpProtocolOptionsSchema,
} from '../../xds/generated/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts'
import type { ClientKind } from './callers-address.ts'
import { duration } from './durations.ts'

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
  protocol: PortProtocol,
  pool: ConnectionPool | undefined,
  client: ClientKind,
): UpstreamVersion | undefined {
  const family = familyOf(protocol)
  if (family === 'tcp') return undefined
  if (pool?.usesClientProtocol) return 'client'
  if (family === 'http2' || pool?.upgradesToHttp2) return 'http2'
  return family === 'undeclared' && client !== 'router' ? 'client' : 'http1'
}

/** Which server is meant is said by each request. */
export interface NamesByRequest {
  readonly autoSni: boolean
  readonly autoSanValidation: boolean
}

/** Undefined when Envoy's defaults (HTTP/1.1, an idle timeout of one hour) hold. HTTP's idle timeout beats TCP's. */
export function httpProtocolOptions(
  pool: ConnectionPool | undefined,
  version: UpstreamVersion,
  names?: NamesByRequest,
): Record<string, Any> | undefined {
  const idleTimeoutMs = pool?.httpIdleTimeoutMs ?? pool?.tcpIdleTimeoutMs
  const maxDurationMs = pool?.maxConnectionDurationMs
  const limits = [idleTimeoutMs, pool?.maxRequestsPerConnection, maxDurationMs]
  const hasLimits = limits.some(limit => limit !== undefined)
  if (!hasLimits && version === 'http1' && !names) return undefined
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
    ...(names ? { upstreamHttpProtocolOptions: { ...names } } : {}),
    upstreamProtocolOptions: PROTOCOL_OPTIONS[version],
  })
  if (pool?.maxConcurrentStreams !== undefined) limitStreams(options, pool.maxConcurrentStreams)
  return { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': packAny(HttpProtocolOptionsSchema, options) }
}

function limitStreams(options: HttpProtocolOptions, maxConcurrentStreams: number): void {
  const http2ProtocolOptions = create(Http2ProtocolOptionsSchema, { maxConcurrentStreams })
  const { upstreamProtocolOptions: chosen } = options
  if (chosen.case === 'useDownstreamProtocolConfig') {
    options.upstreamProtocolOptions = { case: chosen.case, value: { ...chosen.value, http2ProtocolOptions } }
  } else if (chosen.case === 'explicitHttpConfig' && chosen.value.protocolConfig.case === 'http2ProtocolOptions') {
    const protocolConfig = { case: chosen.value.protocolConfig.case, value: http2ProtocolOptions }
    options.upstreamProtocolOptions = { case: chosen.case, value: { ...chosen.value, protocolConfig } }
  }
}

/** Whether bytes need another cluster than requests do: one whose peers are told that no HTTP, or no HTTP/2, is coming. */
export function tunnelsApart(protocol: PortProtocol, pool: ConnectionPool | undefined): boolean {
  const family = familyOf(protocol)
  return family === 'undeclared' || (family === 'http1' && pool?.upgradesToHttp2 === true)
}
