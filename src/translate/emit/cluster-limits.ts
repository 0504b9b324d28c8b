// Circuit breakers of a cluster, out of a connection pool.
import { create } from '@bufbuild/protobuf'
import type { ConnectionPool } from '../../model/traffic-policy.ts'
import {
  type CircuitBreakers,
  CircuitBreakersSchema,
} from '../../xds/generated/envoy/config/cluster/v3/circuit_breaker_pb.ts'

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
