// Time-outs by hand: of connections, of heads that take their time, and what a 1xx and a retry do to those of a try.
import type { JsonObject } from '@bufbuild/protobuf'
import { ANSWER_FIELD, type Answer, answerField } from '../answer.ts'
import type { DifferentialCase } from '../case.ts'
import { SLOW_CLUSTERS } from '../generate/timeouts.ts'
import type { Field } from '../message.ts'
import type { ListenerPlan } from '../plan.ts'
import { CASE_FIELD } from '../upstreams.ts'

const common = (options: JsonObject): JsonObject => ({ common_http_protocol_options: options })
const backOff: JsonObject = { base_interval: '0.001s', max_interval: '0.002s' }
const retry = (policy: JsonObject): JsonObject => ({
  retry_on: '5xx',
  num_retries: 2,
  retry_back_off: backOff,
  ...policy,
})

const MANAGERS: Readonly<Record<string, JsonObject>> = {
  'wait-none': {},
  'wait-idle': common({ idle_timeout: '0.5s' }),
  'wait-duration': common({ max_connection_duration: '0.5s' }),
  'wait-head': { request_headers_timeout: '0.5s' },
  'wait-request': { request_timeout: '0.5s' },
  'wait-interim': { proxy_100_continue: true },
  'wait-reply': {
    request_headers_timeout: '0.5s',
    local_reply_config: {
      mappers: [{ filter: { response_flag_filter: { flags: ['UT'] } }, status_code: 500 }],
      body_format: {
        text_format_source: {
          inline_string: '%LOCAL_REPLY_BODY%|%RESPONSE_CODE%|%RESPONSE_CODE_DETAILS%|%RESPONSE_FLAGS%|%REQ(:PATH)%',
        },
      },
    },
  },
}

interface Waiting {
  readonly listener: keyof typeof MANAGERS
  readonly route?: JsonObject
  readonly answers?: readonly Answer[]
  readonly fields?: readonly Field[]
  /** Of HTTP/1.1, in place of a request. */
  readonly writes?: readonly string[]
  readonly lateMs?: number
  readonly lingerMs?: number
  readonly http2Only?: true
}

const HEAD = 'GET / HTTP/1.1\r\nhost: any.test\r\n'

const interim = (code: number, answer: Answer): Answer => ({ interim: [code], ...answer })
/** Both where 1xx are passed on, and where they are not. */
const both = (name: string, waiting: Omit<Waiting, 'listener'>): [string, Waiting][] =>
  (['wait-none', 'wait-interim'] as const).map(listener => [
    listener === 'wait-none' ? `${name}-untold` : name,
    { listener, ...waiting },
  ])

