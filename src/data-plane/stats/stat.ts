// One named number or histogram, with what its name is made of.
import type { BucketHistogram } from './histogram.ts'

export interface NamedValue {
  readonly kind: 'counter' | 'gauge'
  /** As /stats prints it: `cluster.a.upstream_rq_2xx`. */
  readonly name: string
  /** Without tags: `cluster.upstream_rq_2xx`. */
  readonly tagless: string
  readonly labels: Readonly<Record<string, string>>
  readonly cell: { readonly value: number }
  /** It says the same in every event loop. */
  readonly ofProcess?: true
}

export interface NamedHistogram {
  readonly kind: 'histogram'
  readonly name: string
  readonly tagless: string
  readonly labels: Readonly<Record<string, string>>
  readonly cell: BucketHistogram
}

export type Stat = NamedValue | NamedHistogram

/** Keeps the names for which it returns true. */
export type StatFilter = (name: string) => boolean
