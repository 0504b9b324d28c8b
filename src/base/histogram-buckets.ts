// The classes in which milliseconds and bytes are counted.

/** Upper bounds, Envoy's default (config.metrics.v3.HistogramBucketSettings); the last bucket is unbounded. */
export const BUCKET_BOUNDS: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
]
