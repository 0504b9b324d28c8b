// The Rollouts of the config, at work: what they make of weights, out of what proxies report.
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { ConfigObject } from '../../model/config-object.ts'
import { outboundCluster } from '../../translate/emit/resource-names.ts'
import { selects } from '../../translate/link/label-selector.ts'
import type { LinkedMesh } from '../../translate/link/linked-mesh.ts'
import type { MeshEndpoint } from '../../translate/link/mesh-service.ts'
import { objectsOf } from '../../translate/link/precedence.ts'
import type { LinkedRollout } from '../../translate/link/rollouts.ts'
import type { ClusterLoad } from '../load/cluster-load.ts'
import type { LoadReports, MayReport } from '../load/load-reports.ts'
import type { Metrics } from '../status/metrics.ts'
import { believed, maySpeakOf, share, tallyOf } from './believed-reports.ts'
import type { Observation } from './rollout-policy.ts'
import { keyOf, RolloutRun, type Seen } from './rollout-run.ts'
import type { RolloutStore } from './rollout-store.ts'

export interface RolloutParts {
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly store: RolloutStore
  readonly loads: LoadReports
}

/** What the rest of the control plane is to a rollout at work. */
export interface RolloutSurroundings {
  readonly mesh: () => LinkedMesh
  /** Weights have changed. */
  readonly onChange: () => void
}

/** Of both subsets, in the last interval. */
export interface LastSeen {
  readonly stable: ClusterLoad
  readonly canary: ClusterLoad
}

/** Reports come twice in each interval, so that none goes without. */
const REPORTS_PER_INTERVAL = 2

export class Rollouts {
  readonly #parts: RolloutParts
  readonly #runs = new Map<string, RolloutRun>()
  readonly #lastSeen = new WeakMap<RolloutRun, LastSeen>()
  #surroundings: RolloutSurroundings | null = null
  /** What the index below is of. */
  #linkedOf: LinkedMesh['rollouts'] | undefined
  #linkedByName: ReadonlyMap<string, LinkedRollout> = new Map()

  constructor(parts: RolloutParts) {
    this.#parts = parts
    parts.metrics.gauge(
      'weft_rollout_canary_weight',
      'Percent of the requests that the canary of a Rollout gets.',
      () => this.all().map(({ key: { namespace, name }, weight }) => [{ namespace, name }, weight] as const),
    )
  }

