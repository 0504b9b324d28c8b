import { FRAME } from '../../src/transport/http2/frame.ts'
import { frame } from '../../src/transport/http2/testing/raw-frames.ts'
import type { HostileClass } from './hostile-case.ts'

function priority(streamId: number): Buffer {
  return frame(FRAME.priority, 0, streamId, Buffer.from([0, 0, 0, 0, 1]))
}

export const hostileClass: HostileClass = {
  title: 'PRIORITY without end (CVE-2019-9513)',
  why: 'Priorities are ignored here, and still each frame of them takes work.',
  protocol: 'http2',
  counts: 'http2.inbound_priority_frames_flood',
  logs: 'no line',
  cases: [
    {
      name: 'of idle streams',
      send: Buffer.concat(Array.from({ length: 1000 }, (_, i) => priority(2 * i + 1))),
      gets: 'GOAWAY ENHANCE_YOUR_CALM, closed',
      upstreamSees: 'nothing',
    },
    {
      name: 'of one stream',
      send: Buffer.concat(Array.from({ length: 1000 }, () => priority(1))),
      gets: 'GOAWAY ENHANCE_YOUR_CALM, closed',
      upstreamSees: 'nothing',
    },
  ],
}
