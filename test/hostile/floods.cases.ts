// Frames that cost the sender nothing and this side something.
import { FLAG, FRAME } from '../../src/transport/http2/frame.ts'
import {
  data,
  frame,
  headers,
  type RawField,
  rstStream,
  settings,
  windowUpdate,
} from '../../src/transport/http2/testing/raw-frames.ts'
import type { HostileClass } from './hostile-case.ts'

const GET: readonly RawField[] = [
  [':method', 'GET'],
  [':path', '/a'],
  [':scheme', 'http'],
  [':authority', 'a'],
]
const POST: readonly RawField[] = [[':method', 'POST'], ...GET.slice(1)]
const times = (count: number, make: (index: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, index) => make(index)))
const whole = FLAG.endHeaders | FLAG.endStream
const calm = 'GOAWAY ENHANCE_YOUR_CALM, closed'

export const hostileClass: HostileClass = {
  title: 'HTTP/2 floods',
  why: 'Each is counted against what an honest client could need (Envoy’s limits); beyond it the connection ends.',
  protocol: 'http2',
  cases: [
    {
      name: 'rapid reset (CVE-2023-44487): 600 streams, each reset at once',
      send: times(600, i => Buffer.concat([headers(2 * i + 1, GET, whole), rstStream(2 * i + 1, 8)])),
      gets: calm,
      upstreamSees: 'nothing',
    },
    {
      name: 'CONTINUATION flood (CVE-2024-27316): a field section without an end',
      send: Buffer.concat([
        headers(1, GET, 0),
        times(20_000, () => frame(FRAME.continuation, 0, 1, Buffer.alloc(100, 0x0f))),
      ]),
      gets: calm,
      upstreamSees: 'nothing',
    },
    {
      name: 'empty CONTINUATION frames',
      send: Buffer.concat([headers(1, GET, 0), times(100, () => frame(FRAME.continuation, 0, 1))]),
      gets: calm,
      upstreamSees: 'nothing',
    },
    {
      name: 'empty DATA frames',
      send: Buffer.concat([headers(1, POST), times(100, () => data(1, ''))]),
      gets: calm,
      upstreamSees: 'nothing',
    },
    {
      name: 'PRIORITY frames',
      send: times(500, () => frame(FRAME.priority, 0, 1, Buffer.from([0, 0, 0, 3, 1]))),
      gets: calm,
      upstreamSees: 'nothing',
    },
    {
      name: 'WINDOW_UPDATE frames',
      send: times(500, () => windowUpdate(0, 1)),
      gets: calm,
      upstreamSees: 'nothing',
    },
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
      name: 'a header list of 100 KiB in a few references (HPACK bomb)',
      send: Buffer.concat([
        frame(
          FRAME.headers,
          whole,
          1,
          Buffer.concat([
            Buffer.from([0x82, 0x86, 0x84, 0x41, 0x01, 0x61]),
            // One field of 3 KiB into the dynamic table, and then forty references to it.
            Buffer.from([0x40, 0x01, 0x78, 0x7f, 0x81, 0x17]),
            Buffer.alloc(3072, 0x79),
            Buffer.alloc(40, 0xbe),
          ]),
        ),
      ]),
      gets: 'RST_STREAM INTERNAL_ERROR, kept',
      upstreamSees: 'nothing',
    },
    {
      name: 'a reference to a table entry that is not there',
      send: frame(FRAME.headers, whole, 1, Buffer.from([0xff, 0x7f])),
      gets: 'GOAWAY COMPRESSION_ERROR, closed',
      upstreamSees: 'nothing',
    },
  ],
}
