// The counters of one route, which has them where it has a stat_prefix, and of one virtual cluster: Envoy's
// `vhost.<name>.route.<stat_prefix>.` and `vhost.<name>.vcluster.<name>.`.
import { RESPONSE_FLAG } from '../response-flag.ts'
import type { Counter, Histogram, LeasedScope, StatsScope } from '../stats/stats-scope.ts'
import type { StreamOutcome, VirtualCluster } from '../virtual-cluster.ts'

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
  return statsIn(ofVirtualHost(root, virtualHost).scope('route', { envoy_route: prefix }).lease())
}

export function createVirtualClusterStats(root: StatsScope, virtualHost: string, name: string): RouteStats {
  return statsIn(ofVirtualHost(root, virtualHost).scope('vcluster', { envoy_virtual_cluster: name }).lease())
}

function ofVirtualHost(root: StatsScope, name: string): StatsScope {
  return root.scope('vhost', { envoy_virtual_host: name })
}

function statsIn(scope: LeasedScope): RouteStats {
  const stats = {
    total: scope.counter('upstream_rq_total'),
    completed: scope.counter('upstream_rq_completed'),
    byClass: [1, 2, 3, 4, 5].map(digit => scope.counter(`upstream_rq_${digit}xx`)),
    retries: scope.counter('upstream_rq_retry'),
    retryLimitExceeded: scope.counter('upstream_rq_retry_limit_exceeded'),
    timeouts: scope.counter('upstream_rq_timeout'),
    time: scope.histogram('upstream_rq_time'),
  }
  scope.returnWith(stats)
  return stats
}

/** At a stream's end. What never came to an endpoint is not the route's. */
export function countStream(stats: RouteStats, info: StreamOutcome): void {
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

/** At a stream's end: of its route, and of the kind of requests that it is. */
export function countRoute(
  info: StreamOutcome & { readonly virtualCluster: VirtualCluster | null },
  route: { readonly kind: string; readonly stats?: RouteStats | null } | null | undefined,
): void {
  if (route?.kind === 'forward' && route.stats) countStream(route.stats, info)
  if (info.virtualCluster !== null) info.virtualCluster.count(info)
}
