// Streams that are over, as far as frames that are still under way for them are to be told from frames that break a rule
// (RFC 9113 5.1, "closed").

/** An honest peer has no more than this under way for streams that were reset here. */
const MAX_RESET_HERE = 1000
const MAX_ENDED = 32

export class ClosedStreams {
  /** Reset by this side: the peer may not know yet, and what it sends for them is dropped. In order of time. */
  readonly #resetHere = new Set<number>()
  /** The last that ended by themselves or by the peer, as a ring. */
  readonly #ended = new Int32Array(MAX_ENDED)
  #next = 0

  addReset(streamId: number): void {
    const ids = this.#resetHere
    ids.add(streamId)
    if (ids.size <= MAX_RESET_HERE) return
    for (const oldest of ids) {
      ids.delete(oldest)
      return
    }
  }

  addEnded(streamId: number): void {
    this.#ended[this.#next] = streamId
    this.#next = (this.#next + 1) % MAX_ENDED
  }

  wasReset(streamId: number): boolean {
    return this.#resetHere.has(streamId)
  }

  hasEnded(streamId: number): boolean {
    return this.#ended.includes(streamId)
  }
}
