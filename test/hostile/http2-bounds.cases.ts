// Numbers beyond what HTTP/2 allows.
import { FLAG, FRAME } from '../../src/transport/http2/frame.ts'
import { frame, settings, windowUpdate } from '../../src/transport/http2/testing/raw-frames.ts'
import type { HostileClass } from './hostile-case.ts'

export const hostileClass: HostileClass = {
  title: 'HTTP/2 bounds',
  why: 'RFC 9113 6.5.2, 6.9.1 and RFC 7541 2.3.3: arithmetic that would go wrong ends the connection.',
  protocol: 'http2',
  counts: 'downstream_cx_protocol_error',
  logs: 'no line',
  cases: [
    {
      name: 'a window beyond 2^31-1',
      send: windowUpdate(0, 0x7fffffff),
      gets: 'GOAWAY FLOW_CONTROL_ERROR, closed',
      upstreamSees: 'nothing',
    },
    {
      name: 'an initial window beyond 2^31-1',
      send: settings([4, 0x80000000]),
      gets: 'GOAWAY FLOW_CONTROL_ERROR, closed',
      upstreamSees: 'nothing',
    },
    {
      name: 'a reference to a table entry that is not there',
      send: frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 1, Buffer.from([0xff, 0x7f])),
      gets: 'GOAWAY COMPRESSION_ERROR, closed',
      logs: 'DPE http2.compression_error',
      upstreamSees: 'nothing',
    },
  ],
}
