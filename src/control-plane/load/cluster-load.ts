// What proxies have counted of a cluster, out of their load reports (Envoy's LRS).
import { BUCKET_BOUNDS } from '../../base/histogram-buckets.ts'
import type {
  ClusterStats,
  EndpointLoadMetricStats,
} from '../../xds/generated/envoy/config/endpoint/v3/load_report_pb.ts'
import { TIME_METRICS } from '../../xds/load-metric.ts'
import type { GivenUp } from './given-up.ts'

/** More than any proxy can have counted in an interval: sums of such stay exact. */
const MAX_COUNT = 1_000_000_000n

export class ClusterLoad {
  requests = 0
  /** A 5xx or its gRPC counterpart, a reset, no answer in time, or nobody to send to. */
  failed = 0
  /** Beside these: whoever asked left before it was known how they would end. */
  givenUp = 0
  timed = 0
  /** By class of times. */
  readonly #times = new Float64Array(TIME_METRICS.length)

  /** `givenUp`: of the reporter and the cluster. */
  take({ upstreamLocalityStats, totalDroppedRequests }: ClusterStats, givenUp: GivenUp): void {
    const dropped = countOf(totalDroppedRequests)
    this.requests += dropped
    this.failed += dropped
    let issued = 0
    let finished = 0
    let active = 0
    for (const locality of upstreamLocalityStats) {
      const failed = countOf(locality.totalErrorRequests)
      const ended = failed + countOf(locality.totalSuccessfulRequests)
      this.requests += ended
      this.failed += failed
      issued += countOf(locality.totalIssuedRequests)
      finished += ended
      active += countOf(locality.totalRequestsInProgress)
      for (const metric of locality.loadMetricStats) this.#takeTime(metric)
    }
    this.givenUp += givenUp.take(issued, finished, active)
  }

  /** `scale`: the share of it that counts. */
  add(other: ClusterLoad, scale = 1): void {
    this.requests += Math.round(other.requests * scale)
    this.failed += Math.round(other.failed * scale)
    this.givenUp += Math.round(other.givenUp * scale)
    for (const [index, count] of other.#times.entries()) {
      const part = Math.round(count * scale)
      this.#times[index]! += part
      this.timed += part
    }
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
