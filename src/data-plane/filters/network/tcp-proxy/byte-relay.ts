// Bytes from one socket, or tunnel, to another, one way: as fast as the receiver takes them, and no faster.
import type { Duplex } from 'node:stream'
import { readDirectly } from '../../../../transport/net/direct-read.ts'

export interface RelayOwner {
  onBytes(relay: ByteRelay, length: number): void
  /** The receiver is slower than the sender: nothing is read until it has caught up. */
  onPaused(relay: ByteRelay): void
  onResumed(relay: ByteRelay): void
}

export class ByteRelay {
  readonly from: Duplex
  readonly to: Duplex
  readonly #owner: RelayOwner
  #paused = false

  constructor(from: Duplex, to: Duplex, owner: RelayOwner) {
    this.from = from
    this.to = to
    this.#owner = owner
  }

  /** `early`: bytes read from the sender before. Both sockets must allow half-open connections. */
  start(early: Buffer | null): void {
    const { from, to } = this
    to.on('drain', () => this.#onDrain())
    if (early !== null) this.#forward(early)
    readDirectly(from, (chunk: Buffer) => this.#forward(chunk))
    // A FIN goes on as a FIN, behind the bytes before it; the other way stays open.
    if (from.readableEnded) to.end()
    else from.on('end', () => to.end())
  }

  #forward(chunk: Buffer): void {
    this.#owner.onBytes(this, chunk.length)
    // A full write answers false even where the kernel has taken every byte at once: then nothing waits, so read on.
    if (this.to.write(chunk) || this.to.writableLength === 0 || this.#paused) return
    this.#paused = true
    this.from.pause()
    this.#owner.onPaused(this)
  }

  #onDrain(): void {
    if (!this.#paused) return
    this.#paused = false
    this.from.resume()
    this.#owner.onResumed(this)
  }
}
