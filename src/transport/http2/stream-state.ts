// What a connection keeps of a stream (RFC 9113 5.1): plain fields, which both of its halves read and change.
import type { HeaderList } from '../header-list.ts'
import type { Http2StreamHandler } from './stream-handler.ts'
import type { StreamQueue } from './stream-queue.ts'

export const NO_RESET = -1

export class StreamState {
  id = 0
  /** Null: nobody listens any more. */
  handler: Http2StreamHandler | null
  /** END_STREAM came. */
  remoteClosed = false
  /** END_STREAM was given by the owner; with `queue` empty and no trailers it was sent. */
  endGiven = false
  /** END_STREAM was sent. */
  localClosed = false
  isGone = false
  /** Client: the final response came. Server: it was sent. */
  hasResponse = false
  /** Client: the request was HEAD, whose response has no body whatever its fields say. */
  toHead = false
  /** Client: the request was CONNECT, whose response's length is no one's business (RFC 9110 9.3.6). */
  toConnect = false
  /** Bytes of body that content-length still promises; -1: it promised nothing. */
  expected = -1
  sendWindow: number
  receiveWindow: number
  /** Received and not credited to the peer yet. */
  uncredited = 0
  /** Of these, what came while the stream was paused. */
  held = 0
  isPaused = false
  queue: StreamQueue | null = null
  trailers: HeaderList | null = null
  /** Code of the reset that follows when all has been sent. */
  resetAfter = NO_RESET
  /** Scheduler's list. */
  next: StreamState | null = null
  isScheduled = false

  constructor(handler: Http2StreamHandler | null, sendWindow: number, receiveWindow: number) {
    this.handler = handler
    this.sendWindow = sendWindow
    this.receiveWindow = receiveWindow
  }
}
