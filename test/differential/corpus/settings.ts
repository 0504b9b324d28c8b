// The connection manager's settings, each with the requests that it is about.
import { ANSWER_FIELD, answerField } from '../answer.ts'
import type { RawRequest } from './raw-request.ts'

const PATHS: Readonly<Record<string, string>> = {
  plain: '/a/b',
  dots: '/a/../b/./c',
  'dots-at-the-end': '/a/b/..',
  'dot-at-the-end': '/a/b/.',
  'above-the-root': '/../a',
  'escaped-dots': '/a/%2e%2E/b',
  'half-escaped-dots': '/a/.%2e/b',
  slashes: '//a///b//',
  'slashes-and-dots': '/a//../b',
  'escaped-slash': '/a%2Fb%2fc',
  'escaped-backslash': '/a%5Cb',
  'escaped-slash-first': '/%2felse.test/',
  backslash: '/a\\b\\..\\c',
  'escaped-letter': '/%61%62',
  'escaped-percent': '/a%252fb',
  'escaped-zero': '/a%00b',
  'escaped-nothing': '/a%zzb',
  'escaped-high': '/%c3%bc',
  query: '/a/../b?x=/../y%2f//',
  semicolon: '/a;x/../b',
  fragment: '/a#b',
}

const at = (listener: string, name: string, bytes: string): RawRequest => ({
  name: `${listener}/${name}`,
  listener,
  bytes,
})

const get = (path: string, fields = ''): string => `GET ${path} HTTP/1.1\r\nhost: a.test\r\n${fields}\r\n`

const FORWARDED: Readonly<Record<string, string>> = {
  plain: '',
  'for-one': 'x-forwarded-for: 1.1.1.1\r\n',
  'for-two': 'x-forwarded-for: 1.1.1.1, 2.2.2.2\r\n',
  'for-three': 'x-forwarded-for: 1.1.1.1,2.2.2.2,3.3.3.3\r\n',
  'for-two-fields': 'x-forwarded-for: 1.1.1.1\r\nx-forwarded-for: 2.2.2.2\r\n',
  'for-nobody': 'x-forwarded-for: nobody\r\n',
  'for-one-with-port': 'x-forwarded-for: 1.1.1.1:5\r\n',
  'for-ipv6': 'x-forwarded-for: ::1\r\n',
  'for-nothing': 'x-forwarded-for: \r\n',
  'proto-https': 'x-forwarded-proto: https\r\n',
  'proto-odd': 'x-forwarded-proto: ftp\r\n',
  'request-id': 'x-request-id: mine\r\n',
  'request-id-uuid': 'x-request-id: 6e0d3c4c-93d6-4a5c-9d6c-0d6b5bb7f3a1\r\n',
  'envoy-fields':
    'x-envoy-internal: true\r\nx-envoy-external-address: 9.9.9.9\r\nx-envoy-original-path: /lie\r\nx-envoy-attempt-count: 9\r\nx-envoy-downstream-service-cluster: lie\r\n',
  'forwarded-host': 'x-forwarded-host: lie.test\r\nx-forwarded-port: 1\r\n',
}

const EDGES = ['edge', 'edge-behind-one', 'behind-two', 'no-xff', 'ids', 'no-ids'] as const
const PATH_LISTENERS = ['plain', 'normalize', 'merge', 'escaped-reject', 'escaped-forward', 'escaped-redirect'] as const

const server = answerField([{ fields: [['server', 'theirs']] }])

const trailed = answerField([{ fields: [['X-Up', '1']], trailers: [['X-Tail', '2']] }])
const CHUNKS = '3\r\nabc\r\n0\r\nX-Sent: 1\r\n\r\n'

