// How many requests a cluster was sent in the last while, in tenths of it: what a retry budget with an interval goes by.
import type { Clock } from '../../base/clock.ts'
import type { Cell } from '../process-limits/process-limits.ts'

const SLOTS = 10
/** Slots are counted in a circle, in which all values are exact and a cell left alone is soon of the past. */
const CIRCLE = SLOTS * 2 ** 28
/** A cell's value: its slot times this, and the requests in it, one less at most. */
const PER_SLOT = 2 ** 20

export class RequestWindow {
  readonly #clock: Clock
  readonly #slotMs: number
  readonly #cells: readonly Cell[]

  /** `cell`: one for each tenth, which begins with 0. */
  constructor(intervalMs: number, clock: Clock, cell: (index: number) => Cell) {
    this.#clock = clock
    this.#slotMs = intervalMs / SLOTS
    this.#cells = Array.from({ length: SLOTS }, (_, index) => cell(index))
  }

  add(): void {
    const slot = this.#slot
    const cell = this.#cells[slot % SLOTS]!
    for (;;) {
      const known = cell.value
      // Another thread's clock may be ahead of this one's.
      const before = isSince(known, slot) ? known : slot * PER_SLOT
      if (before % PER_SLOT === PER_SLOT - 1 || cell.replace(known, before + 1)) return
    }
  }

  get count(): number {
    const first = this.#slot - SLOTS + 1
    let count = 0
    for (let i = 0; i < SLOTS; i++) {
      const { value } = this.#cells[i]!
      if (isSince(value, first)) count += value % PER_SLOT
    }
    return count
  }

  get #slot(): number {
    return Math.floor(this.#clock.now() / this.#slotMs) % CIRCLE
  }
}

/** Of that slot or one a little later. */
function isSince(value: number, slot: number): boolean {
  return (Math.floor(value / PER_SLOT) - slot + CIRCLE) % CIRCLE < 2 * SLOTS
}
