// Circuit breakers and connection options of a cluster, out of a connection pool.
import { create } from '@bufbuild/protobuf'
import type { Any } from '@bufbuild/protobuf/wkt'
import type { ConnectionPool } from '../../model/traffic-policy.ts'
import { packAny } from '../../xds/any-pack.ts'
import {
  type CircuitBreakers,
  CircuitBreakersSchema,
} from '../../xds/generated/envoy/config/cluster/v3/circuit_breaker_pb.ts'
import { HttpProtocolOptionsSchema } from '../../xds/generated/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts'
import { duration } from './durations.ts'

/** Istio's default: no limit. */
const NO_LIMIT = 0xffff_ffff

export function circuitBreakers(pool: ConnectionPool | undefined): CircuitBreakers {
  return create(CircuitBreakersSchema, {
    thresholds: [
      {
        maxConnections: pool?.maxConnections ?? NO_LIMIT,
        maxPendingRequests: pool?.http1MaxPendingRequests ?? NO_LIMIT,
        maxRequests: pool?.http2MaxRequests ?? NO_LIMIT,
        maxRetries: pool?.maxRetries ?? NO_LIMIT,
        trackRemaining: true,
      },
    ],
  })
}

/** Undefined when Envoy's defaults (an idle timeout of one hour) hold. HTTP's idle timeout beats TCP's. */
export function httpProtocolOptions(pool: ConnectionPool | undefined): Record<string, Any> | undefined {
  const idleTimeoutMs = pool?.httpIdleTimeoutMs ?? pool?.tcpIdleTimeoutMs
  if (idleTimeoutMs === undefined && pool?.maxRequestsPerConnection === undefined) return undefined
  const options = create(HttpProtocolOptionsSchema, {
    commonHttpProtocolOptions: {
      ...(idleTimeoutMs === undefined ? {} : { idleTimeout: duration(idleTimeoutMs) }),
      ...(pool?.maxRequestsPerConnection === undefined
        ? {}
        : { maxRequestsPerConnection: pool.maxRequestsPerConnection }),
    },
    upstreamProtocolOptions: {
      case: 'explicitHttpConfig',
      value: { protocolConfig: { case: 'httpProtocolOptions', value: {} } },
    },
  })
  return { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': packAny(HttpProtocolOptionsSchema, options) }
}
