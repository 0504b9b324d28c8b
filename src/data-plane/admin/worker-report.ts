// What one event loop of a proxy has counted, for the pages of the only admin port: structured-cloneable.
import type { MirrorDifference } from '../mirror-differences.ts'
import type { Proxy as DataPlaneProxy } from '../proxy.ts'
import type { StatSample } from '../stats/stats-store.ts'
import { ejectionFigure, figuresOf } from './clusters-page.ts'

export interface WorkerReport {
  readonly stats: readonly StatSample[]
  /** `cluster::endpoint::figure`, as /clusters has it. */
  readonly figures: ReadonlyMap<string, number>
  readonly mirrorDifferences: readonly MirrorDifference[]
}

export function reportOf(proxy: DataPlaneProxy): WorkerReport {
  const figures = new Map<string, number>()
  for (const { name, endpoints } of proxy.clusters.all()) {
    for (const endpoint of endpoints) {
      for (const [figure, value] of [...figuresOf(endpoint), ejectionFigure(endpoint)])
        figures.set(`${name}::${endpoint.key}::${figure}`, value)
    }
  }
  return { stats: proxy.stats.samples(), figures, mirrorDifferences: proxy.mirrorDifferences.last }
}
