import { FLAG } from '../../src/transport/http2/frame.ts'
import { data, headers, type RawField } from '../../src/transport/http2/testing/raw-frames.ts'
import type { HostileCase, HostileClass } from './hostile-case.ts'
import { END, GET, POST } from './http2-frames.ts'

const INCOMPLETE = 'DPE http2.violation.of.messaging.rule'

function refused(name: string, fields: readonly RawField[], logs?: string): HostileCase {
  const gets = 'RST_STREAM PROTOCOL_ERROR, kept'
  return { name, send: headers(1, fields, END), gets, ...(logs === undefined ? {} : { logs }), upstreamSees: 'nothing' }
}

export const hostileClass: HostileClass = {
  title: 'HTTP/2 messages that end their stream alone',
  why: 'What HTTP/1.1 has other words for must not cross over into them; override_stream_error_on_invalid_http_message is set here (RFC 9113 8.1.1, 8.2, 8.3, 10.3).',
  protocol: 'http2',
  counts: 'http2.rx_messaging_error',
  logs: 'DPE http2.invalid.header.field',
  config: { http2ProtocolOptions: { overrideStreamErrorOnInvalidHttpMessage: true } },
  cases: [
    refused('no :method', GET.slice(1), INCOMPLETE),
    refused(
      'no :path',
      GET.filter(([name]) => name !== ':path'),
      INCOMPLETE,
    ),
    refused('an empty :path', [...GET.filter(([name]) => name !== ':path'), [':path', '']]),
    refused(
      'no :scheme',
      GET.filter(([name]) => name !== ':scheme'),
      INCOMPLETE,
    ),
    refused(':path twice', [...GET, [':path', '/b']]),
    refused('a pseudo-header field after others', [...GET.slice(1), ['x', 'y'], GET[0]!]),
    refused('a pseudo-header field of responses', [...GET, [':status', '200']]),
    refused('a pseudo-header field that nobody knows', [...GET, [':x', 'y']]),
    refused('an upper-case name', [...GET, ['X-Upper', 'y']]),
    refused('a name with a space', [...GET, ['x y', 'z']]),
    refused('an empty name', [...GET, ['', 'z']]),
    refused('a line break in a value', [...GET, ['x', 'y\r\nhost: b']]),
    refused('a NUL in a value', [...GET, ['x', 'y\0']]),
    refused('a line break in :path', [...GET.filter(([name]) => name !== ':path'), [':path', '/ HTTP/1.1\r\nx: y']]),
    refused('connection', [...GET, ['connection', 'close']]),
    refused('keep-alive', [...GET, ['keep-alive', '1']]),
    refused('proxy-connection', [...GET, ['proxy-connection', 'close']]),
    refused('transfer-encoding', [...GET, ['transfer-encoding', 'chunked']]),
    refused('upgrade', [...GET, ['upgrade', 'h2c']]),
    refused('te of more than trailers', [...GET, ['te', 'gzip']]),
    refused('a content-length and no content', [...GET, ['content-length', '3']], INCOMPLETE),
    refused('two lengths', [...GET, ['content-length', '0'], ['content-length', '1']]),
    refused('a length that is no number', [...GET, ['content-length', '+0']]),
    {
      name: 'more content than its length',
      send: Buffer.concat([headers(1, [...POST, ['content-length', '3']]), data(1, 'abcd', FLAG.endStream)]),
      gets: 'RST_STREAM PROTOCOL_ERROR, kept',
      logs: 'DPE http2.violation.of.messaging.rule',
      upstreamSees: 'nothing',
    },
    {
      name: 'less content than its length',
      send: Buffer.concat([headers(1, [...POST, ['content-length', '3']]), data(1, 'ab', FLAG.endStream)]),
      gets: 'RST_STREAM PROTOCOL_ERROR, kept',
      logs: 'DPE http2.violation.of.messaging.rule',
      upstreamSees: 'nothing',
    },
    {
      name: 'te: trailers, which is well formed',
      send: headers(1, [...GET, ['te', 'trailers']], END),
      gets: '200, kept',
      counts: 'none',
      logs: '- via_upstream',
      upstreamSees: 'GET /',
    },
  ],
}
