import { FRAME } from '../../src/transport/http2/frame.ts'
import { frame } from '../../src/transport/http2/testing/raw-frames.ts'
import type { HostileClass } from './hostile-case.ts'

const ping = frame(FRAME.ping, 0, 0, 'weftweft')

export const hostileClass: HostileClass = {
  title: 'PING without end (CVE-2019-9512)',
  why: 'Each asks for an answer; a client that reads none of them has this side keep them all.',
  protocol: 'http2',
  counts: 'http2.outbound_control_flood',
  logs: 'no line',
  isDeaf: true,
  cases: [
    {
      name: 'no answer is read',
      send: Buffer.alloc(ping.length * 1_000_000, ping),
      gets: 'GOAWAY ENHANCE_YOUR_CALM, closed',
      upstreamSees: 'nothing',
    },
  ],
}
