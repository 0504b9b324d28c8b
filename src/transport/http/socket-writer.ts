// Bytes out to one socket: text and small bodies joined into one block, large bodies passed by reference, all of one turn
// in one write (write-batch.ts).
import type { Socket } from 'node:net'
import { type Borrower, LentBlocks } from './lent-blocks.ts'
import { joinBatch } from './write-batch.ts'

/** Up to here a body is cheaper copied behind the head than sent as a second buffer of a writev. */
const JOINED_BODY_BYTES = 8192
const BLOCK_BYTES = 16_384
/** Of one turn: more than a client's and an upstream's are seldom under way. */
const MAX_SPARE_BLOCKS = 4

// A module constant that the engine compiles once; on the usual one-byte string it fails without a look at it.
const BEYOND_LATIN1 = /[^\0-\xff]/

/** Blocks that no write needs any more, for the next that joins: of the process, as one writes at a time. */
const spareBlocks: Buffer[] = []
const lentBlocks = new LentBlocks()

export class SocketWriter implements Borrower {
  readonly #socket: Socket
  /** What comes first as long as nothing but text has come: Node writes a string from its stack, without a buffer. */
  #text = ''
  /** Text and bodies, joined; null until the first body. */
  #block: Buffer | null = null
  #blockLength = 0
  /** Whole parts before the block. */
  #buffers: Buffer[] = []
  #queued = false
  #blocked = false
  /** Bytes that the socket was given so far. */
  handed = 0

  /** The owner calls `drained` on the socket's event of that name. */
  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** The socket's own queue is full: stop feeding until its `drain`. */
  get isBlocked(): boolean {
    return this.#blocked
  }

  drained(): void {
    this.#blocked = false
  }

  /** Of the bytes handed to it the first `mark`, or nobody reads them any more: closed, its descriptor is gone. */
  hasSent(mark: number): boolean {
    const { closed, destroyed, writableLength } = this.#socket
    return closed || (!destroyed && this.handed - writableLength >= mark)
  }

  /** Characters up to U+00FF, a byte each. */
  text(text: string): void {
    if (this.#block === null) this.#text += text
    else this.#joinText(text)
    this.#queue()
  }

  body(chunk: Buffer): void {
    if (chunk.length <= JOINED_BODY_BYTES) {
      this.#moveText()
      this.#reserve(chunk.length).set(chunk, this.#blockLength)
      this.#blockLength += chunk.length
    } else {
      this.#moveText()
      this.#endBlock()
      this.#buffers.push(chunk)
    }
    this.#queue()
  }

  flush(): void {
    this.#queued = false
    const socket = this.#socket
    if (socket.destroyed || !socket.writable) {
      this.#drop()
      return
    }
    if (this.#buffers.length > 0) this.#flushBuffers()
    else if (this.#block !== null) this.#flushBlock(this.#block)
    else if (this.#text !== '') {
      const text = this.#text
      this.#text = ''
      this.handed += text.length
      this.#sent(socket.write(onlyLatin1(text), 'latin1'))
    }
  }

  #flushBlock(block: Buffer): void {
    const socket = this.#socket
    const bytes = block.subarray(0, this.#blockLength)
    this.#block = null
    this.handed += bytes.length
    // Behind other bytes it would wait: a copy, lest a few bytes keep a whole block.
    if (socket.writableLength > 0) {
      this.#sent(socket.write(Buffer.from(bytes)))
      release(block)
      return
    }
    this.#sent(socket.write(bytes))
    // What the socket still counts it still reads from the block.
    if (socket.writableLength === 0) release(block)
    else if (block.length === BLOCK_BYTES) lentBlocks.lend(block, this)
  }

  #flushBuffers(): void {
    const socket = this.#socket
    this.#moveText()
    this.#endBlock()
    const buffers = this.#buffers
    const several = buffers.length > 1
    if (several) socket.cork()
    let open = true
    for (let i = 0; i < buffers.length; i++) {
      const bytes = buffers[i]!
      this.handed += bytes.length
      open = socket.write(bytes)
    }
    if (several) socket.uncork()
    buffers.length = 0
    this.#sent(open)
  }

  /** What the kernel took at once leaves nothing to wait for, though it was more than the high-water mark. */
  #sent(open: boolean): void {
    if (!open && this.#socket.writableLength > 0) this.#blocked = true
  }

  #moveText(): void {
    if (this.#text === '') return
    const text = this.#text
    this.#text = ''
    this.#joinText(text)
  }

  #joinText(text: string): void {
    const safe = onlyLatin1(text)
    const block = this.#reserve(safe.length)
    this.#blockLength += block.write(safe, this.#blockLength, 'latin1')
  }

  /** A block with room for so many bytes more. */
  #reserve(bytes: number): Buffer {
    if (this.#block !== null && this.#blockLength + bytes > this.#block.length) this.#endBlock()
    if (this.#block === null) {
      this.#block = bytes > BLOCK_BYTES ? Buffer.allocUnsafeSlow(bytes) : takeBlock()
      this.#blockLength = 0
    }
    return this.#block
  }

  #endBlock(): void {
    if (this.#block !== null && this.#blockLength > 0) this.#buffers.push(this.#block.subarray(0, this.#blockLength))
    this.#block = null
  }

  #drop(): void {
    if (this.#block !== null) release(this.#block)
    this.#block = null
    this.#text = ''
    this.#buffers.length = 0
  }

  #queue(): void {
    if (this.#queued) return
    this.#queued = joinBatch(this)
    if (!this.#queued) this.flush()
  }
}

function takeBlock(): Buffer {
  return spareBlocks.pop() ?? lentBlocks.reclaim() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES)
}

function release(block: Buffer): void {
  if (block.length === BLOCK_BYTES && spareBlocks.length < MAX_SPARE_BLOCKS) spareBlocks.push(block)
}

/** Config may hold any character: one that is no byte must not turn into another, a line feed (U+010A) least of all. */
function onlyLatin1(text: string): string {
  if (!BEYOND_LATIN1.test(text)) return text
  let safe = ''
  for (let i = 0; i < text.length; i++) safe += text.charCodeAt(i) > 255 ? '?' : text[i]
  return safe
}
