// Two sockets of one process that are joined to each other: what one writes the other reads, as over loopback, but no
// system call carries it.
import { Socket } from 'node:net'

type Done = (error?: Error | null) => void

export class PairedSocket extends Socket {
  #peer: PairedSocket | null = null
  /** Of a write that waits until the peer's reader asks for more. */
  #onTaken: Done | null = null
  #hasEnded = false
  #resets = false

  static join(one: PairedSocket, other: PairedSocket): void {
    one.#peer = other
    other.#peer = one
  }

  override _read(): void {
    const peer = this.#peer
    if (peer !== null) peer.#taken(null)
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: Done): void {
    // A copy, as the kernel makes one: whose write is done may write over what it gave, and the peer may not have read yet.
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : Buffer.from(chunk)
    // Later: a reader that answers at once must not meet its writer in the middle of a write.
    process.nextTick(PairedSocket.#deliver, this, bytes, done)
  }

  override _writev(chunks: readonly { chunk: Buffer | string; encoding: BufferEncoding }[], done: Done): void {
    const parts = chunks.map(({ chunk, encoding }) =>
      typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk,
    )
    process.nextTick(PairedSocket.#deliver, this, Buffer.concat(parts), done)
  }

  override _final(done: Done): void {
    process.nextTick(() => {
      const peer = this.#peer
      if (peer !== null) peer.#hearEnd()
      done()
    })
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#taken(error ?? failure('EPIPE'))
    super._destroy(error, done)
    const peer = this.#peer
    if (peer !== null) process.nextTick(() => peer.#hearClose(this.#resets))
  }

  /** The peer is told so, as by an RST. */
  override resetAndDestroy(): this {
    this.#resets = true
    return this.destroy()
  }

  static #deliver(from: PairedSocket, bytes: Buffer, done: Done): void {
    const to = from.#peer
    if (to === null || to.destroyed) done(failure('EPIPE'))
    else if (to.push(bytes)) done()
    else from.#onTaken = done
  }

  /** A FIN: the other way stays open. */
  #hearEnd(): void {
    if (this.destroyed || this.#hasEnded) return
    this.#hasEnded = true
    this.push(null)
  }

  #hearClose(byReset: boolean): void {
    if (this.destroyed) return
    // What nobody will read any more resets its sender (RFC 9293 3.6.1).
    if (byReset || this.#onTaken !== null) this.destroy(failure('ECONNRESET'))
    else this.#hearEnd()
  }

  #taken(error: Error | null): void {
    const done = this.#onTaken
    this.#onTaken = null
    done?.(error)
  }
}

function failure(code: 'EPIPE' | 'ECONNRESET'): Error {
  return Object.assign(new Error(`write ${code}`), { code })
}
