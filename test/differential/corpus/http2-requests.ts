// Requests of HTTP/2 that are well-formed and odd all the same, and answers over HTTP/2, each way through a cluster of
// either protocol.
import type { JsonObject } from '@bufbuild/protobuf'
import { ANSWER_FIELD, type Answer, answerField } from '../answer.ts'
import type { DifferentialCase } from '../case.ts'
import type { Field } from '../message.ts'
import type { ListenerPlan } from '../plan.ts'

const LISTENER = 'http2'

const host = (name: string, cluster: string): JsonObject => ({
  name,
  domains: [`${name}.test`],
  routes: [{ name: 'r', match: { prefix: '/' }, route: { cluster } }],
})

export const HTTP2_LISTENERS: readonly ListenerPlan[] = [
  {
    name: LISTENER,
    virtualHosts: [host('one', 'alpha'), host('two', 'delta')],
    connectionManager: { codec_type: 'HTTP2' },
  },
  { name: 'http1-to-both', virtualHosts: [host('one', 'alpha'), host('two', 'delta')] },
]

interface OddRequest {
  readonly method?: string
  readonly scheme?: string
  readonly path?: string
  readonly fields?: readonly Field[]
  readonly body?: string
  readonly trailers?: readonly Field[]
}

const REQUESTS: Readonly<Record<string, OddRequest>> = {
  plain: {},
  'host-beside-authority': { fields: [['host', 'other.test']] },
  'scheme-https': { scheme: 'https' },
  'path-asterisk': { method: 'OPTIONS', path: '*' },
  'path-fragment': { path: '/a#b' },
  'path-query': { path: '/?a' },
  'path-dots': { path: '/a/../b' },
  'te-trailers': { fields: [['te', 'trailers']] },
  cookies: {
    fields: [
      ['cookie', 'a=1'],
      ['cookie', 'b=2'],
    ],
  },
  'set-repeated': {
    fields: [
      ['x-a', '1'],
      ['x-a', '2'],
    ],
  },
  'expect-continue': { method: 'POST', fields: [['expect', '100-continue']], body: 'body' },
  'length-right': { method: 'POST', fields: [['content-length', '4']], body: 'body' },
  'length-of-nothing': { method: 'POST', fields: [['content-length', '0']] },
  'get-with-body': { body: 'body' },
  'head-with-body': { method: 'HEAD', body: 'body' },
  'delete-without-body': { method: 'DELETE' },
  'trailers-alone': { method: 'POST', trailers: [['x-tail', '1']] },
  trailers: {
    method: 'POST',
    body: 'body',
    trailers: [
      ['x-tail', '1'],
      ['x-other', '2'],
    ],
  },
  'large-body': { method: 'POST', body: 'x'.repeat(200_000) },
  'unknown-method': { method: 'BREW' },
  'lower-case-method': { method: 'get' },
  'forwarded-proto': { fields: [['x-forwarded-proto', 'https']] },
  'forwarded-for': { fields: [['x-forwarded-for', '1.2.3.4']] },
  'high-bytes': { fields: [['x-a', '\xc3\xbc\xff']] },
  'empty-value': { fields: [['x-a', '']] },
  'hundred-and-one-fields': { fields: Array.from({ length: 101 }, (_, i): Field => [`x-${i}`, '1']) },
  'large-field': { fields: [['x-a', 'a'.repeat(30_000)]] },
  grpc: {
    method: 'POST',
    fields: [
      ['content-type', 'application/grpc'],
      ['te', 'trailers'],
    ],
    body: '\0\0\0\0\0',
  },
}

const ANSWERS: Readonly<Record<string, Answer>> = {
  plain: {},
  'no-body': { body: '' },
  'none-204': { status: 204 },
  'unchanged-304': { status: 304 },
  trailers: { trailers: [['x-tail', '1']] },
  'grpc-status': {
    fields: [['content-type', 'application/grpc']],
    trailers: [
      ['grpc-status', '5'],
      ['grpc-message', 'no'],
    ],
  },
  'grpc-status-alone': {
    fields: [
      ['content-type', 'application/grpc'],
      ['grpc-status', '5'],
    ],
    body: '',
  },
  cookies: {
    fields: [
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ],
  },
  interim: { interim: [103] },
  large: { body: 'x'.repeat(200_000) },
  reset: { cut: 'head' },
  'reset-in-body': { cut: 'body', body: 'x'.repeat(100) },
  'protocol-error': { raw: '' },
  late: { delayMs: 30 },
}

function dialogue(
  { method = 'GET', scheme = 'http', path = '/', fields = [], body = '', trailers = [] }: OddRequest,
  domain: string,
): DifferentialCase['dialogue'] {
  const pseudo: Field[] = [
    [':method', method],
    [':scheme', scheme],
    [':authority', domain],
    [':path', path],
  ]
  return { protocol: 'http2', fields: [...pseudo, ...fields], body, trailers }
}

export const HTTP2_REQUESTS: readonly DifferentialCase[] = ['one', 'two'].flatMap(name => [
  ...Object.entries(REQUESTS).map(
    ([odd, request]): DifferentialCase => ({
      name: `h2-${name}/${odd}`,
      listener: LISTENER,
      dialogue: dialogue(request, `${name}.test`),
    }),
  ),
  ...Object.entries(ANSWERS).flatMap(([answered, answer]): DifferentialCase[] => {
    const field: Field = [ANSWER_FIELD, answerField([answer])]
    const bytes = `POST / HTTP/1.1\r\nhost: ${name}.test\r\ncontent-length: 0\r\n${field.join(': ')}\r\n\r\n`
    return [
      {
        name: `h2-${name}/answer-${answered}`,
        listener: LISTENER,
        dialogue: dialogue({ method: 'POST', fields: [field] }, `${name}.test`),
      },
      {
        name: `h1-${name}/answer-${answered}`,
        listener: 'http1-to-both',
        dialogue: { protocol: 'http1', writes: [bytes], methods: ['POST'] },
      },
    ]
  }),
])
