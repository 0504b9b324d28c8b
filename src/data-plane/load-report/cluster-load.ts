// What a proxy has counted of a cluster's requests since it began: structured-cloneable.
import type { ClusterSource } from '../cluster/cluster.ts'

export interface ClusterLoad {
  readonly name: string
  readonly succeeded: number
  readonly failed: number
  /** Nobody was there to send them to, or a limit kept them out. */
  readonly dropped: number
  readonly active: number
  readonly issued: number
  /** Milliseconds, by class (BUCKET_BOUNDS). */
  readonly times: Float64Array
}

export function loadsOf(clusters: ClusterSource, names: readonly string[]): readonly ClusterLoad[] {
  return names.flatMap(name => {
    const stats = clusters.get(name)?.stats
    if (stats === undefined) return []
    return {
      name,
      succeeded: stats.triesSucceeded.value,
      failed: stats.triesFailed.value,
      dropped:
        stats.upstreamCxNoneHealthy.value +
        stats.upstreamRqPendingOverflow.value +
        stats.upstreamRqActiveOverflow.value,
      active: stats.upstreamRqActive.value,
      issued: stats.triesBegun.value,
      times: stats.upstreamRqTime.counts,
    }
  })
}

/** What several event loops have counted in the same time, each by itself. */
export function mergedLoads(loads: readonly (readonly ClusterLoad[])[]): readonly ClusterLoad[] {
  const merged = new Map<string, ClusterLoad>()
  for (const load of loads.flat()) {
    const known = merged.get(load.name)
    merged.set(load.name, known === undefined ? load : sum(known, load))
  }
  return [...merged.values()]
}

function sum(a: ClusterLoad, b: ClusterLoad): ClusterLoad {
  return {
    name: a.name,
    succeeded: a.succeeded + b.succeeded,
    failed: a.failed + b.failed,
    dropped: a.dropped + b.dropped,
    active: a.active + b.active,
    issued: a.issued + b.issued,
    times: a.times.map((count, index) => count + (b.times[index] ?? 0)),
  }
}

/**
 * From `before` to `now`, of one event loop. A figure that has shrunk began anew, with another version of its cluster:
 * what the one before had in progress nobody will tell of, so that it must not stay issued.
 */
export function loadSince(now: ClusterLoad, before: ClusterLoad): ClusterLoad {
  const beganAnew = now.issued < before.issued
  const since = (a: number, b: number): number => (beganAnew || a < b ? a : a - b)
  return {
    name: now.name,
    succeeded: since(now.succeeded, before.succeeded),
    failed: since(now.failed, before.failed),
    dropped: since(now.dropped, before.dropped),
    active: now.active,
    issued: beganAnew ? Math.max(0, now.issued - before.active) : now.issued - before.issued,
    times: now.times.map((count, index) => since(count, before.times[index] ?? 0)),
  }
}
