// What one event loop of a proxy has counted, for the pages of the only admin port, a piece at a time.
import type { Proxy as DataPlaneProxy } from '../proxy.ts'
import type { StatBatch } from '../stats/stat-batch.ts'
import { type FigureBatch, figureBatches } from './endpoint-figures.ts'

/** Structured-cloneable. */
export interface ReportPieces {
  readonly stats: StatBatch
  readonly figures: FigureBatch
}

export type ReportPart = keyof ReportPieces

export function reportOf(proxy: DataPlaneProxy, part: ReportPart): Iterable<ReportPieces[ReportPart]> {
  return part === 'stats' ? proxy.stats.batches() : figureBatches(proxy.clusters.all())
}

/** Of all loops but the main one. The event loop has its turn between any two pieces. */
export interface WorkerReports {
  report<Part extends ReportPart>(part: Part): AsyncIterable<ReportPieces[Part]>
}
