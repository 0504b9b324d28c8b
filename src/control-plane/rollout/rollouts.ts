// The Rollouts of the config, at work: what they make of weights, out of what proxies report.
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { ConfigObject } from '../../model/config-object.ts'
import type { RolloutThresholds } from '../../model/rollout.ts'
import type { Workload } from '../../model/workload.ts'
import { outboundCluster } from '../../translate/emit/resource-names.ts'
import { selects } from '../../translate/link/label-selector.ts'
import type { LinkedMesh } from '../../translate/link/linked-mesh.ts'
import type { MeshEndpoint, MeshService, WorkloadTarget } from '../../translate/link/mesh-service.ts'
import { exportedTo, objectsOf } from '../../translate/link/precedence.ts'
import type { LinkedRollout } from '../../translate/link/rollouts.ts'
import type { ClusterLoad } from '../load/cluster-load.ts'
import { type FairLoad, fairLoad } from '../load/fair-load.ts'
import type { LoadReporter, LoadReports, MayReport } from '../load/load-reports.ts'
import type { Metrics } from '../status/metrics.ts'
import type { Observation, RequestTally } from './rollout-policy.ts'
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
/** Anybody counts for so many times the least that is judged: few enough that a handful of others shows beside it. */
const BELIEVED = 100
/** So many that failed among the few that others sent are not bad luck. */
const NO_CHANCE = 10

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
    const enough = thresholds.minRequests * BELIEVED
    const seen = fairLoad(this.#drain(linked, canary), enough)
    const { whole: stableLoad } = fairLoad(this.#drain(linked, stable), enough)
    this.#lastSeen.set(run, { stable: stableLoad, canary: seen.whole })
    const { requests, givenUp } = stableLoad
    const stableGivenUp = 100 * share(givenUp, requests + givenUp)
    return { ...tallyOf(seen, thresholds), stableGivenUp, obstacle: this.#obstacle(run, linked) }
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

/**
 * Whoever can see the service may have called it. What stands behind it has no say, the canary least of all; nor has
 * anybody unregistered who shows the same certificate.
 */
function maySpeakOf(service: MeshService, { identity, namespace }: LoadReporter, workload: Workload | null): boolean {
  if (!exportedTo(service.exportTo, namespace)) return false
  if (workload === null) return !service.subjectAltNames().includes(identity)
  const isIt = ({ workload: { namespace, name } }: WorkloadTarget): boolean =>
    namespace === workload.namespace && name === workload.name
  return !service.ports.some(port => service.targets(port).some(isIt))
}

/** Of all reports together, or of all but the greatest where that is clearly worse: nobody hides what all others say. */
function tallyOf({ whole, others }: FairLoad, { minRequests, latency }: RolloutThresholds): RequestTally {
  const worse = (badOf: (load: ClusterLoad) => number, allOf: (load: ClusterLoad) => number): ClusterLoad => {
    const [bad, all] = [badOf(others), allOf(others)]
    const isClear = all >= minRequests && bad >= NO_CHANCE
    return isClear && share(bad, all) > share(badOf(whole), allOf(whole)) ? others : whole
  }
  const slowOf = (load: ClusterLoad): number => (latency === null ? 0 : load.slowerThan(latency.maximumMs))
  const ended = worse(
    load => load.failed + load.givenUp,
    load => load.requests + load.givenUp,
  )
  const timed = worse(slowOf, load => load.timed)
  const { requests, failed, givenUp } = ended
  return { requests, failed, givenUp, timed: timed.timed, slow: slowOf(timed) }
}

function share(part: number, all: number): number {
  return all === 0 ? 0 : part / all
}
