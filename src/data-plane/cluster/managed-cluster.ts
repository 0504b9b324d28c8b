// A cluster in force: its config never changes; its endpoints do, and each change swaps the picker.
import { unchecked } from '../health-checker/check-state.ts'
import type { HealthCheckStats } from '../health-checker/health-check-stats.ts'
import { type CheckedCluster, HealthChecker } from '../health-checker/health-checker.ts'
import type { BalancerHost } from '../load-balancers/contract/load-balancer.ts'
import type { Endpoint, Picker } from './cluster.ts'
import type { ClusterConfig } from './cluster-config.ts'
import { ClusterEndpoint, endpointKey } from './cluster-endpoint.ts'
import { createClusterPicker, createPickerWithout, NOBODY } from './cluster-picker.ts'
import { type ClusterCounts, ConfiguredCluster } from './configured-cluster.ts'
import type { EndpointSpec } from './endpoint-spec.ts'
import { OutlierDetector, type OutlierDetectorHost } from './outlier/outlier-detector.ts'
import type { OutlierStats } from './outlier/outlier-stats.ts'
import { ProbationPicker } from './probation-picker.ts'

type IsWanted = (endpoint: ClusterEndpoint) => boolean

/** Envoy's update_merge_window. */
const MERGE_WINDOW_MS = 1000

export class ManagedCluster extends ConfiguredCluster implements CheckedCluster {
  readonly #host: BalancerHost
  /** In the order in which they were last told of, which hash rings depend on. */
  #byKey = new Map<string, ClusterEndpoint>()
  #picker: Picker = NOBODY
  #renewedAt = Number.NEGATIVE_INFINITY
  /** From when on `#picker` does not hold any more: it is made anew when it is next asked for, if it ever is. */
  #staleAt = Number.POSITIVE_INFINITY
  /** By the priorities that they leave out; made when a retry first asks. */
  #others = new Map<string, Picker | null>()
  #detector: OutlierDetector | null = null
  #checker: HealthChecker | null = null
  #onAllChecked: () => void = () => {}
  /** All endpoints of a time have been checked, by this version of the cluster or by the one before. */
  #wasChecked = false
  /** Endpoints that are taken to be well until their first check says otherwise: see `checkHealth`. */
  #trusted: ReadonlySet<string> = new Set()

  constructor(config: ClusterConfig, counts: ClusterCounts, host: BalancerHost) {
    super(config, counts, host.random)
    this.#host = host
  }

  override get picker(): Picker {
    this.#refresh()
    return this.#picker
  }

