// The end of a connection that its owner is done with: what was written goes out, then a FIN. A peer that takes none of
// it is not waited for.
import type { Duplex } from 'node:stream'
import { type TimerWheel, WheelTimer, type WheelTimerTarget } from '../../base/timer-wheel.ts'

/** The stream counts a block once all of it is taken: a slow peer takes a large one in this time. */
const PATIENCE_MS = 10_000

export class LingeringClose implements WheelTimerTarget {
  readonly #socket: Duplex
  readonly #wheel: TimerWheel
  readonly #timer = new WheelTimer(this, 0)
  /** Bytes that waited for the peer when it was looked at last. */
  #unsent: number

  private constructor(socket: Duplex, wheel: TimerWheel) {
    this.#socket = socket
    this.#wheel = wheel
    this.#unsent = socket.writableLength
    wheel.set(this.#timer, PATIENCE_MS)
    socket.once('close', () => wheel.cancel(this.#timer))
  }

  /** Nothing is read any more. */
  static begin(socket: Duplex, wheel: TimerWheel): void {
    if (socket.destroyed) return
    if (socket.writableFinished) {
      socket.destroy()
      return
    }
    socket.once('finish', () => socket.destroy())
    if (!socket.writableEnded) socket.end()
    new LingeringClose(socket, wheel)
  }

  onTimer(): void {
    const unsent = this.#socket.writableLength
    if (unsent === this.#unsent) {
      this.#socket.destroy()
      return
    }
    this.#unsent = unsent
    this.#wheel.set(this.#timer, PATIENCE_MS)
  }
}