const WAITING: readonly (readonly [string, Waiting])[] = [
  ['idle-long', { listener: 'wait-idle', lingerMs: 1_200 }],
  ['idle-short', { listener: 'wait-idle', lingerMs: 100 }],
  ['idle-without-a-request', { listener: 'wait-idle', writes: [''] }],
  ['idle-in-a-request', { listener: 'wait-idle', answers: [{ delayMs: 1_200 }] }],
  ['duration-long', { listener: 'wait-duration', lingerMs: 1_200 }],
  ['duration-short', { listener: 'wait-duration', lingerMs: 100 }],
  ['duration-in-a-request', { listener: 'wait-duration', answers: [{ delayMs: 1_200 }] }],
  ['head-never', { listener: 'wait-head', writes: [HEAD] }],
  ['head-late', { listener: 'wait-head', writes: [HEAD, '\r\n'], lateMs: 1_200 }],
  ['head-in-time', { listener: 'wait-head', writes: [HEAD, '\r\n'], lateMs: 100 }],
  ['head-of-nothing', { listener: 'wait-head', writes: ['G'] }],
  ['head-then-body', { listener: 'wait-head', writes: [`${HEAD}content-length: 1\r\n\r\n`, 'a'], lateMs: 1_200 }],
  [
    'given-up-amid-the-answer',
    { http2Only: true, listener: 'wait-none', route: { timeout: '0s' }, answers: [{ bodyDelayMs: 4_500 }] },
  ],
  ['request-never', { listener: 'wait-request', writes: [`${HEAD}content-length: 1\r\n\r\n`] }],
  ['request-head-never', { listener: 'wait-request', writes: [HEAD] }],
  ['request-in-time', { listener: 'wait-request', writes: [`${HEAD}content-length: 1\r\n\r\n`, 'a'], lateMs: 100 }],
  ['request-answered-late', { listener: 'wait-request', answers: [{ delayMs: 1_200 }] }],
  ...(
    [
      ['asked', { grpc_timeout_header_max: '0s' }, '0m'],
      ['asked-under-a-bound', { grpc_timeout_header_max: '1s' }, '0S'],
      ['by-offset', { grpc_timeout_header_max: '0s', grpc_timeout_header_offset: '1s' }, '500m'],
    ] as const
  ).map(([name, duration, deadline]): [string, Waiting] => [
    `spent-${name}`,
    {
      listener: 'wait-none',
      route: { max_stream_duration: duration },
      fields: [['grpc-timeout', deadline]],
      answers: [{ delayMs: 1_000 }],
    },
  ]),
  ...(['100S', '3000m', '0001S', '1H', '99999999H', '100000000u', 'S', '1', '5000000u'] as const).map(
    (deadline): [string, Waiting] => [
      `told-${deadline}`,
      {
        listener: 'wait-none',
        route: { max_stream_duration: { grpc_timeout_header_max: '0s' } },
        fields: [
          ['content-type', 'application/grpc'],
          ['grpc-timeout', deadline],
        ],
      },
    ],
  ),
  ...[100, 102, 103].flatMap(code =>
    both(`interim-${code}-then-try`, {
      route: { timeout: '3s', retry_policy: retry({ per_try_timeout: '0.4s' }) },
      answers: [interim(code, { delayMs: 1_200 })],
    }),
  ),
  ...both('interim-then-route', { route: { timeout: '0.8s' }, answers: [interim(103, { delayMs: 1_600 })] }),
  ...both('interim-then-failure', {
    route: { timeout: '3s', retry_policy: retry({}) },
    answers: [interim(103, { delayMs: 200, status: 503 }), {}],
  }),
  ...both('interim-then-hedge', {
    route: {
      timeout: '3s',
      hedge_policy: { hedge_on_per_try_timeout: true },
      retry_policy: retry({ per_try_timeout: '0.4s' }),
    },
    answers: [interim(103, { delayMs: 1_200 }), {}],
  }),
  ...both('interim-of-the-second', {
    route: { timeout: '3s', retry_policy: retry({ per_try_timeout: '0.4s' }) },
    answers: [{ delayMs: 2_000 }, interim(103, { delayMs: 1_000 })],
  }),
  ...both('interim-then-try-idle', {
    route: { timeout: '3s', retry_policy: retry({ per_try_idle_timeout: '0.4s' }) },
    answers: [interim(103, { delayMs: 1_200 })],
  }),
  ...both('interim-then-idle', {
    route: { timeout: '3s', idle_timeout: '0.4s' },
    answers: [interim(103, { delayMs: 1_200 })],
  }),
  ...both('interim-then-duration', {
    route: { max_stream_duration: { max_stream_duration: '0.4s' } },
    answers: [interim(103, { delayMs: 1_200 })],
  }),
  ['reply-to-a-head', { listener: 'wait-reply', writes: [HEAD] }],
  ['reply-for-a-route', { listener: 'wait-reply', route: { timeout: '0.4s' }, answers: [{ delayMs: 1_200 }] }],
  ['reply-for-idleness', { listener: 'wait-reply', route: { idle_timeout: '0.4s' }, answers: [{ delayMs: 1_200 }] }],
  [
    'reply-for-a-duration',
    {
      listener: 'wait-reply',
      route: { max_stream_duration: { max_stream_duration: '0.4s' } },
      answers: [{ delayMs: 1_200 }],
    },
  ],
  [
    'expected-less',
    {
      listener: 'wait-none',
      route: { timeout: '2.5s', retry_policy: retry({}) },
      answers: [{ delayMs: 800, status: 503 }, { delayMs: 1_000, status: 503 }, {}],
    },
  ],
  [
    'expected-by-try',
    {
      listener: 'wait-none',
      route: { timeout: '2.5s', retry_policy: retry({ per_try_timeout: '1.2s' }) },
      answers: [{ delayMs: 600, status: 503 }, { delayMs: 1_000, status: 503 }, {}],
    },
  ],
  [
    'expected-by-hedge',
    {
      listener: 'wait-none',
      route: {
        timeout: '2.5s',
        hedge_policy: { hedge_on_per_try_timeout: true },
        retry_policy: retry({ per_try_timeout: '0.8s' }),
      },
      answers: [{ delayMs: 2_800 }, { delayMs: 1_200 }, { delayMs: 2_800 }],
    },
  ],
  [
    'expected-without-timeout',
    {
      listener: 'wait-none',
      route: { timeout: '0s', retry_policy: retry({}) },
      answers: [{ delayMs: 300, status: 503 }, {}],
    },
  ],
]

