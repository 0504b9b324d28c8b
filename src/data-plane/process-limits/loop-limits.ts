// The limits of a process that has one event loop: plain numbers.
import type { Gauge } from '../stats/stats-scope.ts'
import type { Cell, ProcessLimits, Resource } from './process-limits.ts'

export class LoopResource implements Resource {
  readonly #gauge: Gauge

  constructor(gauge: Gauge) {
    this.#gauge = gauge
  }

  get count(): number {
    return this.#gauge.value
  }

  claim(max: number): boolean {
    if (this.#gauge.value >= max) return false
    this.#gauge.value++
    return true
  }

  add(): void {
    this.#gauge.value++
  }

  release(): void {
    this.#gauge.value--
  }
}

export class LoopCell implements Cell {
  value: number

  constructor(initial: number) {
    this.value = initial
  }

  replace(_expected: number, next: number): boolean {
    this.value = next
    return true
  }

  release(): void {}
}

export const LOOP_LIMITS: ProcessLimits = {
  resource: (_name, gauge) => new LoopResource(gauge),
  cell: (_name, initial) => new LoopCell(initial),
  within: () => LOOP_LIMITS,
  part: () => LOOP_LIMITS,
}
