// Requests with fields that are about one connection, one version or one hop, in twos and threes, from clients of either
// version to endpoints of either.
import type { JsonObject } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { ANSWER_FIELD, type Answer, answerField } from '../answer.ts'
import type { DifferentialCase } from '../case.ts'
import type { Field } from '../message.ts'
import type { ListenerPlan } from '../plan.ts'
import type { Arbitrary } from './words.ts'

const CODECS = ['http1', 'http2'] as const
const CLUSTERS = ['alpha', 'delta'] as const
const SETTINGS: Readonly<Record<string, JsonObject>> = {
  plain: {},
  edge: { use_remote_address: true, normalize_path: true, merge_slashes: true },
}

export const ODD_REQUEST_LISTENERS: readonly ListenerPlan[] = CODECS.flatMap(codec =>
  Object.entries(SETTINGS).map(
    ([name, settings]): ListenerPlan => ({
      name: `odd-requests-${name}-${codec}`,
      virtualHosts: CLUSTERS.map(cluster => ({
        name: cluster,
        domains: [`${cluster}.test`, `${cluster}.test:*`],
        routes: [{ name: 'r', match: { prefix: '/' }, route: { cluster } }],
      })),
      connectionManager: { codec_type: codec.toUpperCase(), ...settings },
    }),
  ),
)

/** Of either version. */
const FIELDS: readonly Field[] = [
  ['te', 'trailers'],
  ['cookie', 'a=1'],
  ['cookie', 'b=2; c=3'],
  ['expect', '100-continue'],
  ['trailer', 'x-tail'],
  ['via', '1.0 one, 2 two'],
  ['forwarded', 'for=1.2.3.4;proto=https'],
  ['x-forwarded-for', '1.2.3.4, 5.6.7.8'],
  ['x-forwarded-for', 'nobody'],
  ['x-forwarded-proto', 'https'],
  ['x-forwarded-proto', 'ftp'],
  ['x-forwarded-host', 'lie.test'],
  ['x-forwarded-port', '1'],
  ['x-forwarded-client-cert', 'By=spiffe://a;Hash=0'],
  ['x-request-id', 'mine'],
  ['x-envoy-original-path', '/lie'],
  ['x-envoy-internal', 'true'],
  ['x-envoy-external-address', '9.9.9.9'],
  ['x-envoy-upstream-alt-stat-name', 'a'],
  ['x-envoy-expected-rq-timeout-ms', '1'],
  ['x-envoy-attempt-count', '9'],
  ['x-envoy-force-trace', '1'],
  ['range', 'bytes=0-1'],
  ['priority', 'u=1, i'],
  ['content-type', 'application/grpc'],
  ['content-encoding', 'gzip'],
  ['accept-encoding', 'identity;q=0, *'],
  ['max-forwards', '0'],
  ['authorization', 'Basic YTpi'],
  ['proxy-authorization', 'Basic YTpi'],
  ['x-a', ''],
  ['x-a', 'a,b'],
  ['x-a', 'ü\xff'],
  ['x-a', 'a'.repeat(5_000)],
  ['x_a', '1'],
  ["x-a!#$%&'*+.^`|~", '1'],
  ['0', '0'],
  ['server', 'mine'],
  ['date', 'Thu, 01 Jan 1970 00:00:00 GMT'],
  ['location', '/a'],
  ['set-cookie', 'a=1'],
  ['user-agent', ''],
]
const OF_HTTP1: readonly Field[] = [
  ['Connection', 'keep-alive'],
  ['connection', 'close'],
  ['connection', 'X-A, te'],
  ['connection', 'cookie'],
  ['keep-alive', 'timeout=5, max=10'],
  ['Proxy-Connection', 'Keep-Alive'],
  ['TE', 'trailers, deflate'],
  ['te', 'gzip'],
  ['X-CAPITALS', 'A'],
  ['x-a', ' a\t'],
]

