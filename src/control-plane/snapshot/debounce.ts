// Many causes, one effect: waits until things are quiet, but never longer than a bound.
import type { Clock, Timer } from '../../base/clock.ts'

export interface DebounceOptions {
  /** Without a further cause for so long, the effect follows. Milliseconds. */
  readonly quietMs: number
  /** After the first cause the effect follows at the latest then. Milliseconds. */
  readonly maxMs: number
}

export class Debounce {
  readonly #clock: Clock
  readonly #options: DebounceOptions
  readonly #effect: () => void
  #timer: Timer | null = null
  #firstAt: number | null = null

  constructor(clock: Clock, options: DebounceOptions, effect: () => void) {
    this.#clock = clock
    this.#options = options
    this.#effect = effect
  }

  trigger(): void {
    const now = this.#clock.now()
    this.#firstAt ??= now
    this.#timer?.cancel()
    const latest = this.#firstAt + this.#options.maxMs - now
    this.#timer = this.#clock.setTimer(Math.max(0, Math.min(this.#options.quietMs, latest)), () => this.#fire())
  }

  cancel(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.#firstAt = null
  }

  #fire(): void {
    this.cancel()
    this.#effect()
  }
}
