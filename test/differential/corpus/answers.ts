// What an upstream may answer, and what none should.
import { ANSWER_FIELD, type Answer, answerField } from '../http1/answer.ts'
import type { RawRequest } from './raw-request.ts'

const OK = 'HTTP/1.1 200 OK\r\n'

const RAW: Readonly<Record<string, string>> = {
  'no-reason': 'HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok',
  'no-reason-but-space': 'HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\nok',
  'odd-reason': 'HTTP/1.1 200 All is \xfc\r\ncontent-length: 2\r\n\r\nok',
  'version-1.0': 'HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok',
  'version-1.0-until-close': 'HTTP/1.0 200 OK\r\n\r\nok',
  'until-close': `${OK}\r\nok`,
  'version-2.0': 'HTTP/2.0 200 OK\r\ncontent-length: 2\r\n\r\nok',
  'version-lower-case': 'http/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
  'status-of-two-digits': 'HTTP/1.1 99 Low\r\ncontent-length: 2\r\n\r\nok',
  'status-of-four-digits': 'HTTP/1.1 2000 High\r\ncontent-length: 2\r\n\r\nok',
  'status-no-number': 'HTTP/1.1 abc OK\r\ncontent-length: 2\r\n\r\nok',
  'status-600': 'HTTP/1.1 600 Odd\r\ncontent-length: 2\r\n\r\nok',
  'status-999': 'HTTP/1.1 999 Odd\r\ncontent-length: 2\r\n\r\nok',
  'status-000': 'HTTP/1.1 000 Odd\r\ncontent-length: 2\r\n\r\nok',
  'two-spaces': 'HTTP/1.1  200 OK\r\ncontent-length: 2\r\n\r\nok',
  'bare-lf': 'HTTP/1.1 200 OK\ncontent-length: 2\n\nok',
  nonsense: 'nonsense\r\n\r\n',
  empty: '',
  'leading-crlf': `\r\n${OK}content-length: 2\r\n\r\nok`,
  'cut-in-line': 'HTTP/1.1 20',
  'cut-in-head': `${OK}content-le`,
  'cut-in-body': `${OK}content-length: 5\r\n\r\nok`,
  'cut-in-chunk': `${OK}transfer-encoding: chunked\r\n\r\n5\r\nok`,
  'cut-before-last-chunk': `${OK}transfer-encoding: chunked\r\n\r\n2\r\nok\r\n`,
  'length-twice-alike': `${OK}content-length: 2\r\ncontent-length: 2\r\n\r\nok`,
  'length-twice-other': `${OK}content-length: 2\r\ncontent-length: 3\r\n\r\nok!`,
  'length-list': `${OK}content-length: 2, 2\r\n\r\nok`,
  'length-minus': `${OK}content-length: -2\r\n\r\nok`,
  'length-plus': `${OK}content-length: +2\r\n\r\nok`,
  'length-and-chunked': `${OK}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  'coding-gzip': `${OK}transfer-encoding: gzip\r\n\r\nok`,
  'coding-gzip-chunked': `${OK}transfer-encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  'coding-identity': `${OK}transfer-encoding: identity\r\ncontent-length: 2\r\n\r\nok`,
  'coding-chunked-in-1.0': 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  'chunk-no-number': `${OK}transfer-encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n`,
  'chunk-too-long': `${OK}transfer-encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n`,
  'chunk-extension': `${OK}transfer-encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\n\r\n`,
  'chunk-trailer': `${OK}transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-tail: 1\r\n\r\n`,
  'field-space-before-colon': `${OK}x-a : 1\r\ncontent-length: 2\r\n\r\nok`,
  'field-no-colon': `${OK}x-a\r\ncontent-length: 2\r\n\r\nok`,
  'field-empty-name': `${OK}: 1\r\ncontent-length: 2\r\n\r\nok`,
  'field-space-in-name': `${OK}x a: 1\r\ncontent-length: 2\r\n\r\nok`,
  'field-zero': `${OK}x-a: 1\x002\r\ncontent-length: 2\r\n\r\nok`,
  'field-cr': `${OK}x-a: 1\r2\r\ncontent-length: 2\r\n\r\nok`,
  'field-control': `${OK}x-a: 1\x012\r\ncontent-length: 2\r\n\r\nok`,
  'field-folded': `${OK}x-a: 1\r\n 2\r\ncontent-length: 2\r\n\r\nok`,
  'field-high-bytes': `${OK}x-a: \xc3\xbc\xff\r\ncontent-length: 2\r\n\r\nok`,
  'fields-repeated': `${OK}x-a: 1\r\nX-A: 2\r\nset-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 2\r\n\r\nok`,
  'fields-hop-by-hop': `${OK}connection: keep-alive, x-a\r\nkeep-alive: timeout=5\r\nx-a: 1\r\nproxy-connection: close\r\nte: x\r\nupgrade: h2c\r\ncontent-length: 2\r\n\r\nok`,
  'fields-of-a-proxy': `${OK}server: theirs\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\nvia: 1.1 x\r\nx-envoy-upstream-service-time: 7\r\nx-request-id: theirs\r\ncontent-length: 2\r\n\r\nok`,
  'fields-internal': `${OK}x-envoy-attempt-count: 9\r\nx-envoy-degraded: 1\r\nx-envoy-immediate-health-check-fail: 1\r\nx-envoy-overloaded: true\r\nx-weft-reason: theirs\r\ncontent-length: 2\r\n\r\nok`,
  'fields-hundred-and-one': `${OK}${Array.from({ length: 101 }, (_, i) => `x-${i}: 1\r\n`).join('')}content-length: 2\r\n\r\nok`,
  'head-beyond-the-limit': `${OK}x-a: ${'a'.repeat(62_000)}\r\ncontent-length: 2\r\n\r\nok`,
  'bytes-behind-it': `${OK}content-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil`,
  'switching-unasked': 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nbytes',
  'none-with-length': 'HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n',
  'none-with-body': 'HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\nok',
  'unchanged-with-length': 'HTTP/1.1 304 Not Modified\r\ncontent-length: 2\r\n\r\n',
  'reset-content-with-body': 'HTTP/1.1 205 Reset Content\r\ncontent-length: 2\r\n\r\nok',
  'interim-with-length': `HTTP/1.1 103 Early Hints\r\ncontent-length: 2\r\n\r\n${OK}content-length: 2\r\n\r\nok`,
  'interim-many': `${'HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n'.repeat(10)}${OK}content-length: 2\r\n\r\nok`,
  'interim-102': `HTTP/1.1 102 Processing\r\n\r\n${OK}content-length: 2\r\n\r\nok`,
  'interim-alone': 'HTTP/1.1 100 Continue\r\n\r\n',
  'no-content-type': `${OK}content-length: 0\r\n\r\n`,
}

