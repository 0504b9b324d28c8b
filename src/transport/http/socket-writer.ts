// Bytes out to one socket: text and small bodies joined into one string, large bodies passed by reference, all of one
// turn in one write (write-batch.ts).
import type { Socket } from 'node:net'
import { latin1 } from './latin1.ts'
import { joinBatch } from './write-batch.ts'

/** Up to here a body is cheaper copied into the head's string than sent as a second buffer of a writev. */
const JOINED_BODY_BYTES = 8192
/** Node writes strings up to this size from the stack, without allocating. */
const FLUSH_AT_CHARACTERS = 16_384

// A module constant that the engine compiles once; on the usual one-byte string it fails without a look at it.
const BEYOND_LATIN1 = /[^\0-\xff]/

export class SocketWriter {
  readonly #socket: Socket
  #text = ''
  #buffers: (string | Buffer)[] = []
  #queued = false
  #blocked = false

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

  /** Characters up to U+00FF, a byte each. */
  text(text: string): void {
    this.#text += text
    this.#queue()
  }

  body(chunk: Buffer): void {
    const length = chunk.length
    if (length <= JOINED_BODY_BYTES && this.#text.length + length <= FLUSH_AT_CHARACTERS) {
      this.#text += latin1(chunk, 0, length)
    } else {
      if (this.#text !== '') this.#buffers.push(this.#text)
      this.#text = ''
      this.#buffers.push(chunk)
    }
    this.#queue()
  }

  flush(): void {
    this.#queued = false
    const socket = this.#socket
    const text = this.#text
    this.#text = ''
    if (socket.destroyed || !socket.writable) {
      this.#buffers.length = 0
      return
    }
    if (this.#buffers.length === 0) {
      if (text !== '' && !socket.write(onlyLatin1(text), 'latin1')) this.#blocked = socket.writableLength > 0
      return
    }
    this.#flushBuffers(text)
  }

  #flushBuffers(text: string): void {
    const socket = this.#socket
    const buffers = this.#buffers
    const several = buffers.length > 1 || text !== ''
    if (several) socket.cork()
    let open = true
    for (let i = 0; i < buffers.length; i++) {
      const part = buffers[i]!
      open = typeof part === 'string' ? socket.write(onlyLatin1(part), 'latin1') : socket.write(part)
    }
    if (text !== '') open = socket.write(onlyLatin1(text), 'latin1')
    if (several) socket.uncork()
    buffers.length = 0
    // What the kernel took at once leaves nothing to wait for, though it was more than the high-water mark.
    if (!open && socket.writableLength > 0) this.#blocked = true
  }

  #queue(): void {
    if (this.#queued) return
    this.#queued = joinBatch(this)
    if (!this.#queued) this.flush()
  }
}

/** Config may hold any character: one that is no byte must not turn into another, a line feed (U+010A) least of all. */
function onlyLatin1(text: string): string {
  if (!BEYOND_LATIN1.test(text)) return text
  let safe = ''
  for (let i = 0; i < text.length; i++) safe += text.charCodeAt(i) > 255 ? '?' : text[i]
  return safe
}
