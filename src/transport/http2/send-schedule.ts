// Streams that have data and the window to send it, each in its turn for one frame.
import type { StreamState } from './stream-state.ts'

export class SendSchedule {
  #first: StreamState | null = null
  #last: StreamState | null = null

  get isEmpty(): boolean {
    return this.#first === null
  }

  add(stream: StreamState): void {
    if (stream.isScheduled) return
    stream.isScheduled = true
    if (this.#last === null) this.#first = stream
    else this.#last.next = stream
    this.#last = stream
  }

  /** The next in turn, off the list. */
  take(): StreamState | null {
    const stream = this.#first
    if (stream === null) return null
    this.#first = stream.next
    if (this.#first === null) this.#last = null
    stream.next = null
    stream.isScheduled = false
    return stream
  }
}
