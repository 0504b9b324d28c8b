// Fields and targets with characters that mean something to somebody else.
import type { HostileClass } from './hostile-case.ts'

const get = (target: string, fields = 'host: a\r\n'): string => `GET ${target} HTTP/1.1\r\n${fields}\r\n`
const SYNTAX = '400, closed'

export const hostileClass: HostileClass = {
  title: 'Names, values and targets',
  why: 'RFC 9110 5.5 and RFC 9112 3: what may not stand in a field or a target is refused, never repaired.',
  protocol: 'http1',
  counts: 'downstream_cx_protocol_error',
  logs: 'DPE http1.codec_error',
  cases: [
    { name: 'CR in a value', send: get('/a', 'host: a\r\nx: a\rb\r\n'), gets: SYNTAX, upstreamSees: 'nothing' },
    {
      name: 'a control character in a value',
      send: get('/a', 'host: a\r\nx: \x07\r\n'),
      gets: '400, closed',
      logs: 'DPE http1.invalid_characters',
      upstreamSees: 'nothing',
    },
    { name: 'a blank in a name', send: get('/a', 'host: a\r\nx y: 1\r\n'), gets: SYNTAX, upstreamSees: 'nothing' },
    { name: 'an empty name', send: get('/a', 'host: a\r\n: 1\r\n'), gets: SYNTAX, upstreamSees: 'nothing' },
    { name: 'two hosts', send: get('/a', 'host: a\r\nhost: b\r\n'), gets: SYNTAX, upstreamSees: 'nothing' },
    {
      name: 'user information in the host',
      send: get('/a', 'host: a@b\r\n'),
      gets: '400, closed',
      logs: 'DPE http.invalid_authority',
      upstreamSees: 'nothing',
    },
    {
      name: 'no host',
      send: get('/a', ''),
      gets: '400, closed',
      logs: '- missing_host_header',
      counts: 'downstream_rq_4xx',
      upstreamSees: 'nothing',
    },
    { name: 'a blank in the target', send: get('/a b'), gets: SYNTAX, upstreamSees: 'nothing' },
    {
      name: 'a target of another scheme',
      send: get('ftp://a/'),
      gets: '400, closed',
      logs: 'DPE http1.invalid_scheme',
      upstreamSees: 'nothing',
    },
    {
      name: 'a fragment',
      send: get('/a#b'),
      gets: '400, closed',
      logs: '- path_normalization_failed',
      counts: 'downstream_rq_failed_path_normalization',
      upstreamSees: 'nothing',
    },
    { name: 'what is no HTTP', send: '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n', gets: SYNTAX, upstreamSees: 'nothing' },
    {
      name: 'a caller that steers the router by x-envoy fields: they are dropped',
      send: get('/a', 'host: a\r\nx-envoy-max-retries: 100\r\nx-envoy-upstream-rq-timeout-ms: 1\r\n'),
      gets: '200, kept',
      logs: '- via_upstream',
      counts: 'none',
      upstreamSees: 'GET /a',
    },
  ],
}
