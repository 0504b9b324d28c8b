// For tests: what a session needs of a socket, in memory. Copies what is written, as the kernel does; can be told to take
// nothing for a while.
import type { Socket } from 'node:net'

const HIGH_WATER_BYTES = 65_536

export class FakeSocket {
  destroyed = false
  closed = false
  writable = true
  /** While false, bytes wait here as in Node's own queue. */
  isReading = true
  readonly #taken: Buffer[] = []
  #waiting: Buffer[] = []

  get writableLength(): number {
    return this.#waiting.reduce((sum, chunk) => sum + chunk.length, 0)
  }

  write(chunk: Buffer | string, encoding?: BufferEncoding): boolean {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk
    if (this.isReading) this.#taken.push(Buffer.from(bytes))
    else this.#waiting.push(bytes)
    return this.writableLength < HIGH_WATER_BYTES
  }

  cork(): void {}

  uncork(): void {}

  /** The peer reads what waited. The caller tells the session by `drained`. */
  read(): void {
    for (const chunk of this.#waiting) this.#taken.push(Buffer.from(chunk))
    this.#waiting = []
  }

  /** Everything that has left since the last call. */
  take(): Buffer {
    return Buffer.concat(this.#taken.splice(0))
  }

  asSocket(): Socket {
    return this as unknown as Socket
  }
}