const HTTP1_REQUESTS: Readonly<Record<string, string>> = {
  plain: get('/'),
  spelt: get('/', 'X-ONE: 1\r\nx-two: 2\r\nx_Three-four: 3\r\n'),
  'trailers-of-the-answer': get('/', `${ANSWER_FIELD}: ${trailed}\r\n`),
  'trailers-both-ways': `POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n${ANSWER_FIELD}: ${trailed}\r\n\r\n${CHUNKS}`,
  refusal: get('/#'),
  '1.0': 'GET / HTTP/1.0\r\nhost: a.test\r\n\r\n',
  '1.0-without-host': 'GET / HTTP/1.0\r\n\r\n',
  '1.0-keep-alive': 'GET / HTTP/1.0\r\nhost: a.test\r\nconnection: keep-alive\r\n\r\n',
  '1.0-with-length': 'POST / HTTP/1.0\r\nhost: a.test\r\ncontent-length: 3\r\n\r\nabc',
  '1.0-head': 'HEAD / HTTP/1.0\r\nhost: a.test\r\n\r\n',
  '1.0-answered-in-chunks': `GET / HTTP/1.0\r\nhost: a.test\r\n${ANSWER_FIELD}: ${trailed}\r\n\r\n`,
}

export const SETTINGS: readonly RawRequest[] = [
  ...PATH_LISTENERS.flatMap(listener =>
    Object.entries(PATHS).map(([name, path]) => at(listener, `path-${name}`, get(path))),
  ),
  ...EDGES.flatMap(listener =>
    Object.entries(FORWARDED).map(([name, fields]) => at(listener, `forwarded-${name}`, get('/', fields))),
  ),
  ...['a.test', 'a.test:81', 'a.test.', 'a.test.:81', '[::1]:81', 'a.test:', 'a.test..'].map(host =>
    at('strip-any', `host-${host}`, `GET / HTTP/1.1\r\nhost: ${host}\r\n\r\n`),
  ),
  ...['server-absent', 'server-through'].flatMap(listener => [
    at(listener, 'none', get('/')),
    at(listener, 'theirs', get('/', `${ANSWER_FIELD}: ${server}\r\n`)),
    at(listener, 'refusal', get('/#')),
  ]),
  at('via', 'none', get('/')),
  at(
    'via',
    'one',
    get('/', `via: 1.0 before\r\n${ANSWER_FIELD}: ${answerField([{ fields: [['via', '1.1 up']] }])}\r\n`),
  ),
  at('via', 'several', get('/', 'via: 1.0 a, 1.0 b\r\nvia: 1.0 c\r\n')),
  at('via', 'empty', get('/', 'via: \r\n')),
  at('via', 'refusal', get('/#')),
  at('via', 'no-host', 'GET / HTTP/1.1\r\n\r\n'),
  at('via', 'broken', 'no HTTP\r\n\r\n'),
  at('interim', 'hints', get('/', `${ANSWER_FIELD}: ${answerField([{ interim: [103, 100, 103] }])}\r\n`)),
  at('interim', 'expect', get('/', 'expect: 100-continue\r\n')),
  at('interim', 'then-failure', get('/', `${ANSWER_FIELD}: ${answerField([{ interim: [103], cut: 'head' }])}\r\n`)),
  at('small', 'fields-ten', get('/', Array.from({ length: 9 }, (_, i) => `x-${i}: 1\r\n`).join(''))),
  at('small', 'fields-eleven', get('/', Array.from({ length: 10 }, (_, i) => `x-${i}: 1\r\n`).join(''))),
  at('small', 'head-below', get('/', `x-a: ${'a'.repeat(900)}\r\n`)),
  at('small', 'head-above', get('/', `x-a: ${'a'.repeat(1100)}\r\n`)),
  at('small', 'path-above', get(`/${'a'.repeat(1100)}`)),
  ...['underscores-drop', 'underscores-reject'].flatMap(listener => [
    at(listener, 'none', get('/', 'x-a: 1\r\n')),
    at(listener, 'one', get('/', 'x_a: 1\r\nx-b: 2\r\n')),
    at(listener, 'length', get('/', 'content_length: 5\r\n')),
    at(listener, 'first', get('/', '_: 1\r\n')),
  ]),
  ...Object.entries(HTTP1_REQUESTS).map(([name, bytes]) => at('http1-with-all', name, bytes)),
  at('one-request', 'plain', get('/')),
  at('one-request', 'refusal', get('/#')),
]
