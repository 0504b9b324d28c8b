// The counters of one route, which has them where it has a stat_prefix: Envoy's `vhost.<name>.route.<stat_prefix>.`.
import { RESPONSE_FLAG } from '../response-flag.ts'
import type { Counter, Histogram, StatsScope } from '../stats/stats-scope.ts'
import type { StreamInfo } from '../stream-info.ts'

export interface RouteStats {
  /** Tries. */
  readonly total: Counter
  readonly completed: Counter
  readonly byClass: readonly Counter[]
  readonly retries: Counter
  readonly retryLimitExceeded: Counter
  readonly timeouts: Counter
  readonly time: Histogram
}

export function createRouteStats(root: StatsScope, virtualHost: string, prefix: string): RouteStats {
  const scope = root.scope('vhost', { envoy_virtual_host: virtualHost }).scope('route', { envoy_route: prefix })
  return {
    total: scope.counter('upstream_rq_total'),
    completed: scope.counter('upstream_rq_completed'),
    byClass: [1, 2, 3, 4, 5].map(digit => scope.counter(`upstream_rq_${digit}xx`)),
    retries: scope.counter('upstream_rq_retry'),
    retryLimitExceeded: scope.counter('upstream_rq_retry_limit_exceeded'),
    timeouts: scope.counter('upstream_rq_timeout'),
    time: scope.histogram('upstream_rq_time'),
  }
}

/** At a stream's end. What never came to an endpoint is not the route's. */
export function countStream(stats: RouteStats, info: StreamInfo): void {
  const tries = info.attemptCount
  if (tries === 0) return
  stats.total.value += tries
  stats.retries.value += tries - 1
  if (info.responseFlags & RESPONSE_FLAG.URX) stats.retryLimitExceeded.value++
  if (info.responseFlags & RESPONSE_FLAG.UT) stats.timeouts.value++
  const byClass = stats.byClass[Math.floor(info.responseCode / 100) - 1]
  if (byClass === undefined) return
  byClass.value++
  stats.completed.value++
  stats.time.record(info.duration)
}
