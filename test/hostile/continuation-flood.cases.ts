import { FRAME } from '../../src/transport/http2/frame.ts'
import { block, frame, headers } from '../../src/transport/http2/testing/raw-frames.ts'
import type { HostileClass } from './hostile-case.ts'
import { GET } from './http2-frames.ts'

const head = headers(1, GET, 0)
const small = frame(FRAME.continuation, 0, 1, block([['x', 'y']]))
const large = frame(FRAME.continuation, 0, 1, block([['x', 'y'.repeat(16_000)]]))
const empty = frame(FRAME.continuation, 0, 1)

function repeated(count: number, bytes: Buffer): Buffer {
  return Buffer.concat([head, ...new Array<Buffer>(count).fill(bytes)])
}

export const hostileClass: HostileClass = {
  title: 'CONTINUATION without end (CVE-2024-27316)',
  why: 'Until a header block ends no limit on headers applies to it, unless the block itself has one.',
  protocol: 'http2',
  counts: 'downstream_cx_protocol_error',
  logs: 'DPE http2.inbound_continuation_frames_flood',
  cases: [
    {
      name: 'small frames',
      send: repeated(1000, small),
      gets: 'GOAWAY ENHANCE_YOUR_CALM, closed',
      upstreamSees: 'nothing',
    },
    {
      name: 'large frames',
      send: repeated(20, large),
      gets: 'GOAWAY ENHANCE_YOUR_CALM, closed',
      upstreamSees: 'nothing',
    },
    {
      name: 'empty frames',
      send: repeated(3, empty),
      gets: 'GOAWAY ENHANCE_YOUR_CALM, closed',
      counts: 'http2.inbound_empty_frames_flood',
      logs: 'DPE http2.inbound_empty_frames_flood',
      upstreamSees: 'nothing',
    },
    {
      name: 'another frame inside the block',
      send: Buffer.concat([head, frame(FRAME.ping, 0, 0, 'weftweft')]),
      gets: 'GOAWAY PROTOCOL_ERROR, closed',
      logs: 'DPE http2.protocol_error',
      upstreamSees: 'nothing',
    },
  ],
}
