// One stream of a connection (RFC 9113 5), as its owner sees it.
import type { HeaderList } from '../header-list.ts'
import type { RequestHead } from '../request-head.ts'
import type { StreamState } from './stream-state.ts'

/** The connection, as a stream sees it. */
export interface StreamConnection {
  sendRequest(stream: StreamState, head: RequestHead, path: string, authority: string, endStream: boolean): void
  sendResponse(stream: StreamState, status: number, headers: HeaderList, endStream: boolean): void
  sendData(stream: StreamState, chunk: Buffer, endStream: boolean): void
  sendTrailers(stream: StreamState, headers: HeaderList): void
  resetStream(stream: StreamState, code: number): void
  /** What was received while it was paused may be credited to the peer. */
  resumeStream(stream: StreamState): void
}

export class Http2Stream {
  readonly #connection: StreamConnection
  readonly #state: StreamState

  constructor(connection: StreamConnection, state: StreamState) {
    this.#connection = connection
    this.#state = state
  }

  /** 0 before a client has sent its request: ids go up in the order of sending. */
  get id(): number {
    return this.#state.id
  }

  /** More waits for the peer than should: stop feeding until `onDrained`. */
  get isBlocked(): boolean {
    return this.#state.queue?.isBlocked === true
  }

  /** Given to its end, of which something waits for the peer's window or the socket. */
  get isSending(): boolean {
    const { endGiven, localClosed, isGone } = this.#state
    return endGiven && !localClosed && !isGone
  }

  /** The path and the authority stand apart because a route may have rewritten them. */
  sendRequest(head: RequestHead, path: string, authority: string, endStream: boolean): void {
    this.#connection.sendRequest(this.#state, head, path, authority, endStream)
  }

  /** Also an interim response. */
  sendResponse(status: number, headers: HeaderList, endStream: boolean): void {
    this.#connection.sendResponse(this.#state, status, headers, endStream)
  }

  /** `chunk` is not changed any more. */
  sendData(chunk: Buffer, endStream: boolean): void {
    this.#connection.sendData(this.#state, chunk, endStream)
  }

  sendTrailers(headers: HeaderList): void {
    this.#connection.sendTrailers(this.#state, headers)
  }

  /** No call of the handler follows. With NO_ERROR what was sent to its end still goes out, and the reset after it. */
  reset(code: number): void {
    this.#connection.resetStream(this.#state, code)
  }

  /** The peer gets no more credit for this stream; what it may still send by the credit it has is handed on. */
  pause(): void {
    this.#state.isPaused = true
  }

  resume(): void {
    if (!this.#state.isPaused) return
    this.#state.isPaused = false
    this.#connection.resumeStream(this.#state)
  }
}
