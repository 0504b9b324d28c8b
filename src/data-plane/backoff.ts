// Exponential back-off with jitter, for what a proxy asks of its control plane.
import type { Random } from '../base/random.ts'

export class Backoff {
  readonly #baseMs: number
  readonly #maxMs: number
  readonly #random: Random
  #failures = 0

  constructor(baseMs: number, maxMs: number, random: Random) {
    this.#baseMs = baseMs
    this.#maxMs = maxMs
    this.#random = random
  }

  /** How long to wait now: between half of the step and the whole of it, so that a fleet does not return in step. */
  next(): number {
    const step = Math.min(this.#maxMs, this.#baseMs * 2 ** Math.min(this.#failures++, 30))
    return step * (0.5 + this.#random.next() * 0.5)
  }

  reset(): void {
    this.#failures = 0
  }
}
