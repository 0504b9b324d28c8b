// Outlier detection of one cluster: drives the breakers of its endpoints, counts, and says when the set to pick from has
// changed. Sweeps only while there is something to sweep.
import type { Clock, Timer } from '../../../base/clock.ts'
import type { Random } from '../../../base/random.ts'
import type { SuccessFigures } from '../cluster.ts'
import type { ClusterEndpoint } from '../cluster-endpoint.ts'
import { condemn, EVENT, isExcessive, type Step, type Surroundings, step } from './breaker.ts'
import type { EjectionCause } from './ejection-cause.ts'
import type { OutlierConfig } from './outlier-config.ts'
import { type MonitorOwner, OutlierMonitor } from './outlier-monitor.ts'
import type { OutlierStats } from './outlier-stats.ts'
import { compareSuccess, type Tally } from './success-rate.ts'

export interface OutlierDetectorHost {
  readonly clock: Clock
  readonly random: Random
}

const NO_FIGURES: SuccessFigures = { average: -1, ejectionThreshold: -1 }

export class OutlierDetector implements MonitorOwner {
  readonly #config: OutlierConfig
  readonly #stats: OutlierStats
  readonly #host: OutlierDetectorHost
  readonly #onChange: () => void
  #monitors: readonly OutlierMonitor[] = []
  #ejected = 0
  #halfOpen = 0
  #timer: Timer | null = null
  #sweeping = false
  #changed = false
  external = NO_FIGURES
  local = NO_FIGURES

  /** `onChange`: an endpoint has been ejected, or has come back. */
  constructor(config: OutlierConfig, stats: OutlierStats, host: OutlierDetectorHost, onChange: () => void) {
    this.#config = config
    this.#stats = stats
    this.#host = host
    this.#onChange = onChange
  }

  /** Whoever stays keeps what is known of it. */
  setEndpoints(endpoints: readonly ClusterEndpoint[]): void {
    const before = new Map(this.#monitors.map(monitor => [monitor.endpoint, monitor]))
    this.#monitors = endpoints.map(endpoint => before.get(endpoint) ?? new OutlierMonitor(endpoint, this.#config, this))
    for (const monitor of this.#monitors) {
      monitor.endpoint.monitor = monitor
      before.delete(monitor.endpoint)
    }
    for (const { endpoint } of before.values()) endpoint.monitor = null
    this.#recount()
    this.#pardon()
  }

  /** Its cluster is gone. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = null
    for (const { endpoint } of this.#monitors) endpoint.monitor = null
    this.#monitors = []
    this.#recount()
  }

  wake(): void {
    if (this.#timer !== null || this.#monitors.length === 0) return
    this.#timer = this.#host.clock.setTimer(this.#config.intervalMs, () => this.#sweep())
  }

  apply(monitor: OutlierMonitor, event: number): void {
    // One that has left, with requests still under way.
    if (monitor.endpoint.monitor !== monitor) return
    this.#take(monitor, step(this.#config, monitor.breaker, event, this.#surroundings(), this.#host.clock.now()))
  }

  /** What ejected it has had its answer: an active health check found it well (Envoy). */
  onCheckPassed(endpoint: ClusterEndpoint): void {
    if (!this.#config.readmitsChecked || endpoint.ejection !== 'open') return
    const monitor = this.#monitors.find(one => one.endpoint === endpoint)
    if (monitor !== undefined) this.apply(monitor, EVENT.pardoned)
  }

  #surroundings(): Surroundings {
    const { random } = this.#host
    return { hosts: this.#monitors.length, ejected: this.#ejected, chance: random.next(), jitter: random.next() }
  }

  #take(monitor: OutlierMonitor, { state, verdicts }: Step): void {
    const before = monitor.breaker
    for (const verdict of verdicts) this.#stats.count(verdict)
    if (state === before) return
    monitor.breaker = state
    if (state.phase === before.phase) return
    monitor.endpoint.ejection = state.phase
    this.#recount()
    this.wake()
    if (this.#sweeping) this.#changed = true
    else this.#onChange()
  }

  #recount(): void {
    let ejected = 0
    let halfOpen = 0
    for (const { breaker } of this.#monitors) {
      if (breaker.phase !== 'closed') ejected++
      if (breaker.phase === 'half-open') halfOpen++
    }
    // The version of the cluster before this one counts on the same gauges, until it stops.
    this.#stats.active.value += ejected - this.#ejected
    this.#stats.halfOpen.value += halfOpen - this.#halfOpen
    this.#ejected = ejected
    this.#halfOpen = halfOpen
  }

  /** The bound on what may be out holds when others leave, too: who has been out for longest comes back. */
  #pardon(): void {
    while (isExcessive(this.#config, this.#monitors.length, this.#ejected)) {
      const out = this.#monitors.filter(({ breaker }) => breaker.phase !== 'closed')
      const longest = out.reduce((first, other) => (other.breaker.since < first.breaker.since ? other : first))
      this.apply(longest, EVENT.pardoned)
    }
  }

  #sweep(): void {
    this.#timer = null
    this.#sweeping = true
    for (const monitor of this.#monitors) this.apply(monitor, EVENT.sweep)
    const tallies = this.#monitors.map(monitor => monitor.takeTallies())
    this.#compare(
      tallies.map(({ external }) => external),
      false,
    )
    if (this.#config.splitsLocalOrigin)
      this.#compare(
        tallies.map(({ local }) => local),
        true,
      )
    this.#sweeping = false
    if (this.#changed) this.#onChange()
    this.#changed = false
    const isBusy = tallies.some(({ external, local }) => external.total > 0 || local.total > 0)
    if (isBusy || this.#monitors.some(({ breaker }) => breaker.phase !== 'closed' || breaker.backoff > 0)) this.wake()
  }

  #compare(tallies: readonly Tally[], local: boolean): void {
    const monitors = this.#monitors
    const judged = tallies.map((tally, index) => (monitors[index]!.breaker.phase === 'closed' ? tally : null))
    const found = compareSuccess(this.#config, judged)
    if (local) this.local = found
    else this.external = found
    for (const [index, rate] of found.rates.entries()) {
      if (local) monitors[index]!.localSuccessRate = rate
      else monitors[index]!.successRate = rate
    }
    const { belowThreshold, aboveFailurePercentage } = found
    for (const index of belowThreshold)
      this.#condemn(monitors[index]!, local ? 'local_origin_success_rate' : 'success_rate')
    for (const index of aboveFailurePercentage)
      this.#condemn(monitors[index]!, local ? 'local_origin_failure_percentage' : 'failure_percentage')
  }

  #condemn(monitor: OutlierMonitor, cause: EjectionCause): void {
    const now = this.#host.clock.now()
    this.#take(monitor, condemn(this.#config, monitor.breaker, cause, this.#surroundings(), now))
  }
}
