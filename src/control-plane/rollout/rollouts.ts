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
import { ClusterLoad } from '../load/cluster-load.ts'
import type { LoadReports } from '../load/load-reports.ts'
import type { Metrics } from '../status/metrics.ts'
import type { Observation } from './rollout-policy.ts'
import { keyOf, RolloutRun } from './rollout-run.ts'
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

  #observe(run: RolloutRun): Omit<Observation, 'elapsedMs'> {
    // Clusters may have come and gone with the ports of the service.
    this.#watch()
    const linked = this.#linked(run)
    const { stable, canary, thresholds } = run.object.spec
    const seen = { stable: this.#drain(linked, stable), canary: this.#drain(linked, canary) }
    this.#lastSeen.set(run, seen)
    const { requests, failed, timed } = seen.canary
    const slow = thresholds.latency === null ? 0 : seen.canary.slowerThan(thresholds.latency.maximumMs)
    return { requests, failed, timed, slow, obstacle: this.#obstacle(run, linked) }
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
  #linked(run: RolloutRun): LinkedRollout | null {
    for (const linked of this.#surroundings?.mesh().rollouts.values() ?? [])
      if (linked.object.namespace === run.key.namespace && linked.object.name === run.key.name) return linked
    return null
  }

  #watch(): void {
    if (this.#surroundings === null) return
    const clusters: string[] = []
    let intervalMs = Number.POSITIVE_INFINITY
    for (const run of this.all()) {
      const linked = run.state.phase === 'progressing' ? this.#linked(run) : null
      if (linked === null) continue
      const { stable, canary } = run.object.spec
      clusters.push(...clustersOf(linked, stable), ...clustersOf(linked, canary))
      intervalMs = Math.min(intervalMs, Math.floor(run.object.spec.intervalMs / REPORTS_PER_INTERVAL))
    }
    this.#parts.loads.watch(clusters, intervalMs)
  }

  #drain(linked: LinkedRollout | null, subset: string): ClusterLoad {
    const load = new ClusterLoad()
    for (const cluster of linked ? clustersOf(linked, subset) : []) load.add(this.#parts.loads.drain(cluster))
    return load
  }

  #obstacle({ object }: RolloutRun, linked: LinkedRollout | null): string | null {
    const { host, canary } = object.spec
    if (linked === null) return `the host "${host}" is not known, or not for this Rollout to decide about`
    const { service } = linked
    const rule = this.#surroundings?.mesh().destinationRules.of(service, object.namespace, {})
    const labels = rule?.subsets.find(subset => subset.name === canary)?.labels
    if (labels === undefined) return `no DestinationRule defines the subset "${canary}"`
    const isReady = (endpoint: MeshEndpoint): boolean => endpoint.healthy && selects(labels, endpoint.labels)
    if (service.ports.some(port => service.endpoints(port).some(isReady))) return null
    return `no endpoint of the subset "${canary}" is ready`
  }
}

function clustersOf({ service }: LinkedRollout, subset: string): readonly string[] {
  return service.ports.map(({ number }) => outboundCluster(number, subset, service.host))
}
