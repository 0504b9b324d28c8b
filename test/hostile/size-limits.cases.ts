// More than anybody needs.
import type { HostileClass } from './hostile-case.ts'

export const hostileClass: HostileClass = {
  title: 'Size limits',
  why: 'Envoy’s defaults: 60 KiB of head, 100 fields. Counted while the bytes come, so that an endless head costs no more.',
  protocol: 'http1',
  cases: [
    {
      name: 'a head of 61 KiB',
      send: `GET /a HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(61 * 1024)}\r\n\r\n`,
      gets: '431 http1.headers_too_large, closed',
      upstreamSees: 'nothing',
    },
    {
      name: 'a head without an end',
      send: `GET /a HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(70 * 1024)}`,
      gets: '431 http1.headers_too_large, closed',
      upstreamSees: 'nothing',
    },
    {
      name: 'a target of 61 KiB',
      send: `GET /${'a'.repeat(61 * 1024)} HTTP/1.1\r\nhost: a\r\n\r\n`,
      gets: '431 http1.headers_too_large, closed',
      upstreamSees: 'nothing',
    },
    {
      name: '101 fields',
      send: `GET /a HTTP/1.1\r\nhost: a\r\n${'x: 1\r\n'.repeat(100)}\r\n`,
      gets: '431 http1.too_many_headers, closed',
      upstreamSees: 'nothing',
    },
    {
      name: 'trailers of 61 KiB',
      send: `POST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: ${'y'.repeat(61 * 1024)}\r\n\r\n`,
      gets: '431 http1.headers_too_large, closed',
      upstreamSees: 'nothing',
    },
    {
      name: 'a chunk extension of 5 KiB (CVE-2023-39326)',
      send: `POST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5;${'a'.repeat(5000)}\r\nhello\r\n0\r\n\r\n`,
      gets: '400 http1.codec_error, closed',
      upstreamSees: 'nothing',
    },
  ],
}
