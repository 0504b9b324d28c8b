// A histogram with Envoy's default buckets: what Prometheus is shown, and what quantiles are estimated from.
import { BUCKET_BOUNDS } from '../../base/histogram-buckets.ts'
import type { Histogram } from './stats-scope.ts'

export const QUANTILES: readonly number[] = [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100]

/** All that a histogram holds. */
export interface HistogramSample {
  readonly counts: Float64Array
  readonly sum: number
  readonly count: number
  readonly highest: number
}

export class BucketHistogram implements Histogram {
  /** One for each bound, and one for all beyond. */
  readonly counts = new Float64Array(BUCKET_BOUNDS.length + 1)
  sum = 0
  count = 0
  highest = 0

  record(value: number): void {
    let bucket = 0
    while (bucket < BUCKET_BOUNDS.length && value > BUCKET_BOUNDS[bucket]!) bucket++
    this.counts[bucket]! += 1
    this.sum += value
    this.count++
    if (value > this.highest) this.highest = value
  }

  /** What another has recorded, too. */
  add(other: HistogramSample): void {
    for (const [bucket, count] of other.counts.entries()) this.counts[bucket]! += count
    this.sum += other.sum
    this.count += other.count
    this.highest = Math.max(this.highest, other.highest)
  }

  /** Estimate by linear interpolation inside the bucket; null when nothing was recorded. `percent` in 0..100. */
  quantile(percent: number): number | null {
    if (this.count === 0) return null
    const rank = (percent / 100) * this.count
    let below = 0
    for (let bucket = 0; bucket < this.counts.length; bucket++) {
      const here = this.counts[bucket]!
      if (here === 0 || below + here < rank) {
        below += here
        continue
      }
      const low = bucket === 0 ? 0 : BUCKET_BOUNDS[bucket - 1]!
      const high = Math.min(BUCKET_BOUNDS[bucket] ?? this.highest, this.highest)
      return low + ((high - low) * (rank - below)) / here
    }
    return this.highest
  }
}
