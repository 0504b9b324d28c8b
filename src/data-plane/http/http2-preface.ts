// Whether a connection on which no protocol was agreed is HTTP/2: its first bytes say.
import { PREFACE } from '../../transport/http2/frame.ts'

/** What an HTTP/2 client begins with (RFC 9113 3.4), up to where no HTTP/1.1 request has such a line. */
const FIRST_LINE = PREFACE.subarray(0, 'PRI * HTTP/2.0\r\n'.length)

/** Null: there are too few bytes to tell. */
export function beginsHttp2(bytes: Buffer): boolean | null {
  const length = Math.min(bytes.length, FIRST_LINE.length)
  if (bytes.compare(FIRST_LINE, 0, length, 0, length) !== 0) return false
  return length === FIRST_LINE.length ? true : null
}
