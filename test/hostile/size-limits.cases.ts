// More than anybody needs.
import type { HostileClass } from './hostile-case.ts'

const GET = 'GET /a HTTP/1.1\r\nhost: a\r\n'
/** The rest comes when this is with the upstream. */
const CHUNKED = 'POST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n'

export const hostileClass: HostileClass = {
  title: 'Size limits',
  why: 'Envoy’s defaults: 60 KiB of head, 100 fields. Counted while the bytes come, so that an endless head costs no more.',
  protocol: 'http1',
  counts: 'downstream_cx_protocol_error',
  logs: 'DPE http1.codec_error',
  cases: [
    {
      name: 'a head of 61 KiB',
      send: `GET /a HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(61 * 1024)}\r\n\r\n`,
      gets: '431, closed',
      logs: 'DPE http1.headers_too_large',
      upstreamSees: 'nothing',
    },
    {
      name: 'a head without an end',
      send: `GET /a HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(70 * 1024)}`,
      gets: '431, closed',
      logs: 'DPE http1.headers_too_large',
      upstreamSees: 'nothing',
    },
    {
      name: 'a target of 61 KiB',
      send: `GET /${'a'.repeat(61 * 1024)} HTTP/1.1\r\nhost: a\r\n\r\n`,
      gets: '431, closed',
      logs: 'DPE http1.headers_too_large',
      upstreamSees: 'nothing',
    },
    {
      name: '101 fields',
      send: `GET /a HTTP/1.1\r\nhost: a\r\n${'x: 1\r\n'.repeat(100)}\r\n`,
      gets: '431, closed',
      logs: 'DPE http1.too_many_headers',
      upstreamSees: 'nothing',
    },
    {
      name: 'trailers of 61 KiB',
      send: [CHUNKED, `0\r\nx: ${'y'.repeat(61 * 1024)}\r\n\r\n`],
      gets: '431, closed',
      logs: 'DPE http1.headers_too_large',
      upstreamSees: 'POST /a cut short',
    },
    {
      name: 'a chunk extension of 5 KiB (CVE-2023-39326)',
      send: [CHUNKED, `5;${'a'.repeat(5000)}\r\nhello\r\n0\r\n\r\n`],
      gets: '400, closed',
      upstreamSees: 'POST /a cut short',
    },
    {
      name: 'a name of 61 KiB',
      send: `${GET}${'x'.repeat(61 * 1024)}: 1\r\n\r\n`,
      gets: '431, closed',
      upstreamSees: 'nothing',
      logs: 'DPE http1.headers_too_large',
    },
    {
      name: '200 requests ahead of any response: one by one, in order',
      send: `${GET}\r\n`.repeat(200),
      gets: '200 x 200, kept',
      upstreamSees: '200 x GET /a',
      counts: 'none',
      logs: '200 x - via_upstream',
    },
  ],
}
