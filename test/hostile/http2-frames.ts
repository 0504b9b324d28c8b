// The plain requests that hostile HTTP/2 clients vary.
import { FLAG } from '../../src/transport/http2/frame.ts'
import type { RawField } from '../../src/transport/http2/testing/raw-frames.ts'

export const GET: readonly RawField[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'a'],
]
export const POST: readonly RawField[] = [[':method', 'POST'], ...GET.slice(1)]
export const END: number = FLAG.endHeaders | FLAG.endStream
