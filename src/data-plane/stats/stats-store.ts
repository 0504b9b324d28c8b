// All counters, gauges and histograms of one process. Resolving a name is cold; counting is `object.value += 1`.
import { BucketHistogram, type HistogramSample } from './histogram.ts'
import { formatPrometheus } from './prometheus-text.ts'
import type { NamedHistogram, NamedValue, Stat } from './stat.ts'
import type { Counter, Gauge, Histogram, StatsScope } from './stats-scope.ts'
import { formatStatsJson, formatStatsText } from './stats-text.ts'

/** Keeps the names for which it returns true. */
export type StatFilter = (name: string) => boolean

/** A stat as it was at one moment: structured-cloneable. */
export type StatSample = NamedValue | (Omit<NamedHistogram, 'cell'> & { readonly cell: HistogramSample })

const everything: StatFilter = () => true
/** Of config, which every event loop has alike, and of the process's memory: what the main one says is the process's. */
const OF_THE_PROCESS = /^(listener_manager|cluster_manager|control_plane|overload)\./

/** The pages of the admin port. */
export interface StatsPages {
  /** Envoy's /stats: `name: value` lines in the order of their names, histograms last. */
  text(filter?: StatFilter): string
  /** Envoy's /stats?format=json. */
  json(filter?: StatFilter): string
  /** Envoy's /stats/prometheus. */
  prometheus(filter?: StatFilter): string
}

export interface Stats extends StatsPages {
  readonly root: StatsScope
  /** Every stat as it is now, for `mergedStats` in another thread. */
  samples(): StatSample[]
  /** Counter or gauge by its full name; undefined when nobody asked for it yet. For tests and the admin port. */
  value(name: string): number | undefined
}

export function createStats(): Stats {
  const stats = new Map<string, Stat>()
  return {
    ...pagesOf(stats),
    root: new Scope(stats, '', '', {}),
    samples: () => [...stats.values()].map(sampleOf),
    value(name) {
      const stat = stats.get(name)
      return stat === undefined || stat.kind === 'histogram' ? undefined : stat.cell.value
    },
  }
}

function pagesOf(stats: ReadonlyMap<string, Stat>): StatsPages {
  const select = (filter: StatFilter = everything): Stat[] => {
    const chosen = [...stats.values()].filter(stat => filter(stat.name))
    return chosen.sort((a, b) => (a.name < b.name ? -1 : 1))
  }
  return {
    text: filter => formatStatsText(select(filter)),
    json: filter => formatStatsJson(select(filter)),
    prometheus: filter => formatPrometheus(select(filter)),
  }
}

/** One set of pages for what the event loops of a process have counted, each by itself. */
export function mergedStats(own: readonly StatSample[], others: readonly (readonly StatSample[])[]): StatsPages {
  const stats = new Map<string, Stat>()
  for (const sample of own) addSample(stats, sample)
  for (const sample of others.flat()) if (!OF_THE_PROCESS.test(sample.name)) addSample(stats, sample)
  return pagesOf(stats)
}

function addSample(stats: Map<string, Stat>, sample: StatSample): void {
  const known = stats.get(sample.name)
  if (sample.kind === 'histogram') {
    const cell = known?.kind === 'histogram' ? known.cell : new BucketHistogram()
    cell.add(sample.cell)
    stats.set(sample.name, { ...sample, cell })
  } else {
    const before = known === undefined || known.kind === 'histogram' || known.ofProcess ? 0 : known.cell.value
    stats.set(sample.name, { ...sample, cell: { value: before + sample.cell.value } })
  }
}

function sampleOf(stat: Stat): StatSample {
  // A copy: what is computed does not go from thread to thread, what it came to does.
  if (stat.kind !== 'histogram') return { ...stat, cell: { value: stat.cell.value } }
  const { counts, sum, count, highest } = stat.cell
  return { ...stat, cell: { counts, sum, count, highest } }
}

class Scope implements StatsScope {
  readonly #stats: Map<string, Stat>
  readonly prefix: string
  readonly #taglessPrefix: string
  readonly #labels: Readonly<Record<string, string>>
  readonly #own = new Set<string>()

  constructor(
    stats: Map<string, Stat>,
    prefix: string,
    taglessPrefix: string,
    labels: Readonly<Record<string, string>>,
  ) {
    this.#stats = stats
    this.prefix = prefix
    this.#taglessPrefix = taglessPrefix
    this.#labels = labels
  }

  counter(name: string): Counter {
    return this.#value('counter', name)
  }

  gauge(name: string): Gauge {
    return this.#value('gauge', name)
  }

  computedGauge(name: string, read: () => number): void {
    const full = this.prefix + name
    this.#own.add(full)
    const cell = new ComputedCell(read)
    this.#stats.set(full, {
      kind: 'gauge',
      name: full,
      tagless: this.#taglessPrefix + name,
      labels: this.#labels,
      cell,
      ofProcess: true,
    })
  }

  histogram(name: string): Histogram {
    const full = this.prefix + name
    this.#own.add(full)
    const known = this.#stats.get(full)
    if (known?.kind === 'histogram') return known.cell
    const cell = new BucketHistogram()
    this.#stats.set(full, {
      kind: 'histogram',
      name: full,
      tagless: this.#taglessPrefix + name,
      labels: this.#labels,
      cell,
    })
    return cell
  }

  scope(prefix: string, labels: Readonly<Record<string, string>> = {}): StatsScope {
    const values = Object.values(labels).map(value => `${value}.`)
    const own = prefix === '' ? '' : `${prefix}.`
    return new Scope(this.#stats, `${this.prefix}${own}${values.join('')}`, this.#taglessPrefix + own, {
      ...this.#labels,
      ...labels,
    })
  }

  remove(): void {
    for (const name of this.#own) this.#stats.delete(name)
  }

  #value(kind: 'counter' | 'gauge', name: string): { value: number } {
    const full = this.prefix + name
    this.#own.add(full)
    const known = this.#stats.get(full)
    if (known !== undefined && known.kind !== 'histogram') return known.cell
    const cell = { value: 0 }
    this.#stats.set(full, { kind, name: full, tagless: this.#taglessPrefix + name, labels: this.#labels, cell })
    return cell
  }
}

class ComputedCell {
  readonly #read: () => number

  constructor(read: () => number) {
    this.#read = read
  }

  get value(): number {
    return this.#read()
  }
}
