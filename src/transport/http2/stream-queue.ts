// What one stream has still to send: chunks by reference, until windows and socket let them go.

/** A stream with more than this waiting (one read of a socket) is fed no more, until half of it has gone. */
const HIGH_WATER_BYTES = 65_536
const LOW_WATER_BYTES = HIGH_WATER_BYTES / 2
const COMPACT_AT = 64

export class StreamQueue {
  readonly #chunks: Buffer[] = []
  #first = 0
  /** Of the first chunk, how much has gone. */
  #offset = 0
  #bytes = 0
  #blocked = false

  get bytes(): number {
    return this.#bytes
  }

  get isBlocked(): boolean {
    return this.#blocked
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes > HIGH_WATER_BYTES) this.#blocked = true
  }

  get first(): Buffer {
    return this.#chunks[this.#first]!
  }

  get offset(): number {
    return this.#offset
  }

  /** `length` bytes of the first chunk have gone. True when the queue ceased to be blocked by that. */
  shift(length: number): boolean {
    this.#bytes -= length
    this.#offset += length
    if (this.#offset === this.first.length) {
      this.#chunks[this.#first] = GONE
      this.#offset = 0
      this.#first++
      if (this.#first === this.#chunks.length) this.#chunks.length = this.#first = 0
      else if (this.#first === COMPACT_AT) {
        this.#chunks.splice(0, COMPACT_AT)
        this.#first = 0
      }
    }
    if (!this.#blocked || this.#bytes > LOW_WATER_BYTES) return false
    this.#blocked = false
    return true
  }

  clear(): void {
    this.#chunks.length = 0
    this.#first = this.#offset = this.#bytes = 0
    this.#blocked = false
  }
}

const GONE = Buffer.alloc(0)
