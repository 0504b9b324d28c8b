// The streams of a connection by id, and which ids were used (RFC 9113 5.1.1).
import { ClosedStreams } from './closed-streams.ts'
import { MAX_WINDOW } from './frame.ts'
import type { StreamState } from './stream-state.ts'

export class StreamTable {
  readonly open = new Map<number, StreamState>()
  readonly closed = new ClosedStreams()
  /** Highest id that the peer opened. */
  lastPeerId = 0
  /** Highest id that is served after GOAWAY. */
  lastServedId = MAX_WINDOW
  /** Streams that the peer opened here, or that were sent. */
  opened = 0
  readonly #isServer: boolean
  #nextId = 1

  constructor(isServer: boolean) {
    this.#isServer = isServer
  }

  /** Whether `ahead` ids are left besides those given out. */
  hasIds(ahead: number): boolean {
    return this.#nextId + 2 * ahead <= MAX_WINDOW
  }

  /** Gives the stream of a client its id. */
  addOwn(stream: StreamState): void {
    stream.id = this.#nextId
    this.#nextId += 2
    this.opened++
    this.open.set(stream.id, stream)
  }

  /** Whether a request may come on this id: odd, and higher than all before. */
  isNext(streamId: number): boolean {
    return this.#isServer && (streamId & 1) === 1 && streamId > this.lastPeerId
  }

  /** Never used by the side that may use it. */
  isIdle(streamId: number): boolean {
    const isOdd = (streamId & 1) === 1
    if (this.#isServer) return !isOdd || streamId > this.lastPeerId
    return !isOdd || streamId >= this.#nextId
  }

  /** Opened after the last that GOAWAY said would be served. */
  isIgnored(streamId: number): boolean {
    return streamId > this.lastServedId && streamId <= this.lastPeerId
  }
}
