// A cluster as routes of high priority see it (Envoy's RoutingPriority): the same endpoints, with limits, connections and
// queues of their own.
import type { Random } from '../../base/random.ts'
import type { Http2Settings } from '../../transport/http2/session-options.ts'
import type { Gauge } from '../stats/stats-scope.ts'
import type {
  AutoIdentity,
  CircuitLimits,
  Cluster,
  ClusterStats,
  Endpoint,
  Http1Options,
  Picker,
  RetryBudget,
  Thresholds,
  UpstreamProtocol,
} from './cluster.ts'
import type { RequestWindow } from './request-window.ts'

/** One priority's part of a gauge that counts all. */
class PartGauge implements Gauge {
  readonly #whole: Gauge
  #value = 0

  constructor(whole: Gauge) {
    this.#whole = whole
  }

  get value(): number {
    return this.#value
  }

  set value(value: number) {
    this.#whole.value += value - this.#value
    this.#value = value
  }
}

/** Counters are the cluster's; what limits are held against is the priority's. */
export function highPriorityStats(all: ClusterStats, requestWindow: RequestWindow | null): ClusterStats {
  return {
    ...all,
    upstreamRqActive: new PartGauge(all.upstreamRqActive),
    upstreamRqPendingActive: new PartGauge(all.upstreamRqPendingActive),
    upstreamCxActive: new PartGauge(all.upstreamCxActive),
    retriesActive: { value: 0 },
    requestWindow,
  }
}

/** Those of default priority, held against gauges that count the high one's, too. */
export class LimitsBesideHigh implements CircuitLimits {
  readonly retryBudget: RetryBudget | null
  readonly maxRetries: number
  readonly tracksRemaining: boolean
  readonly #own: CircuitLimits
  readonly #high: ClusterStats

  constructor(own: CircuitLimits, high: ClusterStats) {
    this.retryBudget = own.retryBudget
    this.maxRetries = own.maxRetries
    this.tracksRemaining = own.tracksRemaining
    this.#own = own
    this.#high = high
  }

  get maxConnections(): number {
    return this.#own.maxConnections + this.#high.upstreamCxActive.value
  }

  get maxPendingRequests(): number {
    return this.#own.maxPendingRequests + this.#high.upstreamRqPendingActive.value
  }

  get maxRequests(): number {
    return this.#own.maxRequests + this.#high.upstreamRqActive.value
  }
}

export class HighPriorityCluster implements Cluster {
  readonly limits: CircuitLimits
  readonly stats: ClusterStats
  readonly #cluster: Cluster

  constructor(cluster: Cluster, limits: CircuitLimits, stats: ClusterStats) {
    this.#cluster = cluster
    this.limits = limits
    this.stats = stats
  }

  get highPriority(): Cluster {
    return this
  }

  get thresholds(): Thresholds {
    return this.#cluster.thresholds
  }

  get name(): string {
    return this.#cluster.name
  }

  get connectTimeoutMs(): number {
    return this.#cluster.connectTimeoutMs
  }

  get idleTimeoutMs(): number {
    return this.#cluster.idleTimeoutMs
  }

  get maxRequestsPerConnection(): number {
    return this.#cluster.maxRequestsPerConnection
  }

  get maxConnectionDurationMs(): number {
    return this.#cluster.maxConnectionDurationMs
  }

  get httpProtocol(): UpstreamProtocol {
    return this.#cluster.httpProtocol
  }

  get http1(): Http1Options {
    return this.#cluster.http1
  }

  get bufferLimit(): number {
    return this.#cluster.bufferLimit
  }

  get autoIdentity(): AutoIdentity | null {
    return this.#cluster.autoIdentity
  }

  get http2(): Http2Settings {
    return this.#cluster.http2
  }

  get random(): Random {
    return this.#cluster.random
  }

  get picker(): Picker {
    return this.#cluster.picker
  }

  get endpoints(): readonly Endpoint[] {
    return this.#cluster.endpoints
  }

  get live(): boolean {
    return this.#cluster.live
  }

  pickerWithout(priorities: readonly number[]): Picker | null {
    return this.#cluster.pickerWithout(priorities)
  }

  onEndpointRemoved(callback: (endpoint: Endpoint) => void): void {
    this.#cluster.onEndpointRemoved(callback)
  }

  onEndpointFailed(callback: (endpoint: Endpoint) => void): void {
    this.#cluster.onEndpointFailed(callback)
  }
}
