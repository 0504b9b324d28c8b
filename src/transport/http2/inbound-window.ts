// Credit that this side gives its peer for data (RFC 9113 5.2): back as soon as half a window has come. A stream that is
// paused gets none, and the connection goes on for the others, until what waits in paused streams is as much as a whole
// connection's window: one slow reader stops nobody, many of them stop the peer.
import { DEFAULT_WINDOW } from './frame.ts'
import type { Outbound } from './outbound.ts'
import type { Http2Settings } from './session-options.ts'
import type { StreamState } from './stream-state.ts'

export class InboundWindow {
  readonly #outbound: Outbound
  readonly #size: number
  readonly #streamSize: number
  #left: number
  #uncredited = 0
  #held = 0

  constructor(outbound: Outbound, settings: Http2Settings) {
    this.#outbound = outbound
    this.#size = Math.max(settings.initialConnectionWindow, DEFAULT_WINDOW)
    this.#streamSize = settings.initialStreamWindow
    this.#left = this.#size
  }

  /** A frame of this length came, whatever becomes of it; false when the peer had no credit for it. */
  take(length: number): boolean {
    this.#left -= length
    this.#uncredited += length
    return this.#left >= 0
  }

  /** The same for one stream. */
  takeFrom(stream: StreamState, length: number): boolean {
    stream.receiveWindow -= length
    stream.uncredited += length
    return stream.receiveWindow >= 0
  }

  /** A frame for `stream` was handed on; null: it was dropped. */
  credit(stream: StreamState | null, length: number): void {
    if (stream !== null && !stream.isGone) {
      if (stream.isPaused) {
        stream.held += length
        this.#held += length
      } else this.#creditStream(stream)
    }
    this.#creditConnection()
  }

  /** The stream goes on, or is gone. */
  release(stream: StreamState): void {
    this.#held -= stream.held
    stream.held = 0
    if (!stream.isGone) this.#creditStream(stream)
    this.#creditConnection()
  }

  #creditStream(stream: StreamState): void {
    // The credit would come too late to be of use.
    if (stream.remoteClosed || stream.uncredited < this.#streamSize >>> 1) return
    this.#outbound.windowUpdate(stream.id, stream.uncredited)
    stream.receiveWindow += stream.uncredited
    stream.uncredited = 0
  }

  #creditConnection(): void {
    if (this.#uncredited < this.#size >>> 1 || this.#held > this.#size) return
    this.#outbound.windowUpdate(0, this.#uncredited)
    this.#left += this.#uncredited
    this.#uncredited = 0
  }
}
