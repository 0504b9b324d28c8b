import { windowUpdate } from '../../src/transport/http2/testing/raw-frames.ts'
import type { HostileClass } from './hostile-case.ts'

export const hostileClass: HostileClass = {
  title: 'WINDOW_UPDATE for data that was never sent',
  why: 'A client needs few of them for each DATA frame it got; a thousand more only take work.',
  protocol: 'http2',
  counts: 'downstream_cx_protocol_error',
  logs: 'no line',
  cases: [
    {
      name: 'one byte at a time',
      send: Buffer.concat(new Array<Buffer>(1000).fill(windowUpdate(0, 1))),
      gets: 'GOAWAY ENHANCE_YOUR_CALM, closed',
      counts: 'http2.inbound_window_update_frames_flood',
      upstreamSees: 'nothing',
    },
    {
      name: 'a window beyond its bound',
      send: windowUpdate(0, 2 ** 31 - 1),
      gets: 'GOAWAY FLOW_CONTROL_ERROR, closed',
      upstreamSees: 'nothing',
    },
    {
      name: 'by nothing',
      send: windowUpdate(0, 0),
      gets: 'GOAWAY PROTOCOL_ERROR, closed',
      upstreamSees: 'nothing',
    },
  ],
}
