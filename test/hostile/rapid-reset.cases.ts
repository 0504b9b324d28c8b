import { ERROR_CODE } from '../../src/transport/http2/error-code.ts'
import { headers, rstStream } from '../../src/transport/http2/testing/raw-frames.ts'
import type { HostileClass } from './hostile-case.ts'
import { END, GET } from './http2-frames.ts'

function opened(count: number): Buffer[] {
  return Array.from({ length: count }, (_, i) => headers(2 * i + 1, GET, END))
}

function reset(count: number): Buffer[] {
  return Array.from({ length: count }, (_, i) => rstStream(2 * i + 1, ERROR_CODE.cancel))
}

export const hostileClass: HostileClass = {
  title: 'HTTP/2 rapid reset (CVE-2023-44487)',
  why: 'A stream that is reset as soon as it is opened counts against no stream limit, and costs a request each.',
  protocol: 'http2',
  counts: 'downstream_cx_protocol_error, downstream_rq_too_many_premature_resets',
  logs: '250 x DR http2.remote_reset',
  cases: [
    {
      name: 'each stream is reset at once',
      send: Buffer.concat(opened(300).flatMap((head, i) => [head, reset(300)[i]!])),
      gets: 'GOAWAY ENHANCE_YOUR_CALM, closed',
      upstreamSees: 'nothing',
    },
    {
      name: 'many streams are opened, then all are reset',
      send: Buffer.concat([...opened(300), ...reset(300)]),
      gets: 'GOAWAY ENHANCE_YOUR_CALM, closed',
      logs: '250 x DR http2.remote_reset, 50 x - too_many_premature_resets',
      upstreamSees: 'nothing',
    },
  ],
}
