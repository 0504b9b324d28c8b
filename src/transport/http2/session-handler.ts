import type { RequestHead } from '../request-head.ts'
import type { Http2Stream } from './stream.ts'
import type { Http2StreamHandler } from './stream-handler.ts'

/** The connection's owner. */
export interface Http2SessionHandler {
  /** Server only: a request; the stream's handler. `fields`: bits of FIELD. */
  onRequest(stream: Http2Stream, head: RequestHead, fields: number, endStream: boolean): Http2StreamHandler
  /** Server only: a request was refused before anyone saw it. Its stream is reset, or the connection fails: `isFatal`. */
  onRequestRefused?(code: number, details: string, isFatal: boolean): void
  /** Client only: the peer announced settings, or a stream was freed; `canOpenStream` may have changed. */
  onCapacity(): void
  onGoAway(lastStreamId: number, code: number): void
  /** The peer broke a rule of the connection: GOAWAY is written, nothing more is parsed. To be flushed and closed. */
  onSessionError(code: number, details: string): void
  /** The answer to `ping`. */
  onPing?(): void
}
