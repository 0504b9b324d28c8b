// What became of comparing this cluster's answers, as a mirror, with those of the clients.
import type { Counter, StatsScope } from '../stats/stats-scope.ts'

/** Weft's own, below `cluster.<mirror>.mirror_comparison.`. An answer may differ in several ways. */
export interface ComparisonStats {
  readonly match: Counter
  readonly statusDiffers: Counter
  readonly headersDiffer: Counter
  readonly bodyDiffers: Counter
  /** One of the two never came, or not whole, or both are longer than what is looked at. */
  readonly notComparable: Counter
}

/** `scope` is the cluster's own, with which they go. */
export function comparisonStats(scope: StatsScope): ComparisonStats {
  return {
    match: scope.counter('mirror_comparison.match'),
    statusDiffers: scope.counter('mirror_comparison.status_differs'),
    headersDiffer: scope.counter('mirror_comparison.headers_differ'),
    bodyDiffers: scope.counter('mirror_comparison.body_differs'),
    notComparable: scope.counter('mirror_comparison.not_comparable'),
  }
}
