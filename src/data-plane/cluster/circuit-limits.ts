// What a cluster's limits come to at a moment: how many retries may be under way, and the gauges that tell which limit is
// reached. Worked out when it is asked for, and nowhere counted twice.
import type { StatsScope } from '../stats/stats-scope.ts'
import type { CircuitLimits, Cluster, ClusterStats } from './cluster.ts'

/**
 * By the requests under way, or, where the budget has an interval, by those that were sent in it. `besides`: under way, too,
 * though not counted any more.
 */
export function retryLimit({ maxRetries, retryBudget }: CircuitLimits, stats: ClusterStats, besides: number): number {
  if (retryBudget === null) return maxRetries
  const requests = stats.requestWindow?.count ?? stats.upstreamRqActive.value + besides
  return Math.max(Math.floor((retryBudget.percent * requests) / 100), retryBudget.minConcurrency)
}

/** Envoy's names below `cluster.<name>.circuit_breakers.`. */
export function showCircuits(scope: StatsScope, priority: 'default' | 'high', cluster: Cluster): void {
  const { stats } = cluster
  const retries = (): number => retryLimit(cluster.limits, stats, 0)
  const circuits: readonly (readonly [open: string, remaining: string, active: () => number, limit: () => number])[] = [
    ['cx_open', 'remaining_cx', () => stats.upstreamCxActive.value, () => cluster.limits.maxConnections],
    [
      'rq_pending_open',
      'remaining_pending',
      () => stats.upstreamRqPendingActive.value,
      () => cluster.limits.maxPendingRequests,
    ],
    ['rq_open', 'remaining_rq', () => stats.upstreamRqActive.value, () => cluster.limits.maxRequests],
    ['rq_retry_open', 'remaining_retries', () => stats.retriesActive.value, retries],
  ]
  const at = `circuit_breakers.${priority}`
  for (const [open, remaining, active, limit] of circuits) {
    // A limit of nothing, with nothing under way, is no circuit that is open (Envoy).
    scope.computedGauge(`${at}.${open}`, () => (active() > 0 && active() >= limit() ? 1 : 0))
    if (cluster.limits.tracksRemaining) scope.computedGauge(`${at}.${remaining}`, () => Math.max(0, limit() - active()))
  }
}
