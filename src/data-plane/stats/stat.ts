// One named number or histogram, with what its name is made of.
import type { BucketHistogram } from './histogram.ts'

export interface NamedValue {
  readonly kind: 'counter' | 'gauge'
  /** As /stats prints it: `cluster.a.upstream_rq_2xx`. */
  readonly name: string
  /** Without tags: `cluster.upstream_rq_2xx`. */
  readonly tagless: string
  readonly labels: Readonly<Record<string, string>>
  readonly cell: { value: number }
  /** See isUsed. */
  used?: boolean
  /** It says the same in every event loop. */
  readonly ofProcess?: true
}

export interface NamedHistogram {
  readonly kind: 'histogram'
  readonly name: string
  readonly tagless: string
  readonly labels: Readonly<Record<string, string>>
  readonly cell: BucketHistogram
  used?: boolean
}

export type Stat = NamedValue | NamedHistogram

/** Keeps the stats for which it returns true. */
export type StatFilter = (stat: Stat) => boolean

/** Envoy's `used`: it has been written since the start. Whoever asks sees it of gauges that are not 0, and remembers it. */
export function isUsed(stat: Stat): boolean {
  if (!stat.used) stat.used = (stat.kind === 'histogram' ? stat.cell.count : stat.cell.value) !== 0
  return stat.used
}
