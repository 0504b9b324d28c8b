// How many requests a cluster was sent in the last while, in tenths of it: what a retry budget with an interval goes by.
import type { Clock } from '../../base/clock.ts'

const SLOTS = 10

export class RequestWindow {
  readonly #clock: Clock
  readonly #slotMs: number
  readonly #counts = new Float64Array(SLOTS)
  /** The latest, counted from the beginning of time. */
  #slot = 0
  #total = 0

  constructor(intervalMs: number, clock: Clock) {
    this.#clock = clock
    this.#slotMs = intervalMs / SLOTS
  }

  add(): void {
    this.#advance()
    this.#counts[this.#slot % SLOTS]!++
    this.#total++
  }

  get count(): number {
    this.#advance()
    return this.#total
  }

  #advance(): void {
    const slot = Math.floor(this.#clock.now() / this.#slotMs)
    const passed = Math.min(slot - this.#slot, SLOTS)
    for (let i = 1; i <= passed; i++) {
      const index = (this.#slot + i) % SLOTS
      this.#total -= this.#counts[index]!
      this.#counts[index] = 0
    }
    this.#slot = slot
  }
}
