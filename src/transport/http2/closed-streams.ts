// Streams that are over, as far as frames that are still under way for them are to be told from frames that break a rule
// (RFC 9113 5.1, "closed").

/** Remembered one by one; of those before it is assumed that they were reset. */
const MAX_RESET_HERE = 1000
const MAX_ENDED = 32

export class ClosedStreams {
  /** Reset by this side: the peer may not know yet, and what it sends for them is dropped. In order of time. */
  readonly #resetHere = new Set<number>()
  /** The highest id that is not remembered any more. */
  #forgotten = 0
  /** The last that ended by themselves or by the peer, as a ring. */
  readonly #ended = new Int32Array(MAX_ENDED)
  #next = 0

  addReset(streamId: number): void {
    const ids = this.#resetHere
    ids.add(streamId)
    if (ids.size <= MAX_RESET_HERE) return
    for (const oldest of ids) {
      ids.delete(oldest)
      this.#forgotten = Math.max(this.#forgotten, oldest)
      return
    }
  }

  addEnded(streamId: number): void {
    this.#ended[this.#next] = streamId
    this.#next = (this.#next + 1) % MAX_ENDED
  }

  wasReset(streamId: number): boolean {
    return this.#resetHere.has(streamId) || (streamId <= this.#forgotten && !this.hasEnded(streamId))
  }

  hasEnded(streamId: number): boolean {
    return this.#ended.includes(streamId)
  }
}
