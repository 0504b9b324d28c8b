// Some hundred stats as they were at one moment, on their way from one event loop to another. Column by column: sixty
// thousand objects would take each of the two a tenth of a second.
import type { HistogramSample } from './histogram.ts'
import { isUsed, type Stat } from './stat.ts'

/** Structured-cloneable. */
export interface StatBatch {
  readonly names: readonly string[]
  readonly tagless: readonly string[]
  /** One object for all stats of a scope. */
  readonly labels: readonly Stat['labels'][]
  /** Of STAT_KINDS. */
  readonly kinds: Uint8Array
  /** 1: isUsed. */
  readonly used: Uint8Array
  /** Histograms have theirs apart, in the same order. */
  readonly values: Float64Array
  readonly histograms: readonly HistogramSample[]
}

export const STAT_KINDS = ['counter', 'gauge', 'process gauge', 'histogram'] as const

const STATS_OF_A_BATCH = 500

export function* batchesOf(stats: readonly Stat[]): Generator<StatBatch> {
  for (let from = 0; from < stats.length; from += STATS_OF_A_BATCH)
    yield batchOf(stats.slice(from, from + STATS_OF_A_BATCH))
}

function batchOf(stats: readonly Stat[]): StatBatch {
  const kinds = new Uint8Array(stats.length)
  const used = new Uint8Array(stats.length)
  const values = new Float64Array(stats.length)
  const histograms: HistogramSample[] = []
  for (const [i, stat] of stats.entries()) {
    if (isUsed(stat)) used[i] = 1
    kinds[i] = STAT_KINDS.indexOf(stat.kind !== 'histogram' && stat.ofProcess ? 'process gauge' : stat.kind)
    if (stat.kind === 'histogram') {
      const { counts, sum, count, highest } = stat.cell
      histograms.push({ counts: counts.slice(), sum, count, highest })
    } else values[i] = stat.cell.value
  }
  return {
    names: stats.map(({ name }) => name),
    tagless: stats.map(({ tagless }) => tagless),
    labels: stats.map(({ labels }) => labels),
    kinds,
    used,
    values,
    histograms,
  }
}
