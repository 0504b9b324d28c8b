// One stream of a connection (RFC 9113 5): what its owner calls, and what connection and stream have to know of each other.
import type { HeaderList } from '../header-list.ts'
import type { RequestHead, ResponseHead } from '../request-head.ts'
import type { StreamQueue } from './stream-queue.ts'

/** A stream's owner. */
export interface Http2StreamHandler {
  /** Client only: the final response, or an interim one (status below 200). `fields`: bits of FIELD. */
  onResponse(head: ResponseHead, fields: number, endStream: boolean): void
  /** Valid after the call too. */
  onData(chunk: Buffer, endStream: boolean): void
  /** Ends the receiving side. */
  onTrailers(headers: HeaderList): void
  /** RST_STREAM came, the stream broke a rule (then RST_STREAM was sent already), or the session is gone. Once, last. */
  onReset(code: number, remote: boolean, details: string): void
  /** `isBlocked` has become false. */
  onDrained(): void
}

/** The connection, as a stream sees it. */
export interface StreamConnection {
  sendRequest(stream: Http2Stream, head: RequestHead, path: string, authority: string, endStream: boolean): void
  sendResponse(stream: Http2Stream, status: number, headers: HeaderList, endStream: boolean): void
  sendData(stream: Http2Stream, chunk: Buffer, endStream: boolean): void
  sendTrailers(stream: Http2Stream, headers: HeaderList): void
  resetStream(stream: Http2Stream, code: number): void
  /** What was received while it was paused may be credited to the peer. */
  resumeStream(stream: Http2Stream): void
}

export class Http2Stream {
  readonly #connection: StreamConnection
  /** Of the connection, as all that follows. */
  readonly state: StreamState

  constructor(connection: StreamConnection, state: StreamState) {
    this.#connection = connection
    this.state = state
  }

  /** 0 before a client has sent its request: ids go up in the order of sending. */
  get id(): number {
    return this.state.id
  }

  /** More waits for the peer than should: stop feeding until `onDrained`. */
  get isBlocked(): boolean {
    return this.state.queue?.isBlocked === true
  }

  /** The path and the authority stand apart because a route may have rewritten them. */
  sendRequest(head: RequestHead, path: string, authority: string, endStream: boolean): void {
    this.#connection.sendRequest(this, head, path, authority, endStream)
  }

  /** Also an interim response. */
  sendResponse(status: number, headers: HeaderList, endStream: boolean): void {
    this.#connection.sendResponse(this, status, headers, endStream)
  }

  /** `chunk` is not changed any more. */
  sendData(chunk: Buffer, endStream: boolean): void {
    this.#connection.sendData(this, chunk, endStream)
  }

  sendTrailers(headers: HeaderList): void {
    this.#connection.sendTrailers(this, headers)
  }

  /** No call of the handler follows. With NO_ERROR what was sent to its end still goes out, and the reset after it. */
  reset(code: number): void {
    this.#connection.resetStream(this, code)
  }

  /** The peer gets no more credit for this stream; what it may still send by the credit it has is handed on. */
  pause(): void {
    this.state.isPaused = true
  }

  resume(): void {
    if (!this.state.isPaused) return
    this.state.isPaused = false
    this.#connection.resumeStream(this)
  }
}

export const NO_RESET = -1

/** What a connection keeps of a stream. */
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
  next: Http2Stream | null = null
  isScheduled = false

  constructor(handler: Http2StreamHandler | null, sendWindow: number, receiveWindow: number) {
    this.handler = handler
    this.sendWindow = sendWindow
    this.receiveWindow = receiveWindow
  }
}
