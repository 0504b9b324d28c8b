// Envoy's names below `cluster.<name>.outlier_detection.`; what tells of probes is Weft's own and there only with them.
import type { Counter, Gauge, StatsScope } from '../../stats/stats-scope.ts'
import type { Verdict } from './breaker.ts'
import { EJECTION_CAUSES, type EjectionCause } from './ejection-cause.ts'

export interface OutlierStats {
  readonly active: Gauge
  /** Endpoints that are to prove themselves, which count among the active ejections. */
  readonly halfOpen: Gauge
  count(verdict: Verdict): void
}

export function outlierStats(scope: StatsScope, withProbes: boolean): OutlierStats {
  const causes = EJECTION_CAUSES.filter(cause => withProbes || cause !== 'failed_probe')
  const table = (kind: string): ReadonlyMap<EjectionCause, Counter> =>
    new Map(causes.map(cause => [cause, scope.counter(`outlier_detection.ejections_${kind}_${cause}`)]))
  const detected = table('detected')
  const enforced = table('enforced')
  const enforcedTotal = scope.counter('outlier_detection.ejections_enforced_total')
  const overflow = scope.counter('outlier_detection.ejections_overflow')
  // Superseded, and still printed by Envoy.
  const old: Partial<Record<EjectionCause, Counter>> = {
    consecutive_5xx: scope.counter('outlier_detection.ejections_consecutive_5xx'),
    success_rate: scope.counter('outlier_detection.ejections_success_rate'),
  }
  const total = scope.counter('outlier_detection.ejections_total')
  return {
    active: scope.gauge('outlier_detection.ejections_active'),
    halfOpen: withProbes ? scope.gauge('outlier_detection.half_open_active') : { value: 0 },
    count({ cause, outcome }) {
      detected.get(cause)!.value++
      const superseded = old[cause]
      if (superseded) superseded.value++
      if (outcome === 'overflow') overflow.value++
      else if (superseded) total.value++
      if (outcome !== 'enforced') return
      enforced.get(cause)!.value++
      enforcedTotal.value++
    },
  }
}
