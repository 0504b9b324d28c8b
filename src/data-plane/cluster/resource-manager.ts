// What a cluster has under way, by the priority of routes: what its circuit limits are held against (Envoy's ResourceManager).
// It outlives the versions of a cluster's config.
import type { ProcessLimits } from '../process-limits/process-limits.ts'
import type { Gauge } from '../stats/stats-scope.ts'
import type { ClusterStats, Resources } from './cluster.ts'

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

export class ResourceManager {
  readonly default: Resources
  readonly #limits: ProcessLimits
  readonly #name: string
  readonly #stats: ClusterStats
  #high: Resources | null = null

  constructor(limits: ProcessLimits, name: string, stats: ClusterStats) {
    this.#limits = limits
    this.#name = name
    this.#stats = stats
    this.default = this.#of('default')
  }

  /** Most clusters are used by no route of high priority. */
  get high(): Resources {
    this.#high ??= this.#of('high')
    return this.#high
  }

  #of(priority: 'default' | 'high'): Resources {
    const { upstreamCxActive, upstreamRqPendingActive, upstreamRqActive } = this.#stats
    const at = (kind: string, whole: Gauge) =>
      this.#limits.resource(`cluster ${this.#name} ${priority} ${kind}`, new PartGauge(whole))
    return {
      connections: at('connections', upstreamCxActive),
      pendingRequests: at('pending_requests', upstreamRqPendingActive),
      requests: at('requests', upstreamRqActive),
      retries: at('retries', { value: 0 }),
    }
  }
}
