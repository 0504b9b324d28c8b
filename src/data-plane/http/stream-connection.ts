// A downstream connection as its stream sees it.
import type { HeaderList } from '../../transport/header-list.ts'
import type { RequestHead, ResponseHead } from '../../transport/request-head.ts'
import type { ConnectionInfo } from '../connection-info.ts'
import type { StreamInfo } from '../stream-info.ts'
import type { RedirectHistory } from './redirect-history.ts'

export interface RenewedStream {
  redirects: RedirectHistory | null
  /** `body`: all of it. */
  beginAgain(body: Buffer): void
}

export interface StreamConnection {
  readonly info: ConnectionInfo
  /** The response must say that the connection closes after it. */
  readonly isClosing: boolean
  /** The client takes no more bytes for now; `onDownstreamDrained` of the stream follows. */
  readonly isBlocked: boolean
  /** `close`: the connection ends with this response. A 1xx but 101 leaves the response to come. */
  writeHead(head: ResponseHead, endStream: boolean, close: boolean): void
  writeBody(chunk: Buffer, endStream: boolean): void
  /** Ends the response. */
  writeTrailers(trailers: HeaderList): void
  writeContinue(): void
  pauseReading(): void
  resumeReading(): void
  /** The stream is over. `whole`: request and response both came to their end; else what carries them must end, too. */
  onStreamEnd(whole: boolean): void
  /** Another stream in the place of the current one, which is over: the request is here, all of it. */
  renewStream(head: RequestHead, info: StreamInfo): RenewedStream
  /** In place of the connection manager's, for the current stream. Milliseconds; 0: none. */
  setStreamIdleTimeout(timeoutMs: number): void
  /** Something happened on the stream: its idle time starts anew. */
  touch(): void
}
