import { ERROR_CODE } from '../../src/transport/http2/error-code.ts'
import { FLAG, FRAME } from '../../src/transport/http2/frame.ts'
import {
  block,
  data,
  frame,
  headers,
  type RawField,
  rstStream,
  settings,
  uint32,
  windowUpdate,
} from '../../src/transport/http2/testing/raw-frames.ts'
import type { HostileUpstreamClass } from './hostile-case.ts'

const OK: RawField = [':status', '200']
const head = headers(1, [OK])
const END = FLAG.endHeaders | FLAG.endStream
const empty = frame(FRAME.data, 0, 1)
const ping = frame(FRAME.ping, 0, 0, 'weftweft')
const hint = headers(1, [[':status', '103']])
const continued = frame(FRAME.continuation, 0, 1, block([['x', 'y']]))
/** x: 2000 bytes, entered in the table (RFC 7541 6.2.1), and then again, by one byte each. */
const bomb = Buffer.concat([
  block([OK]),
  Buffer.from([0x40, 1, 0x78, 0x7f, 0xd1, 0x0e]),
  Buffer.alloc(2000, 97),
  Buffer.alloc(10_000, 0xbe),
])
const trailers = block([['x', 'y'.repeat(61 * 1024)]])

function times(count: number, bytes: Buffer): Buffer {
  return Buffer.alloc(count * bytes.length, bytes)
}

const broken = (name: string, ...frames: Buffer[]) => ({
  name,
  send: Buffer.concat(frames),
  gets: '502, kept',
  upstream: 'closed',
})

/** The stream ends alone. */
const brokenStream = (name: string, ...frames: Buffer[]) => ({
  ...broken(name, ...frames),
  upstream: 'kept',
  counts: 'upstream_rq_tx_reset',
})
/** What breaks no rule but a limit: as if the upstream had reset the stream. */
const TOO_LARGE = {
  gets: '503, kept',
  counts: 'upstream_rq_rx_reset',
  logs: 'UR upstream_reset_before_response_started{remote_reset}',
}
/** The client can tell that it has not got all of it. */
const CUT = { gets: '200 cut short, closed', logs: 'UPE upstream_reset_after_response_started{protocol_error}' }

export const hostileClass: HostileUpstreamClass = {
  title: 'Upstreams that break HTTP/2',
  why: 'What breaks a stream ends that stream, what breaks the connection all of its streams; each client is told, and requests that come later get another connection.',
  protocol: 'http2',
  counts: 'upstream_cx_protocol_error, upstream_rq_tx_reset',
  logs: 'UPE upstream_reset_before_response_started{protocol_error}',
  answers: [
    {
      ...broken('SETTINGS without end, and no acknowledgement is read', times(1_500_000, settings())),
      deaf: 'upstream',
    },
    { ...broken('PING without end, and no answer is read', times(1_000_000, ping)), deaf: 'upstream' },
    broken('CONTINUATION without end', headers(1, [OK], 0), times(1000, continued)),
    { ...brokenStream('an HPACK bomb', frame(FRAME.headers, END, 1, bomb)), ...TOO_LARGE },
    broken('an index that is not in the table', frame(FRAME.headers, END, 1, Buffer.from([0xff, 0x7f]))),
    broken('1xx without end', times(20_000, hint)),
    { ...broken('frames that carry nothing', head, empty, empty), ...CUT },
    broken('PRIORITY without end', times(1000, frame(FRAME.priority, 0, 1, Buffer.from([0, 0, 0, 0, 1])))),
    broken('WINDOW_UPDATE without end', times(1000, windowUpdate(0, 1))),
    broken('a window beyond 2^31-1', windowUpdate(0, 0x7fffffff)),
    broken('a frame that is larger than allowed', frame(FRAME.data, 0, 1, Buffer.alloc(20_000))),
    broken('a stream that nobody opened', headers(7, [OK])),
    broken(
      'a promise, which was switched off',
      frame(FRAME.pushPromise, END, 1, Buffer.concat([uint32(2), block([])])),
    ),
    brokenStream('DATA before the head', data(1, 'hello', FLAG.endStream)),
    broken('no status', headers(1, [['x', 'y']], END)),
    broken('a name in upper case', headers(1, [OK, ['X', 'y']], END)),
    broken('CR and LF in a value', headers(1, [OK, ['x', 'a\r\nb: c']], END)),
    broken('a 101', headers(1, [[':status', '101']], END)),
    {
      ...brokenStream(
        'more content than its length',
        headers(1, [OK, ['content-length', '2']]),
        data(1, 'hello', FLAG.endStream),
      ),
      ...CUT,
    },
    {
      ...brokenStream(
        'trailers of 61 KiB',
        head,
        frame(FRAME.headers, FLAG.endStream, 1, trailers.subarray(0, 16_000)),
        ...[1, 2, 3].map(i =>
          frame(
            FRAME.continuation,
            i === 3 ? FLAG.endHeaders : 0,
            1,
            trailers.subarray(i * 16_000, i === 3 ? undefined : (i + 1) * 16_000),
          ),
        ),
      ),
      gets: CUT.gets,
      counts: 'upstream_rq_rx_reset',
      logs: 'UR upstream_reset_after_response_started{remote_reset}',
    },
    {
      ...brokenStream('RST_STREAM, a thousand times', times(1000, rstStream(1, ERROR_CODE.cancel))),
      gets: '503, kept',
      counts: 'upstream_rq_rx_reset',
      logs: 'UR upstream_reset_before_response_started{remote_reset}',
    },
    broken('RST_STREAM of streams that nobody opened', rstStream(7, ERROR_CODE.cancel)),
    {
      ...broken(
        'GOAWAY that counts the running stream out',
        frame(FRAME.goAway, 0, 0, Buffer.concat([uint32(0), uint32(0)])),
      ),
      gets: '503, kept',
      counts: 'upstream_cx_close_notify',
      logs: 'UR upstream_reset_before_response_started{remote_refused_stream_reset}',
    },
    {
      ...brokenStream(
        'DATA beyond the window, while the client reads nothing',
        head,
        times(2600, data(1, Buffer.alloc(16_384))),
      ),
      ...CUT,
      deaf: 'client',
    },
  ],
}
