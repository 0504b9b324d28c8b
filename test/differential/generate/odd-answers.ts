// What endpoints of HTTP/1.1 may answer, put together of parts that are right one by one and seldom seen together: interim
// responses, status lines, fields of the connection, every kind of end, trailers. To clients of both versions, with trailers
// passed on and without, and with another try behind the first.
import type { JsonObject } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { ANSWER_FIELD, answerField } from '../answer.ts'
import type { DifferentialCase } from '../case.ts'
import { FORMAT } from '../corpus/access-log.ts'
import type { Field } from '../message.ts'
import type { ListenerPlan } from '../plan.ts'
import type { Arbitrary } from './words.ts'

const OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'
const TRAILERS: JsonObject = { enable_trailers: true }
const CLUSTERS = ['odd-answers', 'odd-answers-trailers'] as const
const CODECS = ['HTTP1', 'HTTP2'] as const

const routesTo = (cluster: string): JsonObject[] => [
  {
    name: 'retried',
    match: { prefix: '/retried' },
    route: { cluster, retry_policy: { retry_on: '5xx', num_retries: 1, retry_back_off: { base_interval: '0.001s' } } },
  },
  { name: 'plain', match: { prefix: '/' }, route: { cluster } },
]

const listenerOf = (codec: string, cluster: string): string => `${cluster}-${codec.toLowerCase()}`

export const ODD_ANSWER_LISTENERS: readonly ListenerPlan[] = CLUSTERS.flatMap(cluster =>
  CODECS.map((codec_type): ListenerPlan => {
    const passesOn = cluster.endsWith('trailers')
    return {
      name: listenerOf(codec_type, cluster),
      log: { format: FORMAT },
      virtualHosts: [{ name: 'all', domains: ['*'], routes: routesTo(cluster) }],
      connectionManager: { codec_type, ...(passesOn ? { http_protocol_options: TRAILERS } : {}) },
      clusters:
        codec_type === 'HTTP1'
          ? [
              {
                name: cluster,
                endpoint: 'alpha',
                fields: {
                  typed_extension_protocol_options: {
                    [OPTIONS]: {
                      '@type': `type.googleapis.com/${OPTIONS}`,
                      explicit_http_config: { http_protocol_options: passesOn ? TRAILERS : {} },
                    },
                  },
                },
              },
            ]
          : [],
    }
  }),
)

const INTERIM = [
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 102 Processing\r\nx-a: b\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\nlink: </b>\r\n\r\n',
] as const
const START = [
  ...Array<string>(6).fill('HTTP/1.1 200 OK'),
  'HTTP/1.0 200 OK',
  'HTTP/1.1 404 Not Found',
  'HTTP/1.1 503 Service Unavailable',
  'HTTP/1.1 204 No Content',
  'HTTP/1.1 304 Not Modified',
  'HTTP/1.1 205 Reset Content',
  'HTTP/1.1 302 ',
  'HTTP/1.1 511',
]
const FIELDS = [
  'x-up: 1',
  'X-Up: 2',
  'x-up:',
  'x-a:   a  ',
  'x-a:\ta\t',
  'x-a: \xc3\xbc\xff',
  `x-a: ${'a'.repeat(9_000)}`,
  'connection: close',
  'connection: keep-alive',
  'Connection: X-Up, keep-alive',
  'keep-alive: timeout=5',
  'proxy-connection: close',
  'upgrade: h2c',
  'te: trailers',
  'trailer: x-tail',
  'content-encoding: gzip',
  'content-type: application/grpc',
  'content-type: text/html; charset=utf-8',
  'server: theirs',
  'date: Thu, 01 Jan 1970 00:00:00 GMT',
  'via: 1.0 a, 1.1 b',
  'set-cookie: a=1; Path=/',
  'set-cookie: b=2',
  'location: //else.test/',
  'vary: *',
  'x-envoy-upstream-service-time: 7',
  'x-request-id: theirs',
  'x-envoy-overloaded: true',
  'grpc-status: 3',
  'retry-after: 1',
  'status: 201',
  'x_under: 1',
  ':x: 1',
] as const
const TAILS = ['x-tail: 1', 'X-Tail: 2', 'grpc-status: 0', 'x-other: ', 'set-cookie: c=3', 'etag: "a"'] as const
const BODIES = ['', 'a', 'body', 'x'.repeat(3_000), 'y'.repeat(40_000)] as const

interface Framed {
  /** By it known differences name cases. */
  readonly kind: string
  readonly fields: readonly string[]
  readonly bytes: string
}

