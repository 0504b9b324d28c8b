// A cluster in force: its config never changes; its endpoints do, and each change swaps the picker.
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

export class ManagedCluster extends ConfiguredCluster {
  readonly #host: BalancerHost
  /** In the order in which they were last told of, which hash rings depend on. */
  #byKey = new Map<string, ClusterEndpoint>()
  #picker: Picker = NOBODY
  /** By the priorities that they leave out; made when a retry first asks. */
  #others = new Map<string, Picker | null>()
  #detector: OutlierDetector | null = null

  constructor(config: ClusterConfig, counts: ClusterCounts, host: BalancerHost) {
    super(config, counts, host.random)
    this.#host = host
  }

  override get picker(): Picker {
    return this.#picker
  }

  override pickerWithout(priorities: readonly number[]): Picker | null {
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
    this.#detector = new OutlierDetector(this.config.outlier, stats, host, () => this.#renewPicker())
  }

  override retire(): void {
    this.#detector?.stop()
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
      endpoint.degraded = spec.degraded
      if (spec.usable && !endpoint.healthy) endpoint.usableSince = this.#host.clock.now()
      endpoint.healthy = spec.usable
    }
    for (const endpoint of stay.values()) gone.delete(endpoint)
    this.#byKey = stay
    this.#detector?.setEndpoints([...stay.values()])
    this.#renewPicker()
    // After the swap: whoever drains an endpoint's connections must not be given it again.
    for (const endpoint of gone) this.announceRemoval(endpoint)
  }

  #endpointFor(spec: EndpointSpec, told: ReadonlyMap<string, ClusterEndpoint>): ClusterEndpoint {
    const key = endpointKey(spec.address, spec.port)
    const transport = this.config.transports.choose(spec.transportMatch)
    const known = told.get(key) ?? this.#byKey.get(key)
    if (known !== undefined && known.transport === transport) return known
    const endpoint = new ClusterEndpoint(spec.address, spec.port, spec.weight, transport)
    endpoint.usableSince = this.#host.clock.now()
    endpoint.tracker = this.config.loadBalancer.createTracker?.() ?? null
    return endpoint
  }

  #renewPicker(): void {
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
