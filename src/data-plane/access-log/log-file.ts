// Where access logs go, handed in: production appends to files, a test keeps the text.
import { closeSync, openSync, write } from 'node:fs'

export interface LogFile {
  /** Appends in the order of the calls. Never blocks for long, never throws. `done`: the bytes are the caller's again. */
  write(bytes: Buffer, done: (bytes: Buffer) => void): void
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

interface Block {
  readonly bytes: Buffer
  readonly done: (bytes: Buffer) => void
  /** How many of the bytes are out. */
  written: number
}

class AppendingFile implements LogFile {
  readonly #descriptor: number
  readonly #owned: boolean
  readonly #queue: Block[] = []
  #queuedBytes = 0
  #busy = false
  #closing = false

  constructor(descriptor: number, owned: boolean) {
    this.#descriptor = descriptor
    this.#owned = owned
  }

  write(bytes: Buffer, done: (bytes: Buffer) => void): void {
    if (this.#closing || this.#queuedBytes > MAX_QUEUED_BYTES) {
      done(bytes)
      return
    }
    this.#queue.push({ bytes, done, written: 0 })
    this.#queuedBytes += bytes.length
    this.#next()
  }

  close(): void {
    this.#closing = true
    this.#next()
  }

  #next(): void {
    if (this.#busy) return
    const block = this.#queue[0]
    if (block === undefined) {
      if (this.#closing && this.#owned) closeSync(this.#descriptor)
      return
    }
    const { bytes, done } = block
    this.#busy = true
    write(this.#descriptor, bytes, block.written, (error, written) => {
      this.#busy = false
      // A short write (a pipe that is nearly full) goes on where it stopped; EAGAIN and a full disk lose the rest.
      block.written = error ? bytes.length : block.written + written
      if (block.written === bytes.length) {
        this.#queue.shift()
        this.#queuedBytes -= bytes.length
        done(bytes)
      }
      this.#next()
    })
  }
}
