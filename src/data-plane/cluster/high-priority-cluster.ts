// A cluster as routes of high priority see it (Envoy's RoutingPriority): the same endpoints, with limits, connections and
// queues of their own.
import type { Random } from '../../base/random.ts'
import type { Http2Settings } from '../../transport/http2/session-options.ts'
import type {
  AutoIdentity,
  CircuitLimits,
  Cluster,
  ClusterStats,
  Endpoint,
  Http1Options,
  Picker,
  Resources,
  Thresholds,
  UpstreamProtocol,
} from './cluster.ts'
import type { RequestWindow } from './request-window.ts'

/** Counters are the cluster's, except for what a retry budget goes by. */
export function highPriorityStats(all: ClusterStats, requestWindow: RequestWindow | null): ClusterStats {
  return { ...all, requestWindow }
}

export class HighPriorityCluster implements Cluster {
  readonly resources: Resources
  readonly stats: ClusterStats
  readonly #cluster: Cluster

  constructor(cluster: Cluster, resources: Resources, stats: ClusterStats) {
    this.#cluster = cluster
    this.resources = resources
    this.stats = stats
  }

  get limits(): CircuitLimits {
    return this.thresholds.high
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