  override pickerWithout(priorities: readonly number[]): Picker | null {
    this.#refresh()
    const key = priorities.join()
    let picker = this.#others.get(key)
    if (picker === undefined) {
      picker = this.#withProbation(isWanted =>
        createPickerWithout(priorities, [...this.#byKey.values()], this.config, this.#host, isWanted),
      )
      this.#others.set(key, picker)
    }
    return picker
  }

  override get endpoints(): readonly Endpoint[] {
    return [...this.#byKey.values()]
  }

  override get outliers(): OutlierDetector | null {
    return this.#detector
  }

  /** Before it has endpoints. */
  detectOutliers(stats: OutlierStats, host: OutlierDetectorHost): void {
    if (this.config.outlier === null) return
    this.#detector = new OutlierDetector(this.config.outlier, stats, host, () => this.#expire(0))
  }

  /**
   * Before it has endpoints, too. Those that were well to the version of the cluster before this one are taken to be well:
   * Envoy keeps that version in force until all are checked, here no request waits for it.
   */
  checkHealth(stats: HealthCheckStats, before: ManagedCluster | null, onAllChecked: () => void): void {
    if (this.config.healthCheck === null) return
    this.#checker = new HealthChecker(this.config.healthCheck, stats, this, this.#host)
    this.#onAllChecked = onAllChecked
    this.#wasChecked = before !== null
    const well = before?.endpoints.filter(({ check }) => check?.failed !== true) ?? []
    this.#trusted = new Set(well.map(({ key }) => key))
  }

  /** Its first endpoints do not wait for their first check any more. */
  get isChecked(): boolean {
    return this.#checker === null || this.#wasChecked || this.#checker.isThrough
  }

  override retire(): void {
    this.#detector?.stop()
    this.#checker?.stop()
    this.stats.traffic?.release()
    super.retire()
  }

  /** Takes the set of endpoints that holds from now on. */
  setEndpoints(specs: readonly EndpointSpec[]): void {
    const gone = new Set(this.#byKey.values())
    const stay = new Map<string, ClusterEndpoint>()
    for (const spec of specs) {
      const endpoint = this.#endpointFor(spec, stay)
      stay.set(endpoint.key, endpoint)
      endpoint.weight = spec.weight
      endpoint.hostname = spec.hostname
      endpoint.priority = spec.priority
      endpoint.locality = spec.locality
      endpoint.localityWeight = spec.localityWeight
      endpoint.hashKey = spec.hashKey ?? endpoint.key
      endpoint.announcedDegraded = spec.degraded
      endpoint.announcedDraining = spec.draining
      endpoint.leaving = false
      if (spec.usable && !endpoint.healthy) endpoint.usableSince = this.#host.clock.now()
      endpoint.healthy = spec.usable
    }
    for (const endpoint of stay.values()) gone.delete(endpoint)
    for (const endpoint of gone) {
      if (stay.has(endpoint.key) || !this.#outlivesDiscovery(endpoint)) continue
      endpoint.leaving = true
      stay.set(endpoint.key, endpoint)
      gone.delete(endpoint)
    }
    if (stay.size > 0) this.#trusted = new Set()
    this.#take(stay, gone)
    this.#refresh()
  }

  /** A ring or a table is dear: those who come back are gathered, as Envoy gathers all changes. */
  onHealthChanged(isWorse: boolean): void {
    const waits = !isWorse && this.config.loadBalancer.hashes
    this.#expire(waits ? this.#renewedAt + MERGE_WINDOW_MS : 0)
  }

  onCheckPassed(endpoint: ClusterEndpoint): void {
    this.#detector?.onCheckPassed(endpoint)
  }

  onCheckFailed(endpoint: ClusterEndpoint): void {
    if (endpoint.leaving) {
      const stay = new Map(this.#byKey)
      stay.delete(endpoint.key)
      this.#take(stay, new Set([endpoint]))
    } else this.announceFailure(endpoint)
    for (const dependent of endpoint.dependents ?? []) dependent.onEndpointFailed()
  }

  onAllChecked(): void {
    this.#wasChecked = true
    this.#expire(0)
    this.#onAllChecked()
  }

  #take(stay: Map<string, ClusterEndpoint>, gone: ReadonlySet<ClusterEndpoint>): void {
    this.#byKey = stay
    this.#detector?.setEndpoints([...stay.values()])
    this.#checker?.setEndpoints([...stay.values()])
    this.#expire(0)
    // After the swap: whoever drains an endpoint's connections must not be given it again.
    for (const endpoint of gone) this.announceRemoval(endpoint)
  }

  /** What its checks say of it counts for more than what service discovery does not say (Envoy). */
  #outlivesDiscovery({ healthy, check }: ClusterEndpoint): boolean {
    return this.config.healthCheck?.ignoresOnRemoval === false && healthy && check !== null && !check.failed
  }

  #endpointFor(spec: EndpointSpec, told: ReadonlyMap<string, ClusterEndpoint>): ClusterEndpoint {
    const key = endpointKey(spec.address, spec.port)
    const transport = this.config.transports.choose(spec.transportMatch)
    const known = told.get(key) ?? this.#byKey.get(key)
    if (known !== undefined && known.transport === transport && isCheckedAlike(known, spec)) return known
    const endpoint = new ClusterEndpoint(spec.address, spec.port, spec.weight, transport)
    endpoint.usableSince = this.#host.clock.now()
    endpoint.tracker = this.config.loadBalancer.createTracker?.() ?? null
    endpoint.transportMatch = spec.transportMatch
    endpoint.checkOptions = spec.checkOptions
    const { healthCheck } = this.config
    if (healthCheck === null || spec.checkOptions.isOff) return endpoint
    endpoint.check = unchecked(!this.#trusted.has(key), healthCheck.ignoresNew)
    if (healthCheck.closesConnections) endpoint.dependents = new Set()
    return endpoint
  }

  #expire(at: number): void {
    this.#staleAt = Math.min(this.#staleAt, at)
  }

  #refresh(): void {
    if (this.#staleAt === Number.POSITIVE_INFINITY) return
    const now = this.#host.clock.now()
    if (now < this.#staleAt) return
    this.#staleAt = Number.POSITIVE_INFINITY
    this.#renewedAt = now
    this.#others.clear()
    const endpoints = [...this.#byKey.values()]
    const make = (isWanted: IsWanted): Picker => createClusterPicker(endpoints, this.config, this.#host, isWanted)
    this.#picker = this.#withProbation(make) ?? NOBODY
  }

  /** Endpoints on probation are usable, and left out where they are not wanted. */
  #withProbation(make: (isWanted: IsWanted) => Picker | null): Picker | null {
    const picker = make(() => true)
    const onProbation = [...this.#byKey.values()].some(({ ejection }) => ejection === 'half-open')
    const trusted = picker !== null && onProbation ? make(({ ejection }) => ejection === 'closed') : null
    return picker !== null && trusted !== null ? new ProbationPicker(picker, trusted) : picker
  }
}

function isCheckedAlike({ checkOptions }: ClusterEndpoint, { checkOptions: now }: EndpointSpec): boolean {
  const { address, port, hostname, isOff } = checkOptions
  return address === now.address && port === now.port && hostname === now.hostname && isOff === now.isOff
}
