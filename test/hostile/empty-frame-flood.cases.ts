import { FLAG, FRAME } from '../../src/transport/http2/frame.ts'
import { data, frame, headers } from '../../src/transport/http2/testing/raw-frames.ts'
import type { HostileClass } from './hostile-case.ts'
import { POST } from './http2-frames.ts'

const padding = frame(FRAME.data, FLAG.padded, 1, Buffer.from([3, 0, 0, 0]))

export const hostileClass: HostileClass = {
  title: 'Frames that carry nothing (CVE-2019-9518)',
  why: 'They take work and no window, so flow control never stops them.',
  protocol: 'http2',
  counts: 'http2.inbound_empty_frames_flood',
  logs: 'DPE http2.inbound_empty_frames_flood',
  cases: [
    {
      name: 'DATA',
      send: Buffer.concat([headers(1, POST), data(1, ''), data(1, '')]),
      gets: 'GOAWAY ENHANCE_YOUR_CALM, closed',
      upstreamSees: 'nothing',
    },
    {
      name: 'DATA of padding alone',
      send: Buffer.concat([headers(1, POST), padding, padding]),
      gets: 'GOAWAY ENHANCE_YOUR_CALM, closed',
      upstreamSees: 'nothing',
    },
  ],
}
