// Resources that end at their time unless the control plane says something of them before: those with a time to live
// (xds_protocol, "TTL"), and clusters on their way out.
import type { Clock, Timer } from '../../base/clock.ts'

/** What ends within so long of one another mostly ends together. */
const GATHER_MS = 100

export class ResourceExpiry {
  readonly #clock: Clock
  readonly #onEnd: () => void
  /** In monotonic milliseconds, by name. */
  readonly #ends = new Map<string, number>()
  #timer: Timer | null = null
  #timerEnds = Number.POSITIVE_INFINITY

  /** `onEnd`: there may be something to take. */
  constructor(clock: Clock, onEnd: () => void) {
    this.#clock = clock
    this.#onEnd = onEnd
  }

  /** Counted from now. */
  set(name: string, ms: number): void {
    const end = this.#clock.now() + Math.max(0, ms)
    this.#ends.set(name, end)
    this.#arm(end)
  }

  /** False: it had no end. */
  keep(name: string): boolean {
    return this.#ends.delete(name)
  }

  /** What has ended, and was not renewed since. */
  take(): readonly string[] {
    const now = this.#clock.now()
    const ended: string[] = []
    let next = Number.POSITIVE_INFINITY
    for (const [name, end] of this.#ends) {
      if (end <= now) ended.push(name)
      else if (end < next) next = end
    }
    for (const name of ended) this.#ends.delete(name)
    if (next < this.#timerEnds) this.#arm(Math.max(next, now + GATHER_MS))
    return ended
  }

  close(): void {
    this.#timer?.cancel()
    this.#ends.clear()
  }

  #arm(end: number): void {
    if (end >= this.#timerEnds) return
    this.#timer?.cancel()
    this.#timerEnds = end
    this.#timer = this.#clock.setTimer(Math.max(0, end - this.#clock.now()), () => {
      this.#timerEnds = Number.POSITIVE_INFINITY
      this.#onEnd()
    })
  }
}
