// Frames out to one socket: heads and small bodies gathered in an arena that all sockets of the process share, large bodies
// passed by reference, all of one turn in one write (../http/write-batch.ts).
//
//   arena  |held by sockets|a's frames|b's frames|a's frames|owner's frames ...      |
//                     used ^                                          position ^
//
// When every writer of a turn has written and no socket holds any of it, the next turn writes over it: the kernel takes
// nearly always all at once, and TLS has it encrypted by the end of the event loop's turn. A connection at rest holds
// nothing, and a turn touches no more memory than it has bytes.
import type { Socket } from 'node:net'

const ARENA_BYTES = 131_072
/** More, a megabyte, are seldom under way; beyond that one is left to the client that takes nothing. */
const MAX_HELD_ARENAS = 8
/** Up to here a body is cheaper copied than sent as one more buffer of a writev. */
const COPIED_BODY_BYTES = 8192

class Arena {
  readonly bytes: Buffer = Buffer.allocUnsafeSlow(ARENA_BYTES)
  /** What lies before is on its way, or still to be sent. */
  used = 0
  /** Who writes behind `used` now. */
  owner: FrameWriter | null = null
  /** Those with bytes that are not on their way yet. */
  writers = 0
  /** Writers whose sockets had not sent all when they were written to, the latest last, and up to where it is from here. */
  readonly #holders: FrameWriter[] = []
  readonly #marks: number[] = []

  hold(holder: FrameWriter, mark: number): void {
    this.#holders.push(holder)
    this.#marks.push(mark)
  }

  /** Free again from the beginning, unless some socket may still read from it. */
  reclaim(): boolean {
    if (this.writers > 0) return false
    for (let last = this.#holders.length - 1; last >= 0; last--) {
      if (!this.#holders[last]!.hasSent(this.#marks[last]!)) return false
      this.#holders.pop()
      this.#marks.pop()
    }
    this.used = 0
    return true
  }
}

let arena = new Arena()
/** Full ones that sockets hold, the one to look at next first. */
const heldArenas: Arena[] = []

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
  /** Bytes that the socket was given so far. */
  handed = 0

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

  /** Of the bytes handed to it the first `mark`, or nobody reads them any more: closed, its descriptor is gone. */
  hasSent(mark: number): boolean {
    const { closed, destroyed, writableLength } = this.#socket
    return closed || (!destroyed && this.handed - writableLength >= mark)
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
    const lives = !socket.destroyed && socket.writable
    if (parts.length > 0) {
      if (lives) this.#write(parts)
      this.#parts = []
    }
    const own = this.#arena
    if (own === null) return
    this.#arena = null
    own.writers--
    if (lives && socket.writableLength > 0) own.hold(this, this.handed)
    else own.reclaim()
  }

  #write(parts: readonly Buffer[]): void {
    const socket = this.#socket
    const several = parts.length > 1
    let open = true
    if (several) socket.cork()
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i]!
      this.handed += part.length
      open = socket.write(part)
    }
    if (several) socket.uncork()
    // What the kernel took at once leaves nothing to wait for, though it was more than the high-water mark.
    if (!open && socket.writableLength > 0) this.#blocked = true
  }

  #takeArena(length: number): void {
    if (arena.owner !== null) arena.owner.#leaveArena()
    if (arena.used > 0) arena.reclaim()
    if (arena.used + length > ARENA_BYTES) arena = nextArena(arena)
    arena.owner = this
    this.#start = this.position = arena.used
    const own = this.#arena
    if (own === arena) return
    if (own !== null) {
      own.writers--
      own.hold(this, this.handed + this.#gathered())
    }
    this.#arena = arena
    arena.writers++
  }

  /** Bytes among `#parts`. */
  #gathered(): number {
    let bytes = 0
    for (let i = 0; i < this.#parts.length; i++) bytes += this.#parts[i]!.length
    return bytes
  }

  #leaveArena(): void {
    if (arena.owner !== this) return
    arena.owner = null
    if (this.position === this.#start) return
    this.#parts.push(arena.bytes.subarray(this.#start, this.position))
    arena.used = this.position
  }
}

/**
 * In the place of one that is full: the one that has waited longest if its sockets have sent all, else a new one. Were the
 * full ones left to the collector, they would lie among the old objects by then, hundreds of megabytes before it looks at
 * those.
 */
function nextArena(full: Arena): Arena {
  heldArenas.push(full)
  const longest = heldArenas.shift()!
  if (longest.reclaim()) return longest
  if (heldArenas.length < MAX_HELD_ARENAS) heldArenas.push(longest)
  return new Arena()
}
