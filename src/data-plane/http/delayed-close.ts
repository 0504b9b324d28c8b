// The end of a connection that this side closes: behind what is left to send a FIN, and a moment for the client to read both
// (Envoy's delayed_close_timeout).
import type { Socket } from 'node:net'
import { type TimerWheel, WheelTimer } from '../../base/timer-wheel.ts'
import type { ConnectionManagerConfig } from './connection-manager-config.ts'

export class DelayedClose {
  readonly #connection: { destroy(): void }
  readonly #socket: Socket
  readonly #wheel: TimerWheel
  readonly #timeoutMs: number
  readonly #timer = new WheelTimer(this, 0)
  /** Bytes that waited for the client when it was looked at last. */
  #unsent: number

  constructor(connection: { destroy(): void }, socket: Socket, { wheel, timeouts }: ConnectionManagerConfig) {
    this.#connection = connection
    this.#socket = socket
    this.#wheel = wheel
    this.#timeoutMs = timeouts.delayedClose
    socket.end()
    this.#unsent = socket.writableLength
    if (this.#timeoutMs > 0) wheel.set(this.#timer, this.#timeoutMs)
    // As in Envoy: no moment to read, but all the time to take what is left.
    else socket.once('finish', () => connection.destroy())
  }

  /** The connection has gone by itself. */
  stop(): void {
    this.#wheel.cancel(this.#timer)
  }

  /** A client that still takes the last response, slowly, is waited for; one that stands still is not. */
  onTimer(): void {
    const unsent = this.#socket.writableLength
    if (unsent === 0 || unsent === this.#unsent) {
      this.#connection.destroy()
      return
    }
    this.#unsent = unsent
    this.#wheel.set(this.#timer, this.#timeoutMs)
  }
}
