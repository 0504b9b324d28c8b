// Circuit breakers of a cluster, out of a connection pool.
import { create } from '@bufbuild/protobuf'
import type { ConnectionPool } from '../../model/traffic-policy.ts'
import type { RetryBudget } from '../../model/upstream-policy.ts'
import {
  type CircuitBreakers,
  CircuitBreakersSchema,
} from '../../xds/generated/envoy/config/cluster/v3/circuit_breaker_pb.ts'
import { duration } from './durations.ts'

/** Istio's default: no limit. */
const NO_LIMIT = 0xffff_ffff

/** A budget of retries takes the place of their number. */
export function circuitBreakers(pool: ConnectionPool | undefined, budget?: RetryBudget): CircuitBreakers {
  return create(CircuitBreakersSchema, {
    thresholds: [
      {
        maxConnections: pool?.maxConnections ?? NO_LIMIT,
        maxPendingRequests: pool?.http1MaxPendingRequests ?? NO_LIMIT,
        maxRequests: pool?.http2MaxRequests ?? NO_LIMIT,
        ...(budget ? retryBudget(budget) : { maxRetries: pool?.maxRetries ?? NO_LIMIT }),
        trackRemaining: true,
      },
    ],
  })
}

function retryBudget({ percent, minRetryConcurrency, intervalMs }: RetryBudget) {
  const budgetInterval = intervalMs === undefined ? {} : { budgetInterval: duration(intervalMs) }
  return { retryBudget: { budgetPercent: { value: percent }, minRetryConcurrency, ...budgetInterval } }
}
