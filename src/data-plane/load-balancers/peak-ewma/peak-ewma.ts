// What an endpoint's requests have lately cost: a moving average of response times that follows a rise at once and a fall
// slowly, over the share of requests that succeeded. That is how long a request will probably take, with the tries that it
// will probably need.
import type { RequestTracker } from '../../cluster/cluster.ts'

/** Of an endpoint that nothing is known of. */
const UNKNOWN_MS = 30
/** However often an endpoint fails, it is not taken to fail always: some request has to find out that it is back. */
const LEAST_SUCCESS = 0.01

export class PeakEwma implements RequestTracker {
  readonly #decayMs: number
  #responseMs = UNKNOWN_MS
  /** 0 to 1. */
  #failures = 0
  #updatedAt = Number.NEGATIVE_INFINITY

  /** What is `decayMs` old counts for 1/e. */
  constructor(decayMs: number) {
    this.#decayMs = decayMs
  }

  onRequestEnd(now: number, elapsedMs: number, failed: boolean): void {
    const kept = this.#kept(now)
    if (elapsedMs >= this.#responseMs) this.#responseMs = elapsedMs
    // An error that came quickly says nothing of how quick an answer would be.
    else if (!failed) this.#responseMs = this.#responseMs * kept + elapsedMs * (1 - kept)
    this.#failures = this.#failures * kept + (failed ? 1 - kept : 0)
    this.#updatedAt = now
  }

  /** Milliseconds. What is known fades: an endpoint that was bad, and got no requests for it, is tried again. */
  cost(now: number): number {
    const kept = this.#kept(now)
    const expected = Math.min(this.#responseMs, this.#responseMs * kept + UNKNOWN_MS * (1 - kept))
    return expected / Math.max(LEAST_SUCCESS, 1 - this.#failures * kept)
  }

  #kept(now: number): number {
    return Math.exp(-Math.max(0, now - this.#updatedAt) / this.#decayMs)
  }
}