const chunk = (text: string, extension = ''): string =>
  text === '' ? '' : `${text.length.toString(16)}${extension}\r\n${text}\r\n`
const chunked = (text: string, tails: readonly string[], extension = ''): string => {
  const middle = Math.ceil(text.length / 3)
  const whole = chunk(text.slice(0, middle), extension) + chunk(text.slice(middle))
  return `${whole}0\r\n${tails.map(tail => `${tail}\r\n`).join('')}\r\n`
}

const framed: Arbitrary<Framed> = fc
  .record({
    body: fc.constantFrom(...BODIES),
    tails: fc.array(fc.constantFrom(...TAILS), { maxLength: 2 }),
    extension: fc.constantFrom('', '', ';a', ';a="b"', ' '),
    kind: fc.constantFrom(
      ...['length', 'length', 'chunked', 'chunked', 'chunked', 'until-close', 'length-cut', 'chunked-cut'],
      ...['length-beyond', 'both', 'length-twice', 'length-list', 'coding-case', 'coding-twice', 'coding-in-list'],
    ),
  })
  .map(({ body, tails, extension, kind }): Framed => {
    const length = `content-length: ${body.length}`
    const coding = 'transfer-encoding: chunked'
    const whole = chunked(body, tails, extension)
    const made: Readonly<Record<string, readonly [readonly string[], string]>> = {
      length: [[length], body],
      chunked: [[coding], whole],
      'until-close': [[], body],
      'length-cut': [[`content-length: ${body.length + 3}`], body],
      'chunked-cut': [[coding], whole.slice(0, -3)],
      'length-beyond': [[length], `${body}beyond`],
      both: [[length, coding], whole],
      'length-twice': [[length, length], body],
      'length-list': [[`${length}, ${body.length}`], body],
      'coding-case': [['Transfer-Encoding: CHUNKED'], whole],
      'coding-twice': [[coding, coding], whole],
      'coding-in-list': [['transfer-encoding: gzip, chunked'], whole],
    }
    const [fields, bytes] = made[kind]!
    return { kind, fields, bytes }
  })

interface Asked {
  readonly codec: (typeof CODECS)[number]
  readonly cluster: (typeof CLUSTERS)[number]
  readonly method: string
  readonly path: string
  readonly interim: readonly string[]
  readonly start: string
  readonly fields: readonly string[]
  readonly framed: Framed
}

const asked: Arbitrary<Asked> = fc.record({
  codec: fc.constantFrom(...CODECS),
  cluster: fc.constantFrom(...CLUSTERS),
  method: fc.constantFrom('POST', 'POST', 'POST', 'GET', 'HEAD'),
  path: fc.constantFrom('/', '/', '/retried'),
  interim: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(fc.constantFrom(...INTERIM), { maxLength: 3 })),
  start: fc.constantFrom(...START),
  fields: fc.uniqueArray(fc.constantFrom(...FIELDS), { maxLength: 3 }),
  framed,
})

export function oddAnswerCases(seed: number, count: number): readonly DifferentialCase[] {
  return fc.sample(asked, { seed, numRuns: count }).map((each, index): DifferentialCase => {
    const { codec, cluster, method, path, interim, start, framed } = each
    const lines = [start, ...each.fields, ...framed.fields].map(line => `${line}\r\n`).join('')
    const raw = `${interim.join('')}${lines}\r\n${framed.bytes}`
    const listener = listenerOf(codec, cluster)
    const traits = [start.split(' ')[1], framed.kind, ...(interim.length > 0 ? ['interim'] : [])].join('-')
    return {
      name: `${listener}/${method}-${traits}/${seed}.${index}`,
      listener,
      dialogue: request(codec, method, path, [[ANSWER_FIELD, answerField([{ raw }, {}])]]),
    }
  })
}

const BODY = 'request body'

function request(codec: string, method: string, path: string, fields: readonly Field[]): DifferentialCase['dialogue'] {
  const body = method === 'POST' ? BODY : ''
  const length: Field[] = body === '' ? [] : [['content-length', String(body.length)]]
  if (codec === 'HTTP1') {
    const lines = [['host', 'a.test'], ...fields, ...length].map(([name, value]) => `${name}: ${value}\r\n`).join('')
    return { protocol: 'http1', writes: [`${method} ${path} HTTP/1.1\r\n${lines}\r\n${body}`], methods: [method] }
  }
  const pseudo: Field[] = [
    [':method', method],
    [':scheme', 'http'],
    [':authority', 'a.test'],
    [':path', path],
  ]
  return { protocol: 'http2', fields: [...pseudo, ...fields, ...length], body, trailers: [] }
}
