// What local_reply_config makes of the replies of a proxy: of its router, its filters, its connection manager and its codecs.
import type { JsonObject } from '@bufbuild/protobuf'
import { ANSWER_FIELD, type Answer, answerField } from '../answer.ts'
import type { DifferentialCase } from '../case.ts'
import type { Field } from '../message.ts'
import { DEAD_CLUSTER, EMPTY_CLUSTER, type ListenerPlan } from '../plan.ts'
import { inHttp1, inHttp2, type PlainRequest } from './both-protocols.ts'

const TYPE = 'type.googleapis.com/envoy.extensions.filters.http'

const status = (op: string, value: number): JsonObject => ({
  status_code_filter: { comparison: { op, value: { default_value: value, runtime_key: 'none' } } },
})
const asks = (name: string): JsonObject => ({
  header_filter: { header: { name: 'x-a', string_match: { exact: name } } },
})
const anyFlag: JsonObject = { response_flag_filter: {} }
const add = (key: string, value: string, more: JsonObject = {}): JsonObject => ({ header: { key, value }, ...more })
const text = (inline_string: string, more: JsonObject = {}): JsonObject => ({
  text_format_source: { inline_string },
  ...more,
})
const either = (...filters: JsonObject[]): JsonObject => ({ or_filter: { filters } })

const FACTS = [
  ...['LOCAL_REPLY_BODY', 'RESPONSE_CODE', 'RESPONSE_CODE_DETAILS', 'RESPONSE_FLAGS', 'REQ(:METHOD)', 'REQ(:PATH)'],
  ...['REQ(:AUTHORITY)', 'REQ(X-A)', 'RESP(:STATUS)', 'RESP(CONTENT-TYPE)', 'RESP(X-UP)', 'RESP(LOCATION)', 'PROTOCOL'],
  ...[
    'ROUTE_NAME',

    'ACCESS_LOG_TYPE',
    'BYTES_RECEIVED',
    'BYTES_SENT',
    'GRPC_STATUS',
    'RESP(X-MAPPED)',
  ],
].map(name => `%${name}%`)

const JSON_FACTS: JsonObject = {
  status: '%RESPONSE_CODE%',
  message: '%LOCAL_REPLY_BODY%',
  nested: { path: '%REQ(:PATH)%', none: '%REQ(X-NONE)%', list: [1, true, '%REQ(X-A)%'] },
}

