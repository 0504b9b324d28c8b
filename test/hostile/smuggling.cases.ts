// Request smuggling: bytes that two parsers read as different numbers of requests.
import type { HostileClass } from './hostile-case.ts'

const post = (fields: string, body: string): string => `POST /a HTTP/1.1\r\nhost: a\r\n${fields}\r\n\r\n${body}`
const upgrade = (fields: string, body: string): string =>
  `GET /a HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n${fields}\r\n\r\n${body}`
const SECOND = 'GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n'
/** The body when its head is with the upstream already: then a fault in it can but cut the request short. */
const chunked = (body: string): readonly string[] => [post('transfer-encoding: chunked', ''), body]
const CUT = 'POST /a cut short'
const SYNTAX = '400, closed'

export const hostileClass: HostileClass = {
  title: 'Request smuggling',
  why: 'What two parsers could read in two ways is refused, and the connection closed: nothing behind it is looked at.',
  protocol: 'http1',
  counts: 'downstream_cx_protocol_error',
  logs: 'DPE http1.codec_error',
  cases: [
    {
      name: 'CL.TE: a length and chunks',
      send: post('content-length: 4\r\ntransfer-encoding: chunked', `0\r\n\r\n${SECOND}`),
      gets: '400, closed',
      logs: 'DPE http1.content_length_and_chunked_not_allowed',
      upstreamSees: 'nothing',
    },
    {
      name: 'TE.CL: chunks and a length',
      send: post('transfer-encoding: chunked\r\ncontent-length: 4', `5c\r\n${SECOND}\r\n0\r\n\r\n`),
      gets: '400, closed',
      logs: 'DPE http1.content_length_and_chunked_not_allowed',
      upstreamSees: 'nothing',
    },
    {
      name: 'TE.TE: two transfer codings',
      send: post('transfer-encoding: chunked\r\ntransfer-encoding: identity', `0\r\n\r\n${SECOND}`),
      gets: '501, closed',
      logs: 'DPE http1.invalid_transfer_encoding',
      upstreamSees: 'nothing',
    },
    {
      name: 'TE.TE: a coding in disguise',
      send: post('transfer-encoding: xchunked', `0\r\n\r\n${SECOND}`),
      gets: '501, closed',
      logs: 'DPE http1.invalid_transfer_encoding',
      upstreamSees: 'nothing',
    },
    { name: 'a bare LF ends a line', send: 'GET /a HTTP/1.1\nhost: a\r\n\r\n', gets: SYNTAX, upstreamSees: 'nothing' },
    {
      name: 'a bare LF ends a field',
      send: `GET /a HTTP/1.1\r\nhost: a\nx: 1\r\n\r\n${SECOND}`,
      gets: SYNTAX,
      upstreamSees: 'nothing',
    },
    {
      name: 'a folded field',
      send: post('x: 1\r\n content-length: 5', 'hello'),
      gets: SYNTAX,
      upstreamSees: 'nothing',
    },
    {
      name: 'two lengths that differ',
      send: post('content-length: 0\r\ncontent-length: 34', SECOND),
      gets: SYNTAX,
      upstreamSees: 'nothing',
    },
    {
      name: 'two lengths that agree',
      send: post('content-length: 5\r\ncontent-length: 5', 'hello'),
      gets: SYNTAX,
      upstreamSees: 'nothing',
    },
    {
      name: 'lengths joined by a comma',
      send: post('content-length: 5, 5', 'hello'),
      gets: SYNTAX,
      upstreamSees: 'nothing',
    },
    { name: 'a length with a sign', send: post('content-length: +5', 'hello'), gets: SYNTAX, upstreamSees: 'nothing' },
    {
      name: 'a blank before the colon',
      send: post('content-length : 34', SECOND),
      gets: SYNTAX,
      upstreamSees: 'nothing',
    },
    {
      name: 'NUL in a value',
      send: post('x: a\0b', ''),
      gets: '400, closed',
      logs: 'DPE http1.invalid_characters',
      upstreamSees: 'nothing',
    },
    { name: 'a chunk size with 0x', send: chunked(`0x5\r\nhello\r\n0\r\n\r\n`), gets: SYNTAX, upstreamSees: CUT },
    {
      name: 'a chunk size that overflows',
      send: chunked(`ffffffffffffffff5\r\nhello\r\n0\r\n\r\n`),
      gets: SYNTAX,
      upstreamSees: CUT,
    },
    {
      name: 'a bare LF in a chunk extension',
      send: chunked(`5;a\nhello\r\n0\r\n\r\n`),
      gets: SYNTAX,
      upstreamSees: CUT,
    },
    {
      name: 'a chunk longer than it says',
      send: chunked(`4\r\nhello\r\n0\r\n\r\n`),
      gets: SYNTAX,
      upstreamSees: CUT,
    },
    {
      name: 'chunks in HTTP/1.0',
      send: `POST /a HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${SECOND}`,
      gets: '501, closed',
      logs: 'DPE http1.invalid_transfer_encoding',
      upstreamSees: 'nothing',
    },
    {
      name: 'Connection names the fields that frame and route',
      send: post('content-length: 5\r\nconnection: content-length', 'hello'),
      gets: '400, closed',
      logs: 'DPE http1.connection_header_rejected',
      upstreamSees: 'nothing',
    },
    {
      name: 'a refused upgrade with a request behind it',
      send: `GET /a HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n${SECOND}`,
      gets: '403, closed',
      logs: '- upgrade_failed',
      counts: 'downstream_rq_ws_on_non_ws_route',
      upstreamSees: 'nothing',
    },
    {
      name: 'an upgrade to HTTP/2, which is passed over: the request behind it is one',
      send: `GET /a HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n${SECOND}`,
      gets: '2 x 200, kept',
      logs: '2 x - via_upstream',
      counts: 'none',
      upstreamSees: 'GET /a, GET /smuggled',
    },
    {
      name: 'a CONNECT with a body',
      send: `CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\ncontent-length: 34\r\n\r\n${SECOND}`,
      gets: '400, closed',
      logs: 'DPE http1.body_disallowed',
      upstreamSees: 'nothing',
    },
    { name: 'a chunk size of -5', send: chunked('-5\r\nhello\r\n0\r\n\r\n'), gets: SYNTAX, upstreamSees: CUT },
    { name: 'no chunk size', send: chunked('\r\nhello\r\n0\r\n\r\n'), gets: SYNTAX, upstreamSees: CUT },
    {
      name: 'a chunk size of 2^53',
      send: chunked('20000000000000\r\nhello\r\n0\r\n\r\n'),
      gets: SYNTAX,
      upstreamSees: CUT,
    },
    {
      name: 'CR in a quoted chunk extension',
      send: chunked('5;a="x\ry"\r\nhello\r\n0\r\n\r\n'),
      gets: SYNTAX,
      upstreamSees: CUT,
    },
    {
      name: 'a blank behind the chunk size: chunks are framed anew',
      send: chunked('5 \r\nhello\r\n0\r\n\r\n'),
      gets: '200, kept',
      upstreamSees: 'POST /a with 5 hello 0',
      counts: 'none',
      logs: '- via_upstream',
    },
    {
      name: 'VT before the coding',
      send: post('transfer-encoding: \x0bchunked', `0\r\n\r\n${SECOND}`),
      gets: '400, closed',
      upstreamSees: 'nothing',
      logs: 'DPE http1.invalid_characters',
    },
    {
      name: 'a length beyond 2^64',
      send: post('content-length: 18446744073709551621', 'hello'),
      gets: SYNTAX,
      upstreamSees: 'nothing',
    },
    {
      name: 'an honest length, and CL.TE in the next request',
      send: `${post('content-length: 5', 'hello')}${post('content-length: 4\r\ntransfer-encoding: chunked', `0\r\n\r\n${SECOND}`)}`,
      gets: '200, 400, closed',
      upstreamSees: 'POST /a with hello',
      logs: '- via_upstream, DPE http1.content_length_and_chunked_not_allowed',
    },
    {
      name: 'HTTP/1.0 with a length',
      send: `POST /a HTTP/1.0\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello${SECOND}`,
      gets: '426, closed',
      upstreamSees: 'nothing',
      logs: 'DPE low_version',
    },
    {
      name: 'a websocket upgrade with a length',
      send: upgrade('content-length: 5', `hello${SECOND}`),
      gets: '400, closed',
      upstreamSees: 'nothing',
      logs: 'DPE http1.body_disallowed',
    },
    {
      name: 'a websocket upgrade with chunks',
      send: upgrade('transfer-encoding: chunked', `0\r\n\r\n${SECOND}`),
      gets: '400, closed',
      upstreamSees: 'nothing',
      logs: 'DPE http1.transfer_encoding_not_allowed',
    },
    {
      name: 'a refused CONNECT with a request behind it',
      send: `CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n${SECOND}`,
      gets: '403, closed',
      upstreamSees: 'nothing',
      counts: 'downstream_rq_ws_on_non_ws_route',
      logs: '- upgrade_failed',
    },
  ],
}
