// What a benchmark is: a list of runs, each of which measures one contestant in one case.
import type { FigureName } from './figures.ts'

export interface RunOptions {
  readonly seconds: number
  /** What a compiler that learns from traffic needs of it: what is measured is a proxy that has run for a while. */
  readonly warmUpSeconds: number
  readonly connections: number
  /** How many workers a contestant is given, in turn; those that cannot are left out. */
  readonly workers: readonly number[]
  /** Names of contestants; empty: all that are there. */
  readonly only: readonly string[]
  say(line: string): void
}

export type Measured = Readonly<Partial<Record<FigureName, number>>>

export interface Run {
  readonly contestant: string
  /** What sets it apart from the contestant's other runs; empty where there is one. */
  readonly case: string
  /** Rejects when the contestant answered wrongly: it is not measured then. */
  measure(): Promise<Measured>
}

export interface Benchmark {
  readonly name: string
  readonly summary: string
  /** In the order of the table. */
  readonly figures: readonly FigureName[]
  /** The figure whose ratio is shown, Weft's over the other's. */
  readonly compares: FigureName
  /** Where they differ from those of the command line's usage. */
  readonly defaults?: Partial<Pick<RunOptions, 'seconds' | 'warmUpSeconds' | 'workers'>> & { readonly rounds?: number }
  /** What all runs share is started here, and put on `release` to be ended with the benchmark. */
  prepare(options: RunOptions, release: AsyncDisposableStack): Promise<readonly Run[]>
}
