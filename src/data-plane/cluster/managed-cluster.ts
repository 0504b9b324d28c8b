// A cluster in force: its config never changes; its endpoints do, and each change swaps the picker.
import type { Endpoint, Picker } from './cluster.ts'
import { ClusterEndpoint, endpointKey } from './cluster-endpoint.ts'
import { ConfiguredCluster } from './configured-cluster.ts'
import type { EndpointSpec } from './endpoint-spec.ts'
import { OutlierDetector, type OutlierDetectorHost } from './outlier/outlier-detector.ts'
import type { OutlierStats } from './outlier/outlier-stats.ts'
import { ProbationPicker } from './probation-picker.ts'

const NOBODY: Picker = { pick: () => null }

export class ManagedCluster extends ConfiguredCluster {
  readonly #byKey = new Map<string, ClusterEndpoint>()
  #picker: Picker = NOBODY
  #detector: OutlierDetector | null = null

  override get picker(): Picker {
    return this.#picker
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
    for (const spec of specs) {
      const endpoint = this.#endpointFor(spec)
      endpoint.weight = spec.weight
      endpoint.priority = spec.priority
      endpoint.healthy = spec.usable
      gone.delete(endpoint)
    }
    for (const endpoint of gone) {
      if (this.#byKey.get(endpoint.key) === endpoint) this.#byKey.delete(endpoint.key)
    }
    this.#detector?.setEndpoints([...this.#byKey.values()])
    this.#renewPicker()
    // After the swap: whoever drains an endpoint's connections must not be given it again.
    for (const endpoint of gone) this.announceRemoval(endpoint)
  }

  #endpointFor(spec: EndpointSpec): ClusterEndpoint {
    const key = endpointKey(spec.address, spec.port)
    const transport = this.config.transports.choose(spec.transportMatch)
    const known = this.#byKey.get(key)
    if (known !== undefined && known.transport === transport) return known
    const endpoint = new ClusterEndpoint(spec.address, spec.port, spec.weight, transport)
    this.#byKey.set(key, endpoint)
    return endpoint
  }

  #renewPicker(): void {
    const picker = this.#makePicker(true)
    const onProbation = [...this.#byKey.values()].some(({ ejection }) => ejection === 'half-open')
    this.#picker = onProbation ? new ProbationPicker(picker, this.#makePicker(false)) : picker
  }

  /**
   * The lowest priority that has a usable endpoint. When fewer than the panic threshold are usable, all are taken: a
   * health report that condemns most of a cluster is likelier wrong than right (Envoy, "Panic threshold"). Endpoints on
   * probation are usable, and left out where they are not wanted.
   */
  #makePicker(withProbation: boolean): Picker {
    const all = [...this.#byKey.values()]
    for (const priority of new Set(all.map(endpoint => endpoint.priority).sort((a, b) => a - b))) {
      const members = all.filter(endpoint => endpoint.priority === priority)
      const usable = members.filter(endpoint => endpoint.usable)
      const wanted = withProbation ? usable : usable.filter(({ ejection }) => ejection === 'closed')
      const panic = usable.length * 100 < this.config.panicThreshold * members.length
      if (panic && members.length === all.length) return this.config.loadBalancer.createPicker(members, this.random)
      if (wanted.length > 0) return this.config.loadBalancer.createPicker(wanted, this.random)
    }
    return NOBODY
  }
}
