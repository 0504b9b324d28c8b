// A histogram with Envoy's default buckets: what Prometheus is shown, and what quantiles are estimated from.
import type { Histogram } from './stats-scope.ts'

/** Upper bounds, Envoy's default (config.metrics.v3.HistogramBucketSettings); the last bucket is unbounded. */
export const BUCKET_BOUNDS: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
]

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
