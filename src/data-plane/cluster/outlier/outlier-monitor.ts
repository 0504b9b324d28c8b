// What one endpoint's requests come to: Envoy's DetectorHostMonitor. Called once or twice per request.
import type { ResponseCriterion } from '../../route/response-criterion.ts'
import type { EndpointMonitor } from '../cluster.ts'
import type { ClusterEndpoint } from '../cluster-endpoint.ts'
import { admits, type BreakerState, CLOSED, EVENT, isFailure } from './breaker.ts'
import type { OutlierConfig } from './outlier-config.ts'
import type { Tally } from './success-rate.ts'

/** The detector, which knows the others. */
export interface MonitorOwner {
  /** Takes the breaker of this endpoint one step on. */
  apply(monitor: OutlierMonitor, event: number): void
  /** There is something to look at when the interval is over. */
  wake(): void
}

export class OutlierMonitor implements EndpointMonitor {
  readonly endpoint: ClusterEndpoint
  breaker: BreakerState = CLOSED
  /** Of the interval under way. */
  total = 0
  succeeded = 0
  localTotal = 0
  localSucceeded = 0
  /** Of the last one, in percent; -1: unknown. */
  successRate = -1
  localSuccessRate = -1
  readonly #config: OutlierConfig
  readonly #owner: MonitorOwner

  constructor(endpoint: ClusterEndpoint, config: OutlierConfig, owner: MonitorOwner) {
    this.endpoint = endpoint
    this.#config = config
    this.#owner = owner
  }

  get errors(): ResponseCriterion | null {
    return this.#config.errors
  }

  get admits(): boolean {
    return admits(this.#config, this.breaker)
  }

  begin(): boolean {
    if (this.breaker.phase !== 'half-open') return false
    this.#owner.apply(this, EVENT.probeStarted)
    return true
  }

  connected(): void {
    if (!this.#config.splitsLocalOrigin) return
    this.localTotal++
    this.localSucceeded++
    this.#owner.wake()
    if (this.breaker.localFailures > 0) this.#owner.apply(this, EVENT.connected)
  }

  connectedForGood(probe: boolean): void {
    if (!this.#config.splitsLocalOrigin) {
      this.answered(200, probe)
      return
    }
    this.connected()
    if (probe) this.#owner.apply(this, EVENT.probeServed)
  }

  answered(status: number, probe: boolean): void {
    this.total++
    if (status < 500) this.succeeded++
    this.#owner.wake()
    // Nothing moves while all goes well.
    const { serverErrors, gatewayErrors } = this.breaker
    if (status >= 500 || serverErrors > 0 || gatewayErrors > 0) this.#owner.apply(this, status)
    if (probe) this.#owner.apply(this, isFailure(this.#config, status) ? EVENT.probeFailed : EVENT.probeServed)
  }

  failed(timedOut: boolean, probe: boolean): void {
    // Envoy's resultToHttpCode: what went wrong on this side counts like the answer that the client gets.
    if (!this.#config.splitsLocalOrigin) {
      this.answered(timedOut ? 504 : 503, probe)
      return
    }
    this.localTotal++
    this.#owner.wake()
    this.#owner.apply(this, EVENT.localFailure)
    if (probe) this.#owner.apply(this, EVENT.probeFailed)
  }

  abandoned(probe: boolean): void {
    if (probe) this.#owner.apply(this, EVENT.probeAbandoned)
  }

  /** The interval is over: what it came to, and a new one begins. */
  takeTallies(): { readonly external: Tally; readonly local: Tally } {
    const tallies = {
      external: { total: this.total, succeeded: this.succeeded },
      local: { total: this.localTotal, succeeded: this.localSucceeded },
    }
    this.total = 0
    this.succeeded = 0
    this.localTotal = 0
    this.localSucceeded = 0
    this.successRate = -1
    this.localSuccessRate = -1
    return tallies
  }
}