interface Asked {
  readonly codec: (typeof CODECS)[number]
  readonly setting: string
  readonly cluster: (typeof CLUSTERS)[number]
  readonly port: string
  readonly method: string
  readonly path: string
  readonly fields: readonly Field[]
  readonly ofHttp1: readonly Field[]
  readonly body: 'none' | 'empty' | 'length' | 'chunked'
  readonly answer: Answer
}

const asked: Arbitrary<Asked> = fc.record({
  codec: fc.constantFrom(...CODECS),
  setting: fc.constantFrom(...Object.keys(SETTINGS)),
  cluster: fc.constantFrom(...CLUSTERS),
  port: fc.constantFrom('', '', ':80', ':65535'),
  method: fc.constantFrom('GET', 'GET', 'HEAD', 'POST', 'POST', 'DELETE', 'OPTIONS', 'TRACE', 'get'),
  path: fc.constantFrom(
    '/',
    '/?',
    '/a?b=/../c',
    '/a//b/./c/../d',
    '/%61%2f%5c',
    '/a;b=c',

    '/\xc3\xbc',
    '/"<>{}|',
  ),
  fields: fc.uniqueArray(fc.constantFrom(...FIELDS), {
    maxLength: 4,
    // Node sends most fields once only.
    selector: field => (field[0] === 'cookie' || field[0] === 'x-a' ? field : field[0]),
  }),
  ofHttp1: fc.uniqueArray(fc.constantFrom(...OF_HTTP1), { maxLength: 2, selector: ([name]) => name.toLowerCase() }),
  body: fc.constantFrom('none', 'none', 'empty', 'length', 'chunked'),
  answer: fc.constantFrom<Answer[]>(
    {},
    {},
    { trailers: [['x-tail', '1']] },
    { status: 304 },
    {
      interim: [100],
      fields: [
        ['x-up', '1'],
        ['X-Up', '2'],
      ],
    },
    { close: true },
  ),
})

export function oddRequestCases(seed: number, count: number): readonly DifferentialCase[] {
  return fc.sample(asked, { seed, numRuns: count }).map((each, index): DifferentialCase => {
    const { codec, setting, cluster, method } = each
    const listener = `odd-requests-${setting}-${codec}`
    const name = `${listener}/${cluster}-${method}/${seed}.${index}`
    return { name, listener, dialogue: codec === 'http1' ? overHttp1(each) : overHttp2(each) }
  })
}

const BODY = 'request body'

function overHttp1({
  cluster,
  port,
  method,
  path,
  fields,
  ofHttp1,
  body,
  answer,
}: Asked): DifferentialCase['dialogue'] {
  const framing: Readonly<Record<Asked['body'], readonly Field[]>> = {
    none: [],
    empty: [['content-length', '0']],
    length: [['content-length', String(BODY.length)]],
    chunked: [['transfer-encoding', 'chunked']],
  }
  const answers: Field = [ANSWER_FIELD, answerField([answer])]
  const all: Field[] = [['host', `${cluster}.test${port}`], ...fields, ...ofHttp1, ...framing[body], answers]
  const lines = all.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const bytes =
    body === 'length' ? BODY : body === 'chunked' ? '7\r\nrequest\r\n5\r\n body\r\n0\r\nx-tail: t\r\n\r\n' : ''
  return { protocol: 'http1', writes: [`${method} ${path} HTTP/1.1\r\n${lines}\r\n${bytes}`], methods: [method] }
}

function overHttp2({ cluster, port, method, path, fields, body, answer }: Asked): DifferentialCase['dialogue'] {
  const pseudo: Field[] = [
    [':method', method],
    [':scheme', 'http'],
    [':authority', `${cluster}.test${port}`],
    [':path', path],
  ]
  const length: Field[] = body === 'length' ? [['content-length', String(BODY.length)]] : []
  const answers: Field = [ANSWER_FIELD, answerField([answer])]
  return {
    protocol: 'http2',
    fields: [...pseudo, ...fields, ...length, answers],
    body: body === 'length' || body === 'chunked' ? BODY : '',
    trailers: body === 'chunked' ? [['x-tail', 't']] : [],
  }
}
