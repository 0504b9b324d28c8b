// Streams that have data and the window to send it, each in its turn for one frame.
import type { Http2Stream } from './stream.ts'

export class SendSchedule {
  #first: Http2Stream | null = null
  #last: Http2Stream | null = null

  get isEmpty(): boolean {
    return this.#first === null
  }

  add(stream: Http2Stream): void {
    const state = stream.state
    if (state.isScheduled) return
    state.isScheduled = true
    if (this.#last === null) this.#first = stream
    else this.#last.state.next = stream
    this.#last = stream
  }

  /** The next in turn, off the list. */
  take(): Http2Stream | null {
    const stream = this.#first
    if (stream === null) return null
    const state = stream.state
    this.#first = state.next
    if (this.#first === null) this.#last = null
    state.next = null
    state.isScheduled = false
    return stream
  }
}
