// Counts the messages in a stream of gRPC bytes: each is a flag, four bytes of length, and that many bytes.

const PREFIX_BYTES = 5

export class MessageCounter {
  /** Bytes of the current prefix that were seen. */
  #prefix = 0
  #length = 0
  /** Bytes of the current message that are still to come. */
  #left = 0

  /** How many messages begin in `chunk`. */
  count(chunk: Buffer): number {
    let begun = 0
    let at = 0
    while (at < chunk.length) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, chunk.length - at)
        this.#left -= taken
        at += taken
        continue
      }
      if (this.#prefix === 0) {
        begun++
        this.#length = 0
      } else this.#length = this.#length * 256 + chunk[at]!
      at++
      if (++this.#prefix < PREFIX_BYTES) continue
      this.#prefix = 0
      this.#left = this.#length
    }
    return begun
  }
}
