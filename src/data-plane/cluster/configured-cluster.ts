// What every cluster takes from its config as it stands, and whom it tells when an endpoint leaves.
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
  UpstreamProtocol,
} from './cluster.ts'
import type { ClusterConfig } from './cluster-config.ts'
import type { OutlierDetector } from './outlier/outlier-detector.ts'

export abstract class ConfiguredCluster implements Cluster {
  readonly config: ClusterConfig
  readonly stats: ClusterStats
  readonly random: Random
  live = true
  readonly #onRemoved: ((endpoint: Endpoint) => void)[] = []

  constructor(config: ClusterConfig, stats: ClusterStats, random: Random) {
    this.config = config
    this.stats = stats
    this.random = random
  }

  abstract get picker(): Picker

  abstract get endpoints(): readonly Endpoint[]

  /** Null: none is asked for. */
  get outliers(): OutlierDetector | null {
    return null
  }

  get name(): string {
    return this.config.name
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

  get limits(): CircuitLimits {
    return this.config.limits
  }

  onEndpointRemoved(callback: (endpoint: Endpoint) => void): void {
    this.#onRemoved.push(callback)
  }

  /** The cluster was replaced or removed: its connections drain, its streams finish. */
  retire(): void {
    this.live = false
    for (const endpoint of this.endpoints) this.announceRemoval(endpoint)
  }

  protected announceRemoval(endpoint: Endpoint): void {
    for (const callback of this.#onRemoved) callback(endpoint)
  }
}
