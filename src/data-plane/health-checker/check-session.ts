// The checks of one endpoint, one after the other: Envoy's ActiveHealthCheckSession.
import type { Clock, Timer } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { CheckMonitor } from '../cluster/cluster.ts'
import type { ClusterEndpoint } from '../cluster/cluster-endpoint.ts'
import { afterCheck, type CheckResult, type CheckState, isTakenOut, type Transition } from './check-state.ts'
import type { CheckTarget } from './check-target.ts'
import { GrpcProbe } from './grpc-probe.ts'
import { type HealthCheckConfig, MAX_TIMER_MS } from './health-check-config.ts'
import type { HealthCheckStats } from './health-check-stats.ts'
import { HttpProbe } from './http-probe.ts'
import type { Probe, ProbeOwner } from './probe.ts'
import { TcpProbe } from './tcp-probe.ts'

export interface CheckSessionOwner {
  readonly config: HealthCheckConfig
  readonly stats: HealthCheckStats
  readonly clock: Clock
  readonly random: Random
  /** The cluster has never had a connection. */
  readonly hasNoTraffic: boolean
  /** What is known of the endpoint has come from `before` to `endpoint.check`. */
  onChecked(endpoint: ClusterEndpoint, before: CheckState, transition: Transition, isWell: boolean): void
}

/** An answer that lies in the socket of a loop that was busy counts: there is one more look at it before the time-out. */
const LAST_LOOK_MS = 1

export class CheckSession implements ProbeOwner, CheckMonitor {
  readonly #endpoint: ClusterEndpoint
  readonly #owner: CheckSessionOwner
  readonly #probe: Probe
  #state: CheckState
  #timer: Timer | null = null
  #asking = false
  #ended = false

  constructor(endpoint: ClusterEndpoint, state: CheckState, target: CheckTarget, owner: CheckSessionOwner) {
    this.#endpoint = endpoint
    this.#state = state
    this.#owner = owner
    this.#probe = probeOf(owner.config, target, this)
  }

  /** Not before this turn of the event loop is over: a config that is only looked at is gone by then. */
  start(): void {
    const { clock, random, config } = this.#owner
    this.#timer = clock.setTimer(config.initialJitterMs * random.next(), () => this.#check())
  }

  end(): void {
    this.#ended = true
    this.#timer?.cancel()
    this.#probe.close()
  }

  onResult(result: CheckResult, excludes: boolean): void {
    if (!this.#asking) return
    this.#asking = false
    this.#timer?.cancel()
    const transition = this.#take(result, excludes)
    // Whoever is told may have ended the session.
    if (!this.#ended) this.#timer = this.#owner.clock.setTimer(this.#pause(result, transition), () => this.#check())
  }

  onClusterVerified(): void {
    this.#owner.stats.verifyCluster.value++
  }

  /** The checks go on as if nothing had been said. */
  onImmediateFailure(): void {
    if (this.#ended) return
    // Every response may say so.
    if (isTakenOut(this.#state)) this.#count('passive')
    else this.#take('passive', true)
  }

  #check(): void {
    const { stats, clock, config } = this.#owner
    stats.attempt.value++
    this.#asking = true
    this.#timer = clock.setTimer(config.timeoutMs, () => {
      this.#timer = clock.setTimer(LAST_LOOK_MS, () => this.#giveUp())
    })
    this.#probe.start()
  }

  #giveUp(): void {
    this.#probe.giveUp()
    this.onResult('timeout', false)
  }

  #take(result: CheckResult, excludes: boolean): Transition {
    const before = this.#state
    const { state, transition } = afterCheck(this.#owner.config, before, result, excludes)
    this.#state = state
    this.#endpoint.check = state
    this.#count(result)
    this.#owner.onChecked(this.#endpoint, before, transition, isWell(result))
    return transition
  }

  #count(result: CheckResult): void {
    const { stats } = this.#owner
    if (isWell(result)) stats.success.value++
    else stats.failure.value++
    if (result === 'passive') stats.passiveFailure.value++
    if (result === 'network' || result === 'timeout') stats.networkFailure.value++
  }

  #pause(result: CheckResult, transition: Transition): number {
    const { config, random, hasNoTraffic } = this.#owner
    const { usualMs, unhealthyMs, unhealthyEdgeMs, healthyEdgeMs, noTrafficMs, noTrafficHealthyMs } = config.intervals
    const isEdge = transition === 'pending'
    let pause = isWell(result) ? (isEdge ? healthyEdgeMs : usualMs) : isEdge ? unhealthyEdgeMs : unhealthyMs
    if (hasNoTraffic) pause = isWell(result) ? noTrafficHealthyMs : noTrafficMs
    const ofInterval = (pause * config.jitterPercent) / 100
    return Math.min(pause + ofInterval * random.next() + config.jitterMs * random.next(), MAX_TIMER_MS)
  }
}

function isWell(result: CheckResult): boolean {
  return result === 'healthy' || result === 'degraded'
}

function probeOf({ probe }: HealthCheckConfig, target: CheckTarget, owner: ProbeOwner): Probe {
  switch (probe.kind) {
    case 'http':
      return new HttpProbe(probe, target, owner)
    case 'tcp':
      return new TcpProbe(probe, target, owner)
    case 'grpc':
      return new GrpcProbe(probe, target, owner)
  }
}