const CONFIGS: Readonly<Record<string, JsonObject>> = {
  'reply-text': { body_format: text(FACTS.join('|'), { content_type: 'text/html; charset=UTF-8' }) },
  'reply-json': { body_format: { json_format: JSON_FACTS } },
  'reply-omitting': {
    body_format: { json_format: JSON_FACTS, omit_empty_values: true, content_type: 'application/problem+json' },
  },
  'reply-empty': { body_format: text('') },
  'reply-kept': { mappers: [{ filter: asks('nobody'), status_code: 299 }] },
  'reply-mapped': {
    body_format: text('%RESPONSE_CODE% %RESP(X-MAPPED)% %LOCAL_REPLY_BODY%'),
    mappers: [
      {
        filter: asks('all'),
        status_code: 418,
        body: { inline_string: 'a "body" of\nits own \u00fc' },
        headers_to_add: [
          add('x-mapped', '%RESPONSE_CODE% [%LOCAL_REPLY_BODY%] %RESP(:STATUS)%'),
          add('x-up', 'one more'),
          add('location', 'elsewhere', { append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' }),
        ],
      },
      {
        filter: asks('type'),
        headers_to_add: [add('content-type', 'text/own', { append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' })],
      },
      {
        filter: asks('type-alone'),
        body_format_override: text('%LOCAL_REPLY_BODY%'),
        headers_to_add: [add('content-type', 'text/own')],
      },
      { filter: asks('override'), body_format_override: { json_format: { m: '%LOCAL_REPLY_BODY%' } } },
      { filter: asks('bytes'), body: { inline_bytes: 'AP8KIg==' } },
      { filter: asks('empty'), body: { inline_string: '' }, body_format_override: text('%LOCAL_REPLY_BODY%') },
      { filter: asks('204'), status_code: 204, body_format_override: text('%LOCAL_REPLY_BODY%') },
      { filter: asks('304'), status_code: 304, body: { inline_string: 'unmodified' } },
      { filter: asks('200'), status_code: 200 },
      { filter: asks('grpc-status'), headers_to_add: [add('grpc-status', '9')] },
      {
        filter: { grpc_status_filter: { statuses: ['UNIMPLEMENTED'] } },
        headers_to_add: [add('x-mapped', 'grpc unimplemented')],
      },
      { filter: anyFlag, status_code: 555, headers_to_add: [add('x-mapped', 'flagged')] },
      { filter: { log_type_filter: { types: ['DownstreamEnd'] } }, headers_to_add: [add('x-mapped', 'at its end')] },
      { filter: status('EQ', 403), headers_to_add: [add('x-mapped', 'forbidden')] },
      {
        filter: either(status('EQ', 400), status('EQ', 431)),
        status_code: 598,
        headers_to_add: [add('x-mapped', 'bad')],
      },
      { filter: status('GE', 0), headers_to_add: [add('x-mapped', 'rest')] },
    ],
  },
}

const percent = (numerator: number): JsonObject => ({ numerator, denominator: 'HUNDRED' })
const filter = (name: string, config: JsonObject): JsonObject => ({ name, typed_config: config })
const header = (name: string, exact: string): JsonObject => ({ header: { name, string_match: { exact } } })

const FILTERS: readonly JsonObject[] = [
  filter('cors', { '@type': `${TYPE}.cors.v3.Cors` }),
  filter('rbac', {
    '@type': `${TYPE}.rbac.v3.RBAC`,
    rules: {
      action: 'DENY',
      policies: { strangers: { permissions: [header('x-who', 'stranger')], principals: [{ any: true }] } },
    },
  }),
  filter('fault', {
    '@type': `${TYPE}.fault.v3.HTTPFault`,
    abort: { http_status: 502, percentage: percent(100) },
    headers: [{ name: 'x-who', string_match: { exact: 'unlucky' } }],
  }),
  filter('buffer', { '@type': `${TYPE}.buffer.v3.Buffer`, max_request_bytes: 10 }),
  filter('router', { '@type': `${TYPE}.router.v3.Router` }),
]

const direct = (path: string, code: number, body: string): JsonObject => ({
  name: path,
  match: { path },
  direct_response: { status: code, body: { inline_string: body } },
})
const forward = (path: string, route: JsonObject, more: JsonObject = {}): JsonObject => ({
  name: path,
  match: { path },
  route,
  ...more,
})

const HOST: JsonObject = {
  name: 'some',
  domains: ['a.test'],
  routes: [
    forward('/up', { cluster: 'alpha' }),
    forward('/unknown', { cluster_header: 'x-cluster' }),
    forward('/dead', { cluster: DEAD_CLUSTER }),
    forward(
      '/empty',
      { cluster: EMPTY_CLUSTER },
      { response_headers_to_add: [add('x-up', 'route'), add('content-type', 'text/route')] },
    ),
    forward('/retried', { cluster: 'alpha', retry_policy: { retry_on: '5xx', num_retries: 1 } }),
    forward(
      '/cors',
      { cluster: 'alpha' },
      {
        typed_per_filter_config: {
          cors: { '@type': `${TYPE}.cors.v3.CorsPolicy`, allow_origin_string_match: [{ exact: 'http://a.test' }] },
        },
      },
    ),
    direct('/direct', 200, 'fine'),
    direct('/direct-403', 403, 'no'),
    direct('/direct-204', 204, ''),
    { name: 'redirect', match: { path: '/redirect' }, redirect: { path_redirect: '/up' } },
  ],
}

type Asked = Partial<PlainRequest> & { readonly answer?: Answer }

const GRPC: Field = ['content-type', 'application/grpc']
const a = (value: string): Field => ['x-a', value]
const PREFLIGHT: readonly Field[] = [
  ['origin', 'http://a.test'],
  ['access-control-request-method', 'PUT'],
]
const SAYS = ['all', 'type', 'type-alone', 'override', 'bytes', 'empty', '204', '304', '200', 'grpc-status'] as const

const ASKED: Readonly<Record<string, Asked>> = {
  answered: { path: '/up' },
  'answered-500': { path: '/up', answer: { status: 500 } },
  'no-route': { path: '/none?q="%C3%BC' },
  'no-route-to-head': { path: '/none', method: 'HEAD' },
  'no-route-of-grpc': { path: '/none', fields: [GRPC] },
  unknown: { path: '/unknown', fields: [['x-cluster', 'nowhere']] },
  dead: { path: '/dead' },
  'dead-of-grpc': { path: '/dead', fields: [GRPC] },
  empty: { path: '/empty' },
  'empty-of-grpc': { path: '/empty', fields: [GRPC] },
  broken: { path: '/retried', method: 'POST', body: 'body', answer: { cut: 'before' } },
  direct: { path: '/direct' },
  'direct-to-head': { path: '/direct', method: 'HEAD' },
  'direct-403': { path: '/direct-403' },
  'direct-204': { path: '/direct-204' },
  redirect: { path: '/redirect' },
  denied: { path: '/up', fields: [['x-who', 'stranger']] },
  aborted: { path: '/up', fields: [['x-who', 'unlucky']] },
  'too-large': { path: '/up', method: 'POST', body: 'more than ten bytes' },
  preflight: { path: '/cors', method: 'OPTIONS', fields: PREFLIGHT },
  fragment: { path: '/up#b' },
  asterisk: { path: '*', method: 'OPTIONS' },
  upgrade: {
    path: '/up',
    fields: [
      ['connection', 'upgrade'],
      ['upgrade', 'websocket'],
    ],
  },
}

/** Of the mappers. */
const SAID: Readonly<Record<string, Asked>> = Object.fromEntries(
  SAYS.flatMap(says => [
    [`said-${says}`, { path: '/none', fields: [a(says)] }],
    [`said-${says}-to-head`, { path: '/dead', method: 'HEAD', fields: [a(says)] }],
    [`said-${says}-of-grpc`, { path: '/empty', fields: [a(says), GRPC] }],
    [`said-${says}-direct`, { path: '/direct-403', fields: [a(says)] }],
    [`said-${says}-empty`, { path: '/empty', fields: [a(says)] }],
  ]),
)

/** Of HTTP/1.1 alone. */
const RAW: Readonly<Record<string, string>> = {
  'no-host': 'GET /up HTTP/1.1\r\n\r\n',
  'http-1.0': 'GET /up HTTP/1.0\r\nhost: a.test\r\n\r\n',
  'no-http': 'what is this\r\n\r\n',
  'bad-length': 'POST /up HTTP/1.1\r\nhost: a.test\r\ncontent-length: x\r\n\r\n',
  'bad-chunk': 'POST /up HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\nxx\r\n',
  'large-head': `GET /up HTTP/1.1\r\nhost: a.test\r\nx-b: ${'b'.repeat(2000)}\r\n\r\n`,
}

const NAMES = Object.keys(CONFIGS)

export const LOCAL_REPLY_LISTENERS: readonly ListenerPlan[] = NAMES.flatMap(name =>
  (['HTTP1', 'HTTP2'] as const).map(codec => ({
    name: `${name}-${codec}`,
    virtualHosts: [HOST],
    connectionManager: {
      codec_type: codec,
      local_reply_config: CONFIGS[name]!,
      http_filters: [...FILTERS],
      max_request_headers_kb: 1,
    },
  })),
)

function casesOf(listener: string, asked: string, request: Asked): DifferentialCase[] {
  const { method = 'GET', path = '/', body = '', answer } = request
  const fields: Field[] = [
    ...(request.fields ?? []),
    ...(answer ? [[ANSWER_FIELD, answerField([answer])] as const] : []),
  ]
  const plain = { method, path, fields, body }
  const config = CONFIGS[listener]
  const http1 = { name: `${listener}/${asked}-h1`, listener: `${listener}-HTTP1`, dialogue: inHttp1(plain), config }
  if (fields.some(([name]) => name === 'upgrade')) return [http1]
  return [http1, { name: `${listener}/${asked}-h2`, listener: `${listener}-HTTP2`, dialogue: inHttp2(plain), config }]
}

export const LOCAL_REPLIES: readonly DifferentialCase[] = NAMES.flatMap(listener => [
  ...Object.entries(listener === 'reply-mapped' ? { ...ASKED, ...SAID } : ASKED).flatMap(([asked, request]) =>
    casesOf(listener, asked, request),
  ),
  ...Object.entries(RAW).map(
    ([asked, bytes]): DifferentialCase => ({
      name: `${listener}/${asked}-h1`,
      listener: `${listener}-HTTP1`,
      dialogue: { protocol: 'http1', writes: [bytes], methods: ['GET'] },
      config: CONFIGS[listener],
    }),
  ),
])
