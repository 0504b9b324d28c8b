// How long an endpoint really lets a connection idle: a connection that is about to be closed by the other side is not to
// be given a request. Servers say it of each (`Keep-Alive: timeout=5`) or show it, by closing one idle connection after the
// other at the same age.

/** So many closes at the same age, one after the other, are a time-out and no restart. */
const PROOFS = 3
const TOLERANCE = 0.1
/** Sooner is no time-out: the endpoint closes after its response, and ages of a moment are alike by chance. */
const SHORTEST_MS = 100
/** Then it must be shown anew: the endpoint may have come back with another, which nothing shows while this one holds. */
const HOLDS_MS = 10 * 60_000
const MARGIN_MS = 1000

/** What one endpoint has shown. Moments are monotonic milliseconds. */
export class IdleAllowance {
  #shownMs = Number.POSITIVE_INFINITY
  #heldUntil = 0
  #candidateMs = 0
  #proofs = 0
  #provedAt = 0

  /** After this long a connection is not trusted any more; Infinity while nothing is known. */
  limitMs(now: number): number {
    return now < this.#heldUntil ? this.#shownMs : Number.POSITIVE_INFINITY
  }

  /** The endpoint has closed a connection that was idle for this long. */
  show(idleMs: number, now: number): void {
    if (idleMs < SHORTEST_MS) return
    const tolerated = this.#candidateMs * TOLERANCE
    if (Math.abs(idleMs - this.#candidateMs) > tolerated) {
      this.#candidateMs = idleMs
      this.#proofs = 1
    } else if (now - this.#provedAt <= tolerated) {
      // Connections that were let go together close together, at whatever age a restart comes.
      return
    } else this.#proofs++
    this.#provedAt = now
    if (this.#proofs < PROOFS) return
    this.#shownMs = trustedMs(this.#candidateMs)
    this.#heldUntil = now + HOLDS_MS
  }
}

/** Of a time-out, what is left when a request on its way is still to find the connection open. 0 is no time-out. */
export function trustedMs(timeoutMs: number): number {
  return timeoutMs > 0 ? Math.max(timeoutMs / 2, timeoutMs - MARGIN_MS) : Number.POSITIVE_INFINITY
}
