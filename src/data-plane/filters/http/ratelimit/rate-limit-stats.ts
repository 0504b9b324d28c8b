// Envoy's counters of a global rate limit, below `cluster.<the route's>.ratelimit.`.
import { LruMap } from '../../../../base/lru-map.ts'
import type { Counter, StatsScope } from '../../../stats/stats-scope.ts'

export interface RateLimitStats {
  readonly ok: Counter
  readonly error: Counter
  readonly overLimit: Counter
  readonly failureModeAllowed: Counter
}

/** Clusters come and go: past this many, what was asked for longest ago is forgotten. */
const MAX_CLUSTERS = 1000

export class StatsByCluster {
  readonly #root: StatsScope
  readonly #statPrefix: string
  readonly #known = new LruMap<RateLimitStats>(MAX_CLUSTERS)

  constructor(root: StatsScope, statPrefix: string) {
    this.#root = root
    this.#statPrefix = statPrefix
  }

  of(cluster: string): RateLimitStats {
    let stats = this.#known.get(cluster)
    if (stats === undefined) {
      stats = this.#resolve(cluster)
      this.#known.set(cluster, stats)
    }
    return stats
  }

  #resolve(cluster: string): RateLimitStats {
    const all = this.#root.scope('cluster', { envoy_cluster_name: cluster }).scope('ratelimit')
    const scope = (this.#statPrefix === '' ? all : all.scope(this.#statPrefix)).lease()
    const stats = {
      ok: scope.counter('ok'),
      error: scope.counter('error'),
      overLimit: scope.counter('over_limit'),
      failureModeAllowed: scope.counter('failure_mode_allowed'),
    }
    scope.returnWith(stats)
    return stats
  }
}
