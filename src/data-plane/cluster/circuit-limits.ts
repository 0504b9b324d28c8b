// What a cluster's limits come to at a moment: how many retries may be under way, and the gauges that tell which limit is
// reached. Worked out when it is asked for, and nowhere counted twice.
import type { Resource } from '../process-limits/process-limits.ts'
import type { StatsScope } from '../stats/stats-scope.ts'
import type { Cluster } from './cluster.ts'

/**
 * By the requests under way, or, where the budget has an interval, by those that were sent in it. `besides`: under way, too,
 * though not counted any more.
 */
export function retryLimit({ limits, resources, stats }: Cluster, besides: number): number {
  const { maxRetries, retryBudget } = limits
  if (retryBudget === null) return maxRetries
  const requests = stats.requestWindow?.count ?? resources.requests.count + besides
  return Math.max(Math.floor((retryBudget.percent * requests) / 100), retryBudget.minConcurrency)
}

/** Envoy's names below `cluster.<name>.circuit_breakers.`. */
export function showCircuits(scope: StatsScope, priority: 'default' | 'high', cluster: Cluster): void {
  const { resources, limits } = cluster
  const { connections, pendingRequests, requests, retries } = resources
  const circuits: readonly (readonly [open: string, remaining: string, active: Resource, limit: () => number])[] = [
    ['cx_open', 'remaining_cx', connections, () => limits.maxConnections],
    ['rq_pending_open', 'remaining_pending', pendingRequests, () => limits.maxPendingRequests],
    ['rq_open', 'remaining_rq', requests, () => limits.maxRequests],
    ['rq_retry_open', 'remaining_retries', retries, () => retryLimit(cluster, 0)],
  ]
  const at = `circuit_breakers.${priority}`
  for (const [open, remaining, active, limit] of circuits) {
    // A limit of nothing, with nothing under way, is no circuit that is open (Envoy).
    scope.computedGauge(`${at}.${open}`, () => (active.count > 0 && active.count >= limit() ? 1 : 0))
    if (limits.tracksRemaining) scope.computedGauge(`${at}.${remaining}`, () => Math.max(0, limit() - active.count))
  }
}
