// Messages that HTTP/2 forbids, and that a translation to HTTP/1.1 would turn into something else.
import { FLAG, FRAME } from '../../src/transport/http2/frame.ts'
import { data, frame, headers, type RawField } from '../../src/transport/http2/testing/raw-frames.ts'
import type { HostileClass } from './hostile-case.ts'

const whole = FLAG.endHeaders | FLAG.endStream
const GET: readonly RawField[] = [
  [':method', 'GET'],
  [':path', '/a'],
  [':scheme', 'http'],
  [':authority', 'a'],
]
const get = (...more: readonly RawField[]): Buffer => headers(1, [...GET, ...more], whole)
const without = (name: string): Buffer =>
  headers(
    1,
    GET.filter(([own]) => own !== name),
    whole,
  )
const broken = 'GOAWAY PROTOCOL_ERROR, closed'

export const hostileClass: HostileClass = {
  title: 'HTTP/2 messages',
  why: 'RFC 9113 8.1.1 to 8.3: a message that is malformed must not be translated. As in Envoy it costs the connection, unless override_stream_error_on_invalid_http_message is set.',
  protocol: 'http2',
  counts: 'downstream_cx_protocol_error, http2.rx_messaging_error',
  logs: 'DPE http2.invalid.header.field',
  cases: [
    { name: 'a name in upper case', send: get(['X-Upper', '1']), gets: broken, upstreamSees: 'nothing' },
    { name: 'transfer-encoding', send: get(['transfer-encoding', 'chunked']), gets: broken, upstreamSees: 'nothing' },
    { name: 'connection', send: get(['connection', 'x']), gets: broken, upstreamSees: 'nothing' },
    { name: 'te that is not trailers', send: get(['te', 'gzip']), gets: broken, upstreamSees: 'nothing' },
    { name: 'CR and LF in a value', send: get(['x', 'a\r\nb: c']), gets: broken, upstreamSees: 'nothing' },
    { name: 'NUL in a value', send: get(['x', 'a\0b']), gets: broken, upstreamSees: 'nothing' },
    {
      name: 'no :method',
      send: without(':method'),
      gets: broken,
      logs: 'DPE http2.violation.of.messaging.rule',
      upstreamSees: 'nothing',
    },
    {
      name: 'no :path',
      send: without(':path'),
      gets: broken,
      logs: 'DPE http2.violation.of.messaging.rule',
      upstreamSees: 'nothing',
    },
    {
      name: 'two :path',
      send: headers(1, [...GET, [':path', '/b']], whole),
      gets: broken,
      upstreamSees: 'nothing',
    },
    {
      name: 'a pseudo-header behind a field',
      send: headers(1, [['x', '1'], ...GET], whole),
      gets: broken,
      upstreamSees: 'nothing',
    },
    { name: 'a pseudo-header that is unknown', send: get([':x', '1']), gets: broken, upstreamSees: 'nothing' },
    {
      name: 'a second request in :path',
      send: headers(
        1,
        GET.map(([name, value]) => [name, name === ':path' ? '/a HTTP/1.1\r\nhost: b\r\n\r\nGET /b' : value] as const),
        whole,
      ),
      gets: broken,
      upstreamSees: 'nothing',
    },
    {
      name: 'a length that is not the body’s',
      send: Buffer.concat([
        headers(1, [[':method', 'POST'], ...GET.slice(1), ['content-length', '1']]),
        data(1, 'hello', FLAG.endStream),
      ]),
      gets: 'RST_STREAM PROTOCOL_ERROR, kept',
      counts: 'http2.rx_messaging_error',
      logs: 'DPE http2.violation.of.messaging.rule',
      upstreamSees: 'nothing',
    },
    {
      name: 'an even stream',
      send: headers(2, GET, whole),
      gets: broken,
      counts: 'downstream_cx_protocol_error',
      logs: 'no line',
      upstreamSees: 'nothing',
    },
    {
      name: 'DATA on a stream that was never opened',
      send: data(1, 'x'),
      gets: broken,
      counts: 'downstream_cx_protocol_error',
      logs: 'no line',
      upstreamSees: 'nothing',
    },
    {
      name: 'a frame that is larger than allowed',
      send: frame(FRAME.data, 0, 1, Buffer.alloc(20_000)),
      gets: 'GOAWAY FRAME_SIZE_ERROR, closed',
      counts: 'downstream_cx_protocol_error',
      logs: 'no line',
      upstreamSees: 'nothing',
    },
    {
      name: 'a request that the server is pushed',
      send: frame(FRAME.pushPromise, FLAG.endHeaders, 1, Buffer.from([0, 0, 0, 2])),
      gets: broken,
      counts: 'downstream_cx_protocol_error',
      logs: 'no line',
      upstreamSees: 'nothing',
    },
  ],
}
