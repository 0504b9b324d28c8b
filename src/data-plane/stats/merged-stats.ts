// What the event loops of a process have counted, each by itself, added up.
import { BucketHistogram } from './histogram.ts'
import type { NamedHistogram, NamedValue } from './stat.ts'
import { STAT_KINDS, type StatBatch } from './stat-batch.ts'
import { pagesOf, type StatsPages } from './stats-pages.ts'

type MergedStat = (Omit<NamedValue, 'cell'> & { readonly cell: { value: number } }) | NamedHistogram

/** Of config, which every event loop has alike, and of the process's memory: what the main one says is the process's. */
const OF_THE_PROCESS = /^(listener_manager|cluster_manager|control_plane|overload)\./

export class MergedStats {
  readonly #stats = new Map<string, MergedStat>()

  /** Of the main event loop. */
  addOwn(batch: StatBatch): void {
    this.#add(batch, true)
  }

  /** After all of the main one's. */
  addOther(batch: StatBatch): void {
    this.#add(batch, false)
  }

  pages(): StatsPages {
    return pagesOf(this.#stats)
  }

  #add(batch: StatBatch, isOwn: boolean): void {
    let histograms = 0
    for (const [i, name] of batch.names.entries()) {
      const isHistogram = STAT_KINDS[batch.kinds[i]!] === 'histogram'
      const sample = isHistogram ? batch.histograms[histograms++]! : null
      if (!isOwn && OF_THE_PROCESS.test(name)) continue
      const known = this.#stats.get(name) ?? this.#begin(batch, i)
      if (batch.used[i] === 1) known.used = true
      if (known.kind === 'histogram') {
        if (sample !== null) known.cell.add(sample)
      } else if (known.ofProcess) known.cell.value = batch.values[i]!
      else known.cell.value += batch.values[i]!
    }
  }

  #begin(batch: StatBatch, i: number): MergedStat {
    const kind = STAT_KINDS[batch.kinds[i]!]!
    const named = { name: batch.names[i]!, tagless: batch.tagless[i]!, labels: batch.labels[i]! }
    const stat = begun(kind, named)
    this.#stats.set(named.name, stat)
    return stat
  }
}

function begun(kind: (typeof STAT_KINDS)[number], named: Pick<MergedStat, 'name' | 'tagless' | 'labels'>): MergedStat {
  switch (kind) {
    case 'histogram':
      return { kind, ...named, cell: new BucketHistogram() }
    case 'process gauge':
      return { kind: 'gauge', ...named, cell: { value: 0 }, ofProcess: true }
    default:
      return { kind, ...named, cell: { value: 0 } }
  }
}
