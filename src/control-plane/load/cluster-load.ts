// What proxies have counted of a cluster, out of their load reports (Envoy's LRS).
import { BUCKET_BOUNDS } from '../../base/histogram-buckets.ts'
import type {
  ClusterStats,
  EndpointLoadMetricStats,
} from '../../xds/generated/envoy/config/endpoint/v3/load_report_pb.ts'
import { TIME_METRICS } from '../../xds/load-metric.ts'

/** More than any proxy can have counted in an interval: nothing that one says drowns what all others say for ever. */
const MAX_COUNT = 1_000_000_000n

export class ClusterLoad {
  requests = 0
  /** A 5xx or its gRPC counterpart, a reset, no answer in time, or nobody to send to. */
  failed = 0
  timed = 0
  /** By class of times. */
  readonly #times = new Float64Array(TIME_METRICS.length)

  take({ upstreamLocalityStats, totalDroppedRequests }: ClusterStats): void {
    const dropped = countOf(totalDroppedRequests)
    this.requests += dropped
    this.failed += dropped
    for (const locality of upstreamLocalityStats) {
      const failed = countOf(locality.totalErrorRequests)
      this.requests += failed + countOf(locality.totalSuccessfulRequests)
      this.failed += failed
      for (const metric of locality.loadMetricStats) this.#takeTime(metric)
    }
  }

  add(other: ClusterLoad): void {
    this.requests += other.requests
    this.failed += other.failed
    this.timed += other.timed
    for (const [index, count] of other.#times.entries()) this.#times[index]! += count
  }

  /** Those that took longer than `boundMs`, one of the classes' bounds. */
  slowerThan(boundMs: number): number {
    let slower = 0
    for (const [index, count] of this.#times.entries())
      if ((BUCKET_BOUNDS[index] ?? Infinity) > boundMs) slower += count
    return slower
  }

  #takeTime({ metricName, numRequestsFinishedWithMetric }: EndpointLoadMetricStats): void {
    const index = TIME_METRICS.indexOf(metricName)
    if (index < 0) return
    const count = countOf(numRequestsFinishedWithMetric)
    this.#times[index]! += count
    this.timed += count
  }
}

function countOf(count: bigint): number {
  return Number(count < MAX_COUNT ? count : MAX_COUNT)
}
