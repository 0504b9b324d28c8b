// A file or a pipe that blocks of lines are appended to. One that takes nothing for a while is waited for, within bounds.
import { closeSync, fstatSync, write } from 'node:fs'
import type { Clock, Timer } from '../../base/clock.ts'

/** Beyond it, what a pipe without a reader or a full disk does not take is dropped: the proxy outlives its log. */
const MAX_QUEUED_BYTES = 16 * 1024 * 1024
/** POSIX: so much goes into a pipe in one piece, or not at all. Other threads and processes may write to the same one. */
const PIPE_PIECE_BYTES = 4096
/** Until a full pipe is tried again: its reader mostly needs little. */
const FIRST_RETRY_MS = 2
const LAST_RETRY_MS = 64
/** Until a full disk is tried again. */
const DISK_RETRY_MS = 1000
/** How long a close waits for what is still to be written. */
const CLOSE_LIMIT_MS = 2000
/** Nobody will ever read what is written. */
const HOPELESS: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EBADF'])
const NEWLINE = 10

type Done = (bytes: Buffer, whole: boolean) => void

interface Block {
  readonly bytes: Buffer
  readonly done: Done
  /** How many of the bytes are out. */
  written: number
}

/** What a test replaces. */
export interface AppendingFileOptions {
  /** Closed at the end. */
  readonly owned: boolean
  readonly write?: typeof write
}

export class AppendingFile {
  readonly #descriptor: number
  readonly #clock: Clock
  readonly #owned: boolean
  readonly #write: typeof write
  readonly #isPipe: boolean
  readonly #queue: Block[] = []
  /** Of memory: a block may be larger than what is in it. */
  #queuedBytes = 0
  #busy = false
  #retry: Timer | null = null
  #retryMs = FIRST_RETRY_MS
  #closed: PromiseWithResolvers<void> | null = null
  #closeLimit: Timer | null = null

  constructor(descriptor: number, clock: Clock, options: AppendingFileOptions) {
    this.#descriptor = descriptor
    this.#clock = clock
    this.#owned = options.owned
    this.#write = options.write ?? write
    this.#isPipe = fstatSync(descriptor).isFIFO()
  }

  write(bytes: Buffer, done: Done): void {
    if (this.#closed !== null || this.#queuedBytes > MAX_QUEUED_BYTES) {
      done(bytes, false)
      return
    }
    this.#queue.push({ bytes, done, written: 0 })
    this.#queuedBytes += bytes.buffer.byteLength
    this.#next()
  }

  close(): Promise<void> {
    if (this.#closed === null) {
      this.#closed = Promise.withResolvers<void>()
      this.#closeLimit = this.#clock.setTimer(CLOSE_LIMIT_MS, () => this.#giveUp())
      this.#next()
    }
    return this.#closed.promise
  }

  #next(): void {
    if (this.#busy || this.#retry !== null) return
    const block = this.#queue[0]
    if (block === undefined) {
      if (this.#closed !== null) this.#end(this.#closed)
      return
    }
    const { bytes, written: from } = block
    const length = this.#isPipe ? lengthOfPiece(bytes, from) : bytes.length - from
    this.#busy = true
    this.#write(this.#descriptor, bytes, from, length, null, (error, written) => {
      this.#busy = false
      if (error) this.#onError(block, error)
      else this.#onWritten(block, written)
      this.#next()
    })
  }

  /** A short write goes on where it stopped, however long that takes: the line it may have cut is not left so. */
  #onWritten(block: Block, written: number): void {
    this.#retryMs = FIRST_RETRY_MS
    block.written += written
    if (block.written === block.bytes.length) this.#settle(block, true)
  }

  #onError(block: Block, { code }: NodeJS.ErrnoException): void {
    if (HOPELESS.has(code)) {
      this.#settle(block, false)
      return
    }
    // A close that has waited long enough has emptied the queue.
    if (this.#queue.length === 0) return
    const isFull = code === 'EAGAIN'
    this.#retry = this.#clock.setTimer(isFull ? this.#retryMs : DISK_RETRY_MS, () => {
      this.#retry = null
      this.#next()
    })
    if (isFull) this.#retryMs = Math.min(LAST_RETRY_MS, 2 * this.#retryMs)
  }

  #settle(block: Block, whole: boolean): void {
    if (this.#queue[0] !== block) return
    this.#queue.shift()
    this.#queuedBytes -= block.bytes.buffer.byteLength
    block.done(block.bytes, whole)
  }

  #giveUp(): void {
    this.#retry?.cancel()
    this.#retry = null
    while (this.#queue.length > 0) this.#settle(this.#queue[0]!, false)
    this.#closed?.resolve()
    this.#next()
  }

  #end(closed: PromiseWithResolvers<void>): void {
    this.#closeLimit?.cancel()
    if (this.#owned) closeSync(this.#descriptor)
    closed.resolve()
  }
}

/** Whole lines, as many as a pipe takes in one piece; a line that is longer goes by itself. */
function lengthOfPiece(bytes: Buffer, from: number): number {
  const most = from + PIPE_PIECE_BYTES
  if (bytes.length <= most) return bytes.length - from
  const last = bytes.lastIndexOf(NEWLINE, most - 1)
  const end = last >= from ? last : bytes.indexOf(NEWLINE, most)
  return (end < 0 ? bytes.length : end + 1) - from
}
