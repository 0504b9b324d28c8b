// Envoy's counters below `http.<stat prefix>.rbac.`, enforced and shadow rules each with a prefix of their own.
import type { Counter, StatsScope } from '../../../stats/stats-scope.ts'

export interface RbacStats {
  readonly allowed: Counter
  readonly denied: Counter
  readonly shadowAllowed: Counter
  readonly shadowDenied: Counter
}

export function rbacStats(enforced: StatsScope, shadow: StatsScope): RbacStats {
  return {
    allowed: enforced.counter('allowed'),
    denied: enforced.counter('denied'),
    shadowAllowed: shadow.counter('shadow_allowed'),
    shadowDenied: shadow.counter('shadow_denied'),
  }
}

/** Envoy sets a point after the prefix, unless it ends with one. */
export function prefixedScope(scope: StatsScope, prefix: string): StatsScope {
  if (prefix === '') return scope
  return scope.scope(prefix.endsWith('.') ? prefix.slice(0, -1) : prefix)
}
