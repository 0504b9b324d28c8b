// gRPC-Web: requests and answers in both of its forms, whole and broken, with trailers, without, and with nothing else.
import type { JsonObject } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { ANSWER_FIELD, type Answer, answerField } from '../answer.ts'
import type { DifferentialCase } from '../case.ts'
import type { Field } from '../message.ts'
import type { ListenerPlan } from '../plan.ts'
import type { Arbitrary } from './words.ts'

const LISTENER = 'grpc-web'
const TYPE = 'type.googleapis.com/envoy.extensions.filters.http'
const filter = (name: string, message: string): JsonObject => ({
  name,
  typed_config: { '@type': `${TYPE}.${name}.v3.${message}` },
})

export const GRPC_WEB_LISTENERS: readonly ListenerPlan[] = [
  {
    name: LISTENER,
    virtualHosts: [
      {
        name: 'all',
        domains: ['*'],
        routes: [
          { name: 'http1', match: { prefix: '/http1.' }, route: { cluster: 'alpha' } },
          { name: 'nobody', match: { prefix: '/nobody.' }, route: { cluster: 'empty' } },
          { name: 'http2', match: { prefix: '/' }, route: { cluster: 'delta' } },
        ],
      },
    ],
    connectionManager: { http_filters: [filter('grpc_web', 'GrpcWeb'), filter('router', 'Router')] },
  },
]

function frame(payload: string, flags = 0): string {
  const head = Buffer.alloc(5)
  head[0] = flags
  head.writeUInt32BE(payload.length, 1)
  return head.toString('latin1') + payload
}

const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64')

const CONTENT_TYPES = [
  'application/grpc-web',
  'application/grpc-web+proto',
  'application/grpc-web-text',
  'application/grpc-web-text+proto',
  'application/grpc-web+json',
  'application/grpc',
  'text/plain',
] as const
const ACCEPTS = [
  '',
  '',
  'application/grpc-web-text',
  'application/grpc-web-text+proto',
  'application/grpc-web',
] as const

const payload = fc.constantFrom('', 'a', 'hello', '\0\xff\x80', 'x'.repeat(3_000))
const frames: Arbitrary<string> = fc
  .array(payload, { maxLength: 3 })
  .map(payloads => payloads.map(each => frame(each)).join(''))

const BROKEN = ['AAAAAAE', '!!!!', 'AAAA=AAA', 'A']
/** What a browser sends in the text form: most of it right. */
const text: Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: frames.map(base64) },
  { weight: 1, arbitrary: fc.constantFrom(...BROKEN) },
)

const trailers: Arbitrary<Answer['trailers']> = fc.constantFrom<NonNullable<Answer['trailers']>[]>(
  [['grpc-status', '0']],
  [
    ['grpc-status', '5'],
    ['grpc-message', 'not%20there'],
  ],
  [
    ['grpc-status', '0'],
    ['x-a', 'b'],
  ],
  [['x-a', 'b']],
)

const answer: Arbitrary<Answer> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ body: frames, trailers, type: fc.constantFrom('', '+proto', '+json') }).map(
      ({ body, trailers, type }): Answer => ({
        fields: [['content-type', `application/grpc${type}`]],
        body,
        trailers: trailers!,
      }),
    ),
  },
  // Trailers alone: they are in the head.
  {
    weight: 2,
    arbitrary: trailers.map(
      (fields): Answer => ({ fields: [['content-type', 'application/grpc'], ...fields!], body: '', chunked: true }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Answer[]>(
      { status: 503, fields: [['content-type', 'text/plain']], body: 'busy and \xfc' },
      { status: 404, body: '' },
      { status: 200, fields: [['content-type', 'text/html']], body: '<p>' },
      { status: 200, fields: [['content-type', 'application/grpc']], body: frame('a') },
      { cut: 'before' },
      { fields: [['content-type', 'application/grpc']], body: frame('hello'), cut: 'body' },
    ),
  },
)

interface Asked {
  readonly method: string
  readonly path: string
  readonly type: string
  readonly accept: string
  readonly frames: string
  readonly text: string
  readonly answer: Answer
}

const asked: Arbitrary<Asked> = fc.record({
  method: fc.constantFrom('POST', 'POST', 'POST', 'POST', 'GET'),
  path: fc.constantFrom('/http2.Service/Method', '/http2.Service/Method', '/http1.Service/Method', '/nobody.Service/M'),
  type: fc.constantFrom(...CONTENT_TYPES),
  accept: fc.constantFrom(...ACCEPTS),
  frames,
  text,
  answer,
})

export function grpcWebCases(seed: number, count: number): readonly DifferentialCase[] {
  return fc.sample(asked, { seed, numRuns: count }).map((each, index) => caseOf(each, `${seed}.${index}`))
}

/** A difference that seldom shows. */
export const GRPC_WEB_BY_HAND: readonly DifferentialCase[] = [
  caseOf(
    {
      method: 'POST',
      path: '/http2.Service/Method',
      type: 'application/grpc-web',
      accept: 'application/grpc-web-text',
      frames: frame('a'),
      text: '',
      answer: { fields: [['content-type', 'application/grpc']], body: frame('hello'), cut: 'body' },
    },
    'corpus',
  ),
]

function caseOf(each: Asked, name: string): DifferentialCase {
  const { method, path, type, accept, answer } = each
  const body = method === 'GET' ? '' : type.includes('text') ? each.text : each.frames
  const fields: Field[] = [
    ['host', 'a.test'],
    ['content-type', type],
    ...(accept === '' ? [] : [['accept', accept] as const]),
    ['content-length', String(body.length)],
    [ANSWER_FIELD, answerField([answer])],
  ]
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const writes = [`${method} ${path} HTTP/1.1\r\n${lines}\r\n${body}`]
  const traits = [
    type.slice(type.indexOf('/') + 1),
    ...(BROKEN.includes(body) ? ['broken'] : method === 'GET' ? ['get'] : []),
    ...(answer.cut === 'body' ? ['cut'] : []),
  ]
  return {
    name: `${LISTENER}/${path.slice(1, path.indexOf('.'))}-${traits.join('-')}/${name}`,
    listener: LISTENER,
    dialogue: { protocol: 'http1', writes, methods: [method] },
  }
}
