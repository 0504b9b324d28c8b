// All counters, gauges and histograms of one process. Resolving a name is cold; counting is `object.value += 1`.
import { BucketHistogram } from './histogram.ts'
import type { Stat } from './stat.ts'
import { batchesOf, type StatBatch } from './stat-batch.ts'
import { pagesOf, type StatsPages } from './stats-pages.ts'
import type { Counter, Gauge, Histogram, LeasedScope, StatsScope } from './stats-scope.ts'

export interface Stats extends StatsPages {
  readonly root: StatsScope
  /** Every stat there is now, each with its value when its batch is made: for MergedStats, in another thread. */
  batches(): Iterable<StatBatch>
  /** All counters are 0 again, as if nothing had been counted. */
  resetCounters(): void
  /** Counter or gauge by its full name; undefined when nobody asked for it yet. For tests and the admin port. */
  value(name: string): number | undefined
}

export function createStats(): Stats {
  const registry = new Registry()
  const { stats } = registry
  return {
    ...pagesOf(stats),
    root: new Scope(registry, '', '', {}, null),
    batches: () => batchesOf([...stats.values()]),
    resetCounters() {
      for (const stat of stats.values()) if (stat.kind === 'counter') stat.cell.value = 0
    },
    value(name) {
      const stat = stats.get(name)
      return stat === undefined || stat.kind === 'histogram' ? undefined : stat.cell.value
    },
  }
}

interface Lease {
  /** What it has asked for. */
  readonly names: Set<string>
  isReturned: boolean
}

/** With how many leases there are of it. */
type LeasedStat = Stat & { leases: number }

/** Of what somebody has without a lease. */
const FOR_GOOD = 2 ** 30

class Registry {
  readonly stats = new Map<string, LeasedStat>()
  readonly #unheld = new FinalizationRegistry<Lease>(lease => this.return(lease))

  /** What is known by that name; `lease` has it, too, from now on. Null: for good. */
  find(name: string, lease: Lease | null): Stat | undefined {
    const known = this.stats.get(name)
    if (known !== undefined && !lease?.isReturned) hold(known, lease)
    return known
  }

  /** What is asked for only after the lease was returned is nobody's to print. */
  keep(stat: Stat, lease: Lease | null): void {
    if (lease?.isReturned) return
    const { leases = 0 } = this.stats.get(stat.name) ?? {}
    const kept = Object.assign(stat, { leases })
    hold(kept, lease)
    this.stats.set(stat.name, kept)
  }

  return(lease: Lease): void {
    lease.isReturned = true
    for (const name of lease.names) {
      const stat = this.stats.get(name)
      if (stat !== undefined && stat.leases < FOR_GOOD && --stat.leases === 0) this.stats.delete(name)
    }
    lease.names.clear()
  }

  returnWith(holder: object, lease: Lease): void {
    this.#unheld.register(holder, lease)
  }
}

function hold(stat: LeasedStat, lease: Lease | null): void {
  if (lease === null) stat.leases = FOR_GOOD
  else if (!lease.names.has(stat.name)) {
    lease.names.add(stat.name)
    if (stat.leases < FOR_GOOD) stat.leases++
  }
}

class Scope implements LeasedScope {
  readonly #registry: Registry
  readonly prefix: string
  readonly #taglessPrefix: string
  readonly #labels: Readonly<Record<string, string>>
  /** Null: what is asked for stays. */
  readonly #lease: Lease | null

  constructor(
    registry: Registry,
    prefix: string,
    taglessPrefix: string,
    labels: Readonly<Record<string, string>>,
    lease: Lease | null,
  ) {
    this.#registry = registry
    this.prefix = prefix
    this.#taglessPrefix = taglessPrefix
    this.#labels = labels
    this.#lease = lease
  }

  counter(name: string): Counter {
    return this.#value('counter', name)
  }

  gauge(name: string): Gauge {
    return this.#value('gauge', name)
  }

  computedGauge(name: string, read: () => number): void {
    this.#known(name)
    this.#keep({ kind: 'gauge', ...this.#named(name), cell: new ComputedCell(read), ofProcess: true })
  }

  computedLoopGauge(name: string, read: () => number): void {
    this.#known(name)
    this.#keep({ kind: 'gauge', ...this.#named(name), cell: new ComputedCell(read) })
  }

  histogram(name: string): Histogram {
    const known = this.#known(name)
    if (known?.kind === 'histogram') return known.cell
    const cell = new BucketHistogram()
    this.#keep({ kind: 'histogram', ...this.#named(name), cell })
    return cell
  }

  scope(prefix: string, labels: Readonly<Record<string, string>> = {}): StatsScope {
    const values = Object.values(labels).map(value => `${value}.`)
    const own = prefix === '' ? '' : `${prefix}.`
    return new Scope(
      this.#registry,
      `${this.prefix}${own}${values.join('')}`,
      this.#taglessPrefix + own,
      { ...this.#labels, ...labels },
      this.#lease,
    )
  }

  lease(): LeasedScope {
    return new Scope(this.#registry, this.prefix, this.#taglessPrefix, this.#labels, {
      names: new Set(),
      isReturned: false,
    })
  }

  return(): void {
    if (this.#lease !== null) this.#registry.return(this.#lease)
  }

  returnWith(holder: object): void {
    if (this.#lease !== null) this.#registry.returnWith(holder, this.#lease)
  }

  #value(kind: 'counter' | 'gauge', name: string): { value: number } {
    const known = this.#known(name)
    if (known !== undefined && known.kind !== 'histogram') return known.cell
    const cell = { value: 0 }
    this.#keep({ kind, ...this.#named(name), cell })
    return cell
  }

  #known(name: string): Stat | undefined {
    return this.#registry.find(this.prefix + name, this.#lease)
  }

  #keep(stat: Stat): void {
    this.#registry.keep(stat, this.#lease)
  }

  #named(name: string): Pick<Stat, 'name' | 'tagless' | 'labels'> {
    return { name: this.prefix + name, tagless: this.#taglessPrefix + name, labels: this.#labels }
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

  set value(_: number) {}
}