const GOOD: Readonly<Record<string, Answer>> = {
  plain: {},
  chunked: { chunked: true },
  'empty-chunked': { chunked: true, body: '' },
  trailers: {
    trailers: [
      ['x-tail', '1'],
      ['x-tail', '2'],
    ],
  },
  close: { close: true },
  interim: { interim: [100] },
  hints: { interim: [103, 103] },
  large: { body: 'x'.repeat(100_000) },
  'empty-body': { body: '' },
  cookies: {
    fields: [
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['Set-Cookie', 'c=3'],
    ],
  },
  redirect: { status: 302, fields: [['location', 'http://else.test/']] },
  'grpc-trailers': { fields: [['content-type', 'application/grpc']], trailers: [['grpc-status', '0']] },
}

const request = (answer: Answer, method = 'GET'): string =>
  `${method} /answer HTTP/1.1\r\nhost: a.test\r\n${ANSWER_FIELD}: ${answerField([answer])}\r\n\r\n`

export const STATUSES: readonly number[] = [
  200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 306, 307, 308, 400, 401, 402, 403,
  404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 424, 425, 426, 428, 429,
  431, 451, 499, 500, 501, 502, 503, 504, 505, 506, 507, 508, 509, 510, 511, 520, 598, 599,
]

export const ANSWERS: readonly RawRequest[] = [
  ...Object.entries(RAW).map(
    ([name, raw]): RawRequest => ({ name: `answer/${name}`, bytes: request({ raw }, 'POST') }),
  ),
  ...Object.entries(GOOD).flatMap(([name, answer]): RawRequest[] => [
    { name: `answer/${name}`, bytes: request(answer) },
    { name: `answer/${name}-to-head`, bytes: request(answer, 'HEAD'), method: 'HEAD' },
    { name: `answer/${name}-in-1.0`, bytes: request(answer).replace('HTTP/1.1', 'HTTP/1.0') },
  ]),
  ...STATUSES.map((status): RawRequest => ({ name: `status/${status}`, bytes: request({ status }) })),
]
