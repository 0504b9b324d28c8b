import { headers } from '../../src/transport/http2/testing/raw-frames.ts'
import type { HostileClass } from './hostile-case.ts'
import { END, GET } from './http2-frames.ts'

export const hostileClass: HostileClass = {
  title: 'More streams than were announced',
  why: 'A stream beyond max_concurrent_streams (2 here) is refused alone; the client may send it again (RFC 9113 8.7).',
  protocol: 'http2',
  counts: 'http2.stream_refused_errors',
  logs: '2 x - via_upstream',
  config: { http2ProtocolOptions: { maxConcurrentStreams: 2 } },
  cases: [
    {
      name: 'three at once',
      send: Buffer.concat([headers(1, GET, END), headers(3, GET, END), headers(5, GET, END)]),
      gets: 'RST_STREAM REFUSED_STREAM, 2 x 200, kept',
      upstreamSees: '2 x GET /',
    },
  ],
}
