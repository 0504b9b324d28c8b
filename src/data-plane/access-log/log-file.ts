// Where access logs go, handed in: production appends to files, a test keeps the text.
import { closeSync, openSync, write } from 'node:fs'

export interface LogFile {
  /** Appends in the order of the calls; one character is one byte. Never blocks for long, never throws. */
  write(text: string): void
  /** After everything written is out, or lost for good. */
  close(): void
}

export interface LogFiles {
  /** Opens for appending, `/dev/stdout` and `/dev/stderr` included. Throws the system's error when it cannot. */
  open(path: string): LogFile
}

const STANDARD: Readonly<Record<string, number>> = { '/dev/stdout': 1, '/dev/stderr': 2 }
/** Beyond it, what a full or hung disk does not take is dropped: the proxy outlives its log. */
const MAX_QUEUED_BYTES = 16 * 1024 * 1024

/** Files of the system. */
export const systemLogFiles: LogFiles = {
  open(path) {
    const standard = STANDARD[path]
    return standard === undefined
      ? new AppendingFile(openSync(path, 'a', 0o644), true)
      : new AppendingFile(standard, false)
  },
}

class AppendingFile implements LogFile {
  readonly #descriptor: number
  readonly #owned: boolean
  #queue: Buffer[] = []
  #queuedBytes = 0
  #busy = false
  #closing = false

  constructor(descriptor: number, owned: boolean) {
    this.#descriptor = descriptor
    this.#owned = owned
  }

  write(text: string): void {
    if (this.#closing || this.#queuedBytes > MAX_QUEUED_BYTES) return
    const bytes = Buffer.from(text, 'latin1')
    this.#queue.push(bytes)
    this.#queuedBytes += bytes.length
    this.#next()
  }

  close(): void {
    this.#closing = true
    this.#next()
  }

  #next(): void {
    if (this.#busy) return
    const bytes = this.#queue.shift()
    if (bytes === undefined) {
      if (this.#closing && this.#owned) closeSync(this.#descriptor)
      return
    }
    this.#busy = true
    write(this.#descriptor, bytes, (error, written) => {
      this.#busy = false
      this.#queuedBytes -= error ? bytes.length : written
      // A short write (a pipe that is nearly full) goes on where it stopped; EAGAIN and a full disk lose the block.
      if (!error && written < bytes.length) this.#queue.unshift(bytes.subarray(written))
      this.#next()
    })
  }
}
