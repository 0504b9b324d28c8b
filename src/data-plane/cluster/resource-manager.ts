// What a cluster has under way, by the priority of routes: what its circuit limits are held against (Envoy's ResourceManager).
// It outlives the versions of a cluster's config.
import type { ProcessLimits } from '../process-limits/process-limits.ts'
import type { Gauge } from '../stats/stats-scope.ts'
import type { ClusterStats, Resources } from './cluster.ts'

/** One priority's part of a gauge that counts all. */
class PartGauge implements Gauge {
  readonly #whole: Gauge
  readonly #manager: ResourceManager
  #value = 0

  constructor(whole: Gauge, manager: ResourceManager) {
    this.#whole = whole
    this.#manager = manager
  }

  get value(): number {
    return this.#value
  }

  set value(value: number) {
    this.#whole.value += value - this.#value
    this.#value = value
    if (value === 0) this.#manager.settle()
  }
}

export class ResourceManager {
  readonly default: Resources
  readonly #limits: ProcessLimits
  readonly #name: string
  readonly #stats: ClusterStats
  readonly #parts: PartGauge[] = []
  #high: Resources | null = null
  #onIdle: (() => void) | null = null

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

  /** Calls back, once, when nothing is under way in this event loop: maybe at once. */
  whenIdle(callback: () => void): void {
    this.#onIdle = callback
    this.settle()
  }

  /** Something has come to its end. */
  settle(): void {
    if (this.#onIdle === null || this.#parts.some(({ value }) => value > 0)) return
    const callback = this.#onIdle
    this.#onIdle = null
    callback()
  }

  #of(priority: 'default' | 'high'): Resources {
    const { upstreamCxActive, upstreamRqPendingActive, upstreamRqActive } = this.#stats
    const at = (kind: string, whole: Gauge) => {
      const part = new PartGauge(whole, this)
      this.#parts.push(part)
      return this.#limits.resource(`cluster ${this.#name} ${priority} ${kind}`, part)
    }
    return {
      connections: at('connections', upstreamCxActive),
      pendingRequests: at('pending_requests', upstreamRqPendingActive),
      requests: at('requests', upstreamRqActive),
      retries: at('retries', { value: 0 }),
    }
  }
}
