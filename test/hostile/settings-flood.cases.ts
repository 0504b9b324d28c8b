import { settings } from '../../src/transport/http2/testing/raw-frames.ts'
import type { HostileClass } from './hostile-case.ts'

const empty = settings()

export const hostileClass: HostileClass = {
  title: 'SETTINGS without end (CVE-2019-9515)',
  why: 'Each asks for an acknowledgement; a client that reads none of them has this side keep them all.',
  protocol: 'http2',
  counts: 'http2.outbound_control_flood',
  logs: 'no line',
  isDeaf: true,
  cases: [
    {
      name: 'no acknowledgement is read',
      send: Buffer.alloc(empty.length * 1_500_000, empty),
      gets: 'GOAWAY ENHANCE_YOUR_CALM, closed',
      upstreamSees: 'nothing',
    },
  ],
}
