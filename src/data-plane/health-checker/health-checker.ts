// Active health checks of one cluster: keeps a session for each endpoint, counts, and says what has changed.
import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { TimerWheel } from '../../base/timer-wheel.ts'
import { ClusterEndpoint } from '../cluster/cluster-endpoint.ts'
import { createClusterStats } from '../cluster/cluster-stats.ts'
import type { ConnectionSettings } from '../pool/connection-settings.ts'
import { createStats } from '../stats/stats-store.ts'
import { CheckSession, type CheckSessionOwner } from './check-session.ts'
import type { CheckState, Transition } from './check-state.ts'
import type { CheckTarget } from './check-target.ts'
import type { HealthCheckConfig } from './health-check-config.ts'
import type { HealthCheckStats } from './health-check-stats.ts'

export interface CheckedCluster extends ConnectionSettings {
  readonly name: string
  /** What is picked from has changed. `isWorse`: one that was well is not, or less so. */
  onHealthChanged(isWorse: boolean): void
  /** It was well until now. */
  onCheckFailed(endpoint: ClusterEndpoint): void
  onCheckPassed(endpoint: ClusterEndpoint): void
  /** Every endpoint has been checked once. */
  onAllChecked(): void
}

export interface HealthCheckerHost {
  readonly clock: Clock
  readonly random: Random
}

/** Connections of checks are none of the cluster's (Envoy). */
const UNCOUNTED = createClusterStats(createStats().root)

export class HealthChecker implements CheckSessionOwner {
  readonly config: HealthCheckConfig
  readonly stats: HealthCheckStats
  readonly clock: Clock
  readonly random: Random
  readonly #cluster: CheckedCluster
  readonly #sessions = new Map<ClusterEndpoint, CheckSession>()
  /** Sessions that have not heard of their endpoint yet. */
  #unheard = 0
  #wasThrough = true

  constructor(config: HealthCheckConfig, stats: HealthCheckStats, cluster: CheckedCluster, host: HealthCheckerHost) {
    this.config = config
    this.stats = stats
    this.#cluster = cluster
    this.clock = host.clock
    this.random = host.random
  }

  get hasNoTraffic(): boolean {
    const { upstreamCxTotal, traffic } = this.#cluster.stats
    return upstreamCxTotal.value === 0 && traffic?.hasBegun !== true
  }

  /** No endpoint is still to be checked for the first time. */
  get isThrough(): boolean {
    return this.#unheard === 0
  }

  /** Whoever stays keeps its session. */
  setEndpoints(endpoints: readonly ClusterEndpoint[]): void {
    const gone = new Set(this.#sessions.keys())
    for (const endpoint of endpoints) {
      gone.delete(endpoint)
      const { check } = endpoint
      if (check === null || this.#sessions.has(endpoint)) continue
      const session = new CheckSession(endpoint, check, this.#targetOf(endpoint), this)
      endpoint.checkMonitor = session
      this.#sessions.set(endpoint, session)
      this.#count(check, 1)
      session.start()
    }
    for (const endpoint of gone) this.#end(endpoint)
    this.#tellWhenThrough()
  }

  /** The cluster is gone. */
  stop(): void {
    for (const endpoint of [...this.#sessions.keys()]) this.#end(endpoint)
    this.#tellWhenThrough()
  }

  onChecked(endpoint: ClusterEndpoint, before: CheckState, transition: Transition, isWell: boolean): void {
    const state = endpoint.check!
    if (before.failed && !state.failed) endpoint.usableSince = this.clock.now()
    this.#count(before, -1)
    this.#count(state, 1)
    if (isWell && !state.failed) this.#cluster.onCheckPassed(endpoint)
    if (transition === 'changed') this.#cluster.onHealthChanged(!before.failed && (state.failed || state.degraded))
    // After the change: whoever closes its connections must not be given it again.
    if (state.failed && !before.failed) this.#cluster.onCheckFailed(endpoint)
    this.#tellWhenThrough()
  }

  #end(endpoint: ClusterEndpoint): void {
    const session = this.#sessions.get(endpoint)
    if (session === undefined) return
    session.end()
    this.#sessions.delete(endpoint)
    endpoint.checkMonitor = null
    this.#count(endpoint.check!, -1)
  }

  #tellWhenThrough(): void {
    const { isThrough } = this
    if (isThrough && !this.#wasThrough) this.#cluster.onAllChecked()
    this.#wasThrough = isThrough
  }

  /** By differences: a result must not cost a look at all endpoints, and the version before this one is in the gauges, too. */
  #count({ failed, degraded, isFirst }: CheckState, by: 1 | -1): void {
    if (!failed) this.stats.healthy.value += by
    if (degraded) this.stats.degraded.value += by
    if (isFirst) this.#unheard += by
  }

  #targetOf({ address, port, checkOptions, transportMatch }: ClusterEndpoint): CheckTarget {
    const { bufferLimit, http1, http2, random, name } = this.#cluster
    const transport = this.config.transports.choose(this.config.transportMatch ?? transportMatch)
    const to = [checkOptions.address || address, checkOptions.port || port] as const
    return {
      endpoint: new ClusterEndpoint(...to, 1, transport),
      settings: { stats: UNCOUNTED, bufferLimit, http1, http2, maxRequestsPerConnection: 0, random },
      wheel: TimerWheel.of(this.clock),
      clusterName: name,
      authority: checkOptions.hostname,
      reusesConnection: this.config.reusesConnection,
    }
  }
}
