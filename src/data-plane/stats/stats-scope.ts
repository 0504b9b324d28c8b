// Where counters come from. Resolved when config is compiled; the hot path holds the objects and adds to `value`.

export interface Counter {
  value: number
}

export interface Gauge {
  value: number
}

export interface Histogram {
  /** Milliseconds or bytes, by the name. */
  record(value: number): void
  /** How many were recorded, by class (BUCKET_BOUNDS); the last is for all beyond. */
  readonly counts: Float64Array
}

export interface StatsScope {
  /** What the names of its stats begin with. */
  readonly prefix: string
  /** The same object for the same name: config updates do not reset what was counted. */
  counter(name: string): Counter
  gauge(name: string): Gauge
  /** One that is worked out whenever it is read, from what the event loops of the process have in common. */
  computedGauge(name: string, read: () => number): void
  /** The same of this event loop: those of all are added up. */
  computedLoopGauge(name: string, read: () => number): void
  histogram(name: string): Histogram
  /**
   * A scope below this one. `scope('cluster', {envoy_cluster_name: 'a'})` prints `cluster.a.upstream_rq_total` on /stats
   * and `envoy_cluster_upstream_rq_total{envoy_cluster_name="a"}` on /stats/prometheus, as Envoy's tag extraction does.
   */
  scope(prefix: string, labels?: Readonly<Record<string, string>>): StatsScope
  /** This scope for what config may take away: its stats, and those of scopes below it, are printed until they are returned. */
  lease(): LeasedScope
}

/** A stat is gone when every lease of it has been returned, as with Envoy's scopes. Cells still held may be counted on. */
export interface LeasedScope extends StatsScope {
  return(): void
  /** Returns it when nobody has `holder` any more: a stream that runs on with config of before is still counted. */
  returnWith(holder: object): void
}
