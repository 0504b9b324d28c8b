// What a process has only so much of, whichever of its event loops takes it.
import type { Gauge } from '../stats/stats-scope.ts'

/** Envoy's Resource, of which config says how much there may be. */
export interface Resource {
  /** Taken, in the whole process. */
  readonly count: number
  /** Takes one, unless `max` are taken. */
  claim(max: number): boolean
  /** Takes one in spite of any limit. */
  add(): void
  /** Gives one back. */
  release(): void
}

/** The state of a step function, which several loops may want to step at once. */
export interface Cell {
  readonly value: number
  /** False when the value was not `expected` any more: another has stepped. */
  replace(expected: number, next: number): boolean
  /** Nobody asks for it here any more: at once, where waiting for the garbage collector would gather too many. */
  release(): void
}

export interface ProcessLimits {
  /** `gauge` shows what this loop has taken. The name is the process's. */
  resource(name: string, gauge: Gauge): Resource
  /** The name is one of these limits' own. */
  cell(name: string, initial: number): Cell
  /** For config that says `text`: what it names is apart from what any other config names. */
  within(text: () => string): ProcessLimits
  /** Apart from every other part: the first that is asked for in one loop is the first in the others. */
  part(): ProcessLimits
}
