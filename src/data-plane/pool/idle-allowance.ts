// How long an endpoint really lets a connection idle: a connection that is about to be closed by the other side is not to
// be given a request. Servers say it (`Keep-Alive: timeout=5`) or show it, by closing one idle connection after the other
// at the same age.

/** So many closes at the same age, in a row, are a time-out and no restart. */
const PROOFS = 3
const TOLERANCE = 0.1
const MARGIN_MS = 1000

export class IdleAllowance {
  #toldMs = Number.POSITIVE_INFINITY
  #shownMs = Number.POSITIVE_INFINITY
  #candidateMs = 0
  #proofs = 0

  /** After this long a connection is not trusted any more; Infinity while nothing is known. */
  get limitMs(): number {
    return Math.min(this.#toldMs, this.#shownMs)
  }

  /** The endpoint has named its time-out; 0 is none. */
  tell(timeoutMs: number): void {
    this.#toldMs = timeoutMs > 0 ? safely(timeoutMs) : Number.POSITIVE_INFINITY
  }

  /** The endpoint has closed a connection that was idle for this long. */
  show(idleMs: number): void {
    if (Math.abs(idleMs - this.#candidateMs) <= this.#candidateMs * TOLERANCE) this.#proofs++
    else {
      this.#candidateMs = idleMs
      this.#proofs = 1
    }
    if (this.#proofs >= PROOFS) this.#shownMs = safely(this.#candidateMs)
  }
}

/** Early enough that a request on its way still finds the connection open. */
function safely(timeoutMs: number): number {
  return Math.max(timeoutMs / 2, timeoutMs - MARGIN_MS)
}