const TABLE: readonly JsonObject[] = WAITING.map(([name, { route = {} }]) => ({
  name,
  domains: [`${name}.test`],
  routes: [{ name: 'r', match: { prefix: '/' }, route: { cluster: 'slow', timeout: '3s', ...route } }],
}))

export const WAIT_LISTENERS: readonly ListenerPlan[] = Object.entries(MANAGERS).flatMap(([name, manager], index) => [
  { name, virtualHosts: TABLE, connectionManager: manager, ...(index === 0 ? { clusters: SLOW_CLUSTERS } : {}) },
  { name: `${name}-http2`, virtualHosts: TABLE, connectionManager: { ...manager, codec_type: 'HTTP2' } },
])

export const WAITS: readonly DifferentialCase[] = WAITING.flatMap(([name, waiting], index): DifferentialCase[] => {
  const { listener, answers = [], writes, lateMs, lingerMs, fields: more = [] } = waiting
  const times = { ...(lateMs === undefined ? {} : { lateMs }), ...(lingerMs === undefined ? {} : { lingerMs }) }
  const config = TABLE[index]
  const fields = (whole: string): Field[] => [
    [CASE_FIELD, whole],
    ...(answers.length === 0 ? [] : [[ANSWER_FIELD, answerField(answers)] as const]),
    ...more,
  ]
  const one = `wait-http1/${name}`
  const lines = [['host', `${name}.test`] as const, ...fields(one)].map(([field, value]) => `${field}: ${value}\r\n`)
  const whole = [`GET / HTTP/1.1\r\n${lines.join('')}\r\n`]
  const sent = writes?.map((text, at) =>
    at === 0 ? text.replace('any.test\r\n', `${name}.test\r\n${CASE_FIELD}: ${one}\r\n`) : text,
  )
  const http1: DifferentialCase = {
    name: one,
    listener,
    dialogue: { protocol: 'http1', writes: sent ?? whole, methods: ['GET'], ...times },
    config,
    beside: one,
  }
  if (writes !== undefined) return [http1]
  const two = `wait-http2/${name}`
  const pseudo: Field[] = [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':authority', `${name}.test`],
    [':path', '/'],
  ]
  return [
    ...(waiting.http2Only ? [] : [http1]),
    {
      name: two,
      listener: `${listener}-http2`,
      dialogue: { protocol: 'http2', fields: [...pseudo, ...fields(two)], body: '', trailers: [], ...times },
      config,
      beside: two,
    },
  ]
})
