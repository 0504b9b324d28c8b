// Where log lines are put together: bytes in one block, so that a line leaves nothing behind for the collector. Joined
// from strings, a line costs some forty of them, and all live until the block is written.

/** Of a block; one line may make it grow. */
const BLOCK_BYTES = 65_536
/** `\xHH` in the place of one character. */
const LONGEST_ESCAPE = 4
const HEX = Buffer.from('0123456789ABCDEF')
const QUESTION_MARK = 63

/**
 * Called apart from the string: an engine that has seen more than four kinds of string at one place (sliced, joined, flat,
 * ...) looks the method up for each character, which was a twentieth of a request.
 */
const { charCodeAt } = String.prototype

export class LineBuffer {
  #block: Buffer | null = null
  /** A block that was written out, for the next one. */
  #spare: Buffer | null = null
  #length = 0

  get length(): number {
    return this.#length
  }

  /** As it is. Characters up to U+00FF, a byte each: beyond that they are no bytes, and `?` stands for them. */
  text(text: string): void {
    const { length } = text
    const block = this.#reserve(length)
    let at = this.#length
    for (let i = 0; i < length; i++) {
      const unit = charCodeAt.call(text, i)
      block[at++] = unit > 255 ? QUESTION_MARK : unit
    }
    this.#length = at
  }

  /** Control characters and quotes become \xHH, as nginx writes them: a header value cannot forge a field or a line. */
  escaped(value: string): void {
    const { length } = value
    const block = this.#reserve(length * LONGEST_ESCAPE)
    let at = this.#length
    for (let i = 0; i < length; i++) {
      const unit = charCodeAt.call(value, i)
      if (unit >= 32 && unit !== 34 && unit !== 127) {
        block[at++] = unit > 255 ? QUESTION_MARK : unit
        continue
      }
      block[at++] = 92
      block[at++] = 120
      block[at++] = HEX[unit >> 4]!
      block[at++] = HEX[unit & 15]!
    }
    this.#length = at
  }

  /** What came after its first `length` bytes is forgotten. */
  truncate(length: number): void {
    this.#length = length
  }

  /** Takes what has gathered, which stays untouched until it is given back. */
  take(): Buffer {
    const bytes = this.#block!.subarray(0, this.#length)
    this.#block = null
    this.#length = 0
    return bytes
  }

  giveBack(bytes: Buffer): void {
    const block = Buffer.from(bytes.buffer, bytes.byteOffset)
    if (block.length === BLOCK_BYTES) this.#spare = block
  }

  #reserve(bytes: number): Buffer {
    let block = this.#block
    if (block === null) {
      block = this.#spare ?? Buffer.allocUnsafeSlow(BLOCK_BYTES)
      this.#spare = null
      this.#block = block
    }
    const needed = this.#length + bytes
    if (needed <= block.length) return block
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * block.length))
    block.copy(larger, 0, 0, this.#length)
    this.#block = larger
    return larger
  }
}
