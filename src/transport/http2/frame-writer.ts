// Frames out to one socket: heads and small bodies gathered in a borrowed block, large bodies passed by reference, all of
// one turn in one write (../http/write-batch.ts). A block returns to the pool as soon as the kernel has its bytes, which
// is at once unless the peer reads slowly: a connection at rest holds none.
import type { Socket } from 'node:net'

const BLOCK_BYTES = 65_536
/** A block with less room than this is not worth borrowing. */
const MIN_ROOM = 8192
const MAX_SPARE_BLOCKS = 32
/** Up to here a body is cheaper copied than sent as one more buffer of a writev. */
const COPIED_BODY_BYTES = 8192

interface Block {
  readonly bytes: Buffer
  /** What lies before may still be waiting in some socket. */
  used: number
}

const NO_BLOCK: Block = { bytes: Buffer.alloc(0), used: 0 }
const spare: Block[] = []

export class FrameWriter {
  readonly #socket: Socket
  #block: Block = NO_BLOCK
  /** What the block held when it was borrowed. */
  #first = 0
  /** Where the bytes begin that are not among `#parts` yet. */
  #start = 0
  #parts: Buffer[] = []
  #blocked = false
  /** Where to write next within the bytes that `reserve` gave. */
  position = 0

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** The socket's own queue is full: nothing but what must go should be written until its `drain`. */
  get isBlocked(): boolean {
    return this.#blocked
  }

  drained(): void {
    this.#blocked = false
  }

  /** Bytes with room for `length` (at most a frame) behind `position`, which the caller moves on. */
  reserve(length: number): Buffer {
    if (this.position + length <= this.#block.bytes.length) return this.#block.bytes
    if (this.#block !== NO_BLOCK) this.#seal()
    const block = spare.pop()
    this.#block =
      block !== undefined && block.used + length <= BLOCK_BYTES
        ? block
        : { bytes: Buffer.allocUnsafeSlow(BLOCK_BYTES), used: 0 }
    this.#first = this.#start = this.position = this.#block.used
    return this.#block.bytes
  }

  /** The bytes of `chunk[from, to)`, which are not changed any more. */
  body(chunk: Buffer, from: number, to: number): void {
    const length = to - from
    if (length <= COPIED_BODY_BYTES) {
      const bytes = this.reserve(length)
      chunk.copy(bytes, this.position, from, to)
      this.position += length
      return
    }
    this.#seal()
    this.#parts.push(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to))
  }

  flush(): void {
    const block = this.#block
    this.#seal()
    this.#block = NO_BLOCK
    this.#start = this.position = 0
    const parts = this.#parts
    const socket = this.#socket
    if (parts.length > 0 && !socket.destroyed && socket.writable) this.#write(parts)
    // Of several blocks only the last is worth the trouble. Its bytes are free again when the kernel has taken all.
    if (block === NO_BLOCK) return
    if (socket.writableLength === 0) block.used = this.#first
    if (parts.length > 0) this.#parts = []
    if (block.used + MIN_ROOM <= BLOCK_BYTES && spare.length < MAX_SPARE_BLOCKS) spare.push(block)
  }

  #write(parts: Buffer[]): void {
    const socket = this.#socket
    let open = true
    if (parts.length === 1) open = socket.write(parts[0]!)
    else {
      socket.cork()
      for (let i = 0; i < parts.length; i++) open = socket.write(parts[i]!)
      socket.uncork()
    }
    // What the kernel took at once leaves nothing to wait for, though it was more than the high-water mark.
    if (!open && socket.writableLength > 0) this.#blocked = true
  }

  #seal(): void {
    if (this.position === this.#start) return
    this.#parts.push(this.#block.bytes.subarray(this.#start, this.position))
    this.#block.used = this.position
    this.#start = this.position
  }
}
