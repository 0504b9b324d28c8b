// Frames out to one socket: heads and small bodies gathered in an arena that all sockets of the process share, large bodies
// passed by reference, all of one turn in one write (../http/write-batch.ts).
//
//   arena  |held by sockets|a's frames|b's frames|a's frames|owner's frames ...      |
//                     base ^                                          position ^
//
// When every writer of a turn has written, what the kernel took at once, which is nearly always all, is free again: the
// next turn writes over it. A connection at rest holds nothing, and a turn touches no more memory than it has bytes.
import type { Socket } from 'node:net'

const ARENA_BYTES = 131_072
/** Up to here a body is cheaper copied than sent as one more buffer of a writev. */
const COPIED_BODY_BYTES = 8192

class Arena {
  readonly bytes: Buffer = Buffer.allocUnsafeSlow(ARENA_BYTES)
  /** What lies before may still wait in some socket. */
  base = 0
  used = 0
  /** Who writes behind `used` now. */
  owner: FrameWriter | null = null
  /** Those with bytes behind `base` that are not on their way yet. */
  writers = 0
  /** Some socket has kept bytes from behind `base`. */
  isHeld = false
}

let arena = new Arena()

export class FrameWriter {
  readonly #socket: Socket
  /** Where bytes of this writer are that are not on their way yet. */
  #arena: Arena | null = null
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

  /** Bytes with room for `length` (at most a frame) behind `position`, which the caller moves on at once. */
  reserve(length: number): Buffer {
    if (arena.owner !== this || this.position + length > ARENA_BYTES) this.#takeArena(length)
    return arena.bytes
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
    this.#leaveArena()
    this.#parts.push(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to))
  }

  flush(): void {
    this.#leaveArena()
    const socket = this.#socket
    const parts = this.#parts
    if (parts.length > 0) {
      if (!socket.destroyed && socket.writable) this.#write(parts)
      this.#parts = []
    }
    const own = this.#arena
    if (own === null) return
    this.#arena = null
    if (socket.writableLength > 0) own.isHeld = true
    if (--own.writers > 0) return
    if (own.isHeld) own.base = own.used
    else own.used = own.base
    own.isHeld = false
  }

  #write(parts: readonly Buffer[]): void {
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

  #takeArena(length: number): void {
    if (arena.owner !== null) arena.owner.#leaveArena()
    // One that is full is left to the sockets that still hold parts of it.
    if (arena.used + length > ARENA_BYTES) arena = new Arena()
    arena.owner = this
    this.#start = this.position = arena.used
    if (this.#arena === arena) return
    this.#arena = arena
    arena.writers++
  }

  #leaveArena(): void {
    if (arena.owner !== this) return
    arena.owner = null
    if (this.position === this.#start) return
    this.#parts.push(arena.bytes.subarray(this.#start, this.position))
    arena.used = this.position
  }
}