  /** By namespace and name. */
  all(): readonly RolloutRun[] {
    return [...this.#runs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, run]) => run)
  }

  lastSeen(run: RolloutRun): LastSeen | null {
    return this.#lastSeen.get(run) ?? null
  }

  /** Percent, by `namespace/name`. */
  get weights(): ReadonlyMap<string, number> {
    return new Map([...this.#runs].map(([id, run]) => [id, run.weight]))
  }

  /** Config as it is from now on. */
  take(objects: readonly ConfigObject[]): void {
    const { store } = this.#parts
    const gone = new Set(this.#runs.keys())
    const specified = objectsOf(objects, 'Rollout')
    store.keepOnly(specified.map(keyOf))
    for (const object of specified) {
      const id = `${object.namespace}/${object.name}`
      gone.delete(id)
      const known = this.#runs.get(id)
      const key = keyOf(object)
      if (known?.key.run === key.run) {
        known.object = object
        continue
      }
      known?.stop()
      const run = new RolloutRun(object, store.load(key), {
        clock: this.#parts.clock,
        observe: one => this.#observe(one),
        onProgress: (one, moved) => this.#onProgress(one, moved),
      })
      this.#runs.set(id, run)
      if (this.#surroundings) run.start()
    }
    for (const id of gone) {
      this.#runs.get(id)?.stop()
      this.#runs.delete(id)
    }
    this.#watch()
  }

  /** From now on there is a mesh to look at. */
  start(surroundings: RolloutSurroundings): void {
    this.#surroundings = surroundings
    for (const run of this.#runs.values()) run.start()
    this.#watch()
  }

  close(): void {
    for (const run of this.#runs.values()) run.stop()
  }

  #observe(run: RolloutRun): Seen {
    // Clusters may have come and gone with the ports of the service.
    this.#watch()
    const linked = this.#linked(run)
    const { stable, canary, thresholds } = run.object.spec
    const seen = believed(this.#drain(linked, canary), thresholds)
    const { whole: stableLoad } = believed(this.#drain(linked, stable), thresholds)
    this.#lastSeen.set(run, { stable: stableLoad, canary: seen.whole })
    const { requests, givenUp } = stableLoad
    const stableGivenUp = 100 * share(givenUp, requests + givenUp)
    return { ...tallyOf(seen, thresholds), stableGivenUp, ...this.#readiness(run, linked) }
  }

  #onProgress(run: RolloutRun, moved: boolean): void {
    const { log, store } = this.#parts
    if (!moved && run.state.phase === 'waiting') return
    store.save(run.key, run.progress)
    if (!moved) return
    const { namespace, name } = run.key
    const { phase, reason } = run.state
    log[phase === 'rolled-back' ? 'warn' : 'info']('rollout moved', {
      rollout: `${namespace}/${name}`,
      phase,
      canaryWeight: run.weight,
      why: reason,
    })
    this.#watch()
    this.#surroundings?.onChange()
  }

  /** Null: the mesh knows no such service, or an older Rollout decides about it. */
  #linked({ key: { namespace, name } }: RolloutRun): LinkedRollout | null {
    const rollouts = this.#surroundings?.mesh().rollouts
    if (rollouts !== this.#linkedOf) {
      this.#linkedOf = rollouts
      const named = [...(rollouts?.values() ?? [])].map(
        one => [`${one.object.namespace}/${one.object.name}`, one] as const,
      )
      this.#linkedByName = new Map(named)
    }
    return this.#linkedByName.get(`${namespace}/${name}`) ?? null
  }

  #watch(): void {
    if (this.#surroundings === null) return
    const clusters = new Map<string, MayReport>()
    let intervalMs = Number.POSITIVE_INFINITY
    for (const run of this.all()) {
      const linked = run.state.phase === 'progressing' ? this.#linked(run) : null
      if (linked === null) continue
      const { stable, canary } = run.object.spec
      const { service } = linked
      const mayReport: MayReport = (reporter, workload) => maySpeakOf(service, reporter, workload)
      for (const subset of [stable, canary])
        for (const cluster of clustersOf(linked, subset)) clusters.set(cluster, mayReport)
      intervalMs = Math.min(intervalMs, Math.floor(run.object.spec.intervalMs / REPORTS_PER_INTERVAL))
    }
    this.#parts.loads.watch(clusters, intervalMs)
  }

  /** By identity, of all ports together. */
  #drain(linked: LinkedRollout | null, subset: string): readonly ClusterLoad[] {
    const byIdentity = new Map<string, ClusterLoad>()
    for (const cluster of linked ? clustersOf(linked, subset) : [])
      for (const [identity, load] of this.#parts.loads.drain(cluster)) {
        const known = byIdentity.get(identity)
        if (known) known.add(load)
        else byIdentity.set(identity, load)
      }
    return [...byIdentity.values()]
  }

  #readiness({ object }: RolloutRun, linked: LinkedRollout | null): Pick<Observation, 'undecided' | 'obstacle'> {
    const { host, canary } = object.spec
    if (linked === null)
      return { undecided: `the host "${host}" is not known, or not for this Rollout to decide about`, obstacle: null }
    const { service } = linked
    const rule = this.#surroundings?.mesh().destinationRules.of(service, object.namespace, {})
    const labels = rule?.subsets.find(subset => subset.name === canary)?.labels
    const because = (obstacle: string | null) => ({ undecided: null, obstacle })
    if (labels === undefined) return because(`no DestinationRule defines the subset "${canary}"`)
    const isReady = (endpoint: MeshEndpoint): boolean => endpoint.healthy && selects(labels, endpoint.labels)
    if (service.ports.some(port => service.endpoints(port).some(isReady))) return because(null)
    return because(`no endpoint of the subset "${canary}" is ready`)
  }
}

function clustersOf({ service }: LinkedRollout, subset: string): readonly string[] {
  return service.ports.map(({ number }) => outboundCluster(number, subset, service.host))
}
