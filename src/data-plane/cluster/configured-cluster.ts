// What every cluster takes from its config as it stands, and whom it tells when an endpoint leaves.
import type { Random } from '../../base/random.ts'
import type { Http2Settings } from '../../transport/http2/session-options.ts'
import type { MetadataSource } from '../stream-metadata.ts'
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
import type { ClusterConfig } from './cluster-config.ts'
import type { HighPriorityCluster } from './high-priority-cluster.ts'
import type { OutlierDetector } from './outlier/outlier-detector.ts'

type MakeHighPriority = (cluster: Cluster) => HighPriorityCluster

export interface ClusterCounts {
  readonly stats: ClusterStats
  readonly resources: Resources
  readonly makeHighPriority: MakeHighPriority
}

export abstract class ConfiguredCluster implements Cluster {
  readonly config: ClusterConfig
  readonly stats: ClusterStats
  readonly random: Random
  readonly resources: Resources
  live = true
  readonly #makeHigh: MakeHighPriority
  #high: HighPriorityCluster | null = null
  readonly #onRemoved: ((endpoint: Endpoint) => void)[] = []
  readonly #onFailed: ((endpoint: Endpoint) => void)[] = []

  constructor(config: ClusterConfig, counts: ClusterCounts, random: Random) {
    this.config = config
    this.stats = counts.stats
    this.resources = counts.resources
    this.#makeHigh = counts.makeHighPriority
    this.random = random
  }

  get limits(): CircuitLimits {
    return this.config.thresholds.default
  }

  get thresholds(): Thresholds {
    return this.config.thresholds
  }

  /** Made when a route of high priority first comes here: most clusters see none. */
  get highPriority(): Cluster {
    this.#high ??= this.#makeHigh(this)
    return this.#high
  }

  abstract get picker(): Picker

  /** One priority is all there is. */
  pickerWithout(_priorities: readonly number[]): Picker | null {
    return null
  }

  abstract get endpoints(): readonly Endpoint[]

  /** Null: none is asked for. */
  get outliers(): OutlierDetector | null {
    return null
  }

  get name(): string {
    return this.config.name
  }

  get statName(): string {
    return this.config.statName
  }

  get metadata(): MetadataSource | null {
    return this.config.metadata
  }

  get connectTimeoutMs(): number {
    return this.config.connectTimeoutMs
  }

  get bufferLimit(): number {
    return this.config.bufferLimit
  }

  get idleTimeoutMs(): number {
    return this.config.idleTimeoutMs
  }

  get maxRequestsPerConnection(): number {
    return this.config.maxRequestsPerConnection
  }

  get maxConnectionDurationMs(): number {
    return this.config.maxConnectionDurationMs
  }

  get httpProtocol(): UpstreamProtocol {
    return this.config.httpProtocol
  }

  get http1(): Http1Options {
    return this.config.http1
  }

  get http2(): Http2Settings {
    return this.config.http2
  }

  get autoIdentity(): AutoIdentity | null {
    return this.config.autoIdentity
  }

  onEndpointRemoved(callback: (endpoint: Endpoint) => void): void {
    this.#onRemoved.push(callback)
  }

  onEndpointFailed(callback: (endpoint: Endpoint) => void): void {
    this.#onFailed.push(callback)
  }

  /** The cluster was replaced or removed: its connections drain, its streams finish. */
  retire(): void {
    this.live = false
    for (const endpoint of this.endpoints) this.announceRemoval(endpoint)
  }

  protected announceRemoval(endpoint: Endpoint): void {
    for (const callback of this.#onRemoved) callback(endpoint)
  }

  protected announceFailure(endpoint: Endpoint): void {
    for (const callback of this.#onFailed) callback(endpoint)
  }
}
