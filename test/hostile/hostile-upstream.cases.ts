import type { HostileUpstreamClass } from './hostile-case.ts'

const ok = (body: string): string => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`
const broken = (name: string, send: string) => ({ name, send, gets: '502, kept', upstream: 'closed' })
/** The client can tell that it has not got all of it. */
const brokenOff = (name: string, body: string) => ({
  name,
  send: `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${body}`,
  gets: '200 cut short, closed',
  upstream: 'closed',
  logs: 'UPE upstream_reset_after_response_started{protocol_error}',
})
const interim = (count: number): string => 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(count)

export const hostileClass: HostileUpstreamClass = {
  title: 'Upstreams that break HTTP/1.1',
  why: 'The client gets an answer of the mesh, or one that it can tell is broken, and never bytes that would be taken for another response.',
  protocol: 'http1',
  counts: 'upstream_cx_protocol_error',
  logs: 'UPE upstream_reset_before_response_started{protocol_error}',
  answers: [
    broken(
      'a length and chunks',
      'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    ),
    broken('two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nokk'),
    broken('a coding that nobody knows', 'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n'),
    broken('a bare LF', 'HTTP/1.1 200 OK\ncontent-length: 0\r\n\r\n'),
    broken('a folded field', 'HTTP/1.1 200 OK\r\nx: 1\r\n y: 2\r\ncontent-length: 0\r\n\r\n'),
    broken('CR in a value', 'HTTP/1.1 200 OK\r\nx: a\rb\r\ncontent-length: 0\r\n\r\n'),
    broken('a head of 61 KiB', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(61 * 1024)}\r\ncontent-length: 0\r\n\r\n`),
    broken('a head without an end', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(70 * 1024)}`),
    broken('101 fields', `HTTP/1.1 200 OK\r\n${'x: 1\r\n'.repeat(101)}content-length: 0\r\n\r\n`),
    broken('a 101 that nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'),
    broken('a body with 204', 'HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello'),
    broken('no HTTP', 'SSH-2.0-OpenSSH_9.6\r\n'),
    broken('1xx without end', interim(200_000)),
    {
      name: '1000 times 103, and then an answer',
      send: interim(1000) + ok('at last'),
      gets: '200, kept',
      upstream: 'kept',
      counts: 'none',
      logs: '- via_upstream',
    },
    {
      name: 'a second response behind the first',
      send: ok('one') + ok('evil'),
      gets: '200, kept',
      upstream: 'closed',
      logs: '- via_upstream',
    },
    {
      name: 'a second response behind one that ends the connection',
      send: `HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 3\r\n\r\none${ok('evil')}`,
      gets: '200, kept',
      upstream: 'closed',
      counts: 'upstream_cx_close_notify, upstream_cx_protocol_error',
      logs: '- via_upstream',
    },
    brokenOff('a chunk longer than it says', '5\r\nhelloX'),
    brokenOff('a chunk size that is none', '5\r\nhello\r\nx\r\n'),
    brokenOff('trailers of 61 KiB', `5\r\nhello\r\n0\r\nx: ${'y'.repeat(61 * 1024)}\r\n\r\n`),
  ],
}
