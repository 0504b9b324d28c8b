// A downstream connection as its stream sees it.
import type { HeaderList } from '../../transport/header-list.ts'
import type { ConnectionInfo } from '../connection-info.ts'

export interface StreamConnection {
  readonly info: ConnectionInfo
  /** The response must say that the connection closes after it. */
  readonly isClosing: boolean
  /** The client takes no more bytes for now; `onDownstreamDrained` of the stream follows. */
  readonly isBlocked: boolean
  writeHead(status: number, headers: HeaderList, endStream: boolean, toHead: boolean, close: boolean): void
  writeBody(chunk: Buffer, endStream: boolean): void
  writeContinue(): void
  pauseReading(): void
  resumeReading(): void
  /** The stream is over. `close`: nothing may follow it on the connection. */
  onStreamEnd(close: boolean): void
  /** In place of the connection manager's, for the current stream. Milliseconds; 0: none. */
  setStreamIdleTimeout(timeoutMs: number): void
  /** Something happened on the stream: its idle time starts anew. */
  touch(): void
}
