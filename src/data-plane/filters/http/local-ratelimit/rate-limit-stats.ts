// Envoy's counters of a local rate limit, below `<stat prefix>.http_local_rate_limit.`.
import type { Counter, StatsScope } from '../../../stats/stats-scope.ts'

export interface RateLimitStats {
  readonly enabled: Counter
  readonly enforced: Counter
  readonly rateLimited: Counter
  readonly ok: Counter
}

export function rateLimitStats(root: StatsScope, statPrefix: string): RateLimitStats {
  const scope = root.scope(statPrefix).scope('http_local_rate_limit').lease()
  const stats = {
    enabled: scope.counter('enabled'),
    enforced: scope.counter('enforced'),
    rateLimited: scope.counter('rate_limited'),
    ok: scope.counter('ok'),
  }
  scope.returnWith(stats)
  return stats
}
