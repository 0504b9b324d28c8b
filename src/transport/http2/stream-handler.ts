import type { HeaderList } from '../header-list.ts'
import type { ResponseHead } from '../request-head.ts'

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
  /** Server only: the response has been sent to its end, `isSending` is false. */
  onSent?(): void
}
