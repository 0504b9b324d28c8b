// Time-outs that fire, or do not: of routes, tries, streams and connections, before endpoints that take their time. Every
// moment at which something may happen is a whole number of units away from every other, and cases are done side by side:
// what is measured is who comes first, not how fast the machine is.
import type { JsonObject } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { ANSWER_FIELD, type Answer, answerField } from '../answer.ts'
import type { DifferentialCase } from '../case.ts'
import type { Field } from '../message.ts'
import { type ClusterPlan, HTTP2_UPSTREAM, type ListenerPlan } from '../plan.ts'
import { CASE_FIELD } from '../upstreams.ts'
import type { Arbitrary } from './words.ts'

const UNIT_MS = 200
/** The client gives up behind this one. */
const LAST = 12
const TRY = 4

/** Of the connection managers that have any. */
const BOUNDS = { idle: 5, request: 3, duration: 7 } as const

type Body = 'none' | 'whole' | 'late' | 'never'
const LATE = 2

interface Slowness {
  readonly bounded: boolean
  readonly http2: boolean
  readonly cluster: string
  readonly timeout: number | undefined
  readonly idle: number | undefined
  /** Null: max_stream_duration is there, and empty. */
  readonly duration: number | null | undefined
  /** Of a grpc-timeout that the request brings: the most that the route honours, 0 for any. */
  readonly deadline: { readonly asked: number; readonly max: number; readonly offset?: number } | undefined
  readonly perTry: boolean
  readonly perTryIdle: boolean
  readonly hedged: boolean
  readonly retries: number
  readonly retryOn: string
  readonly body: Body
  readonly grpc: boolean
  readonly field: Field | undefined
  readonly answers: readonly SlowAnswer[]
}

interface SlowAnswer {
  readonly status: number
  readonly delay: number
  readonly bodyDelay: number
  readonly interim: boolean
}

const ms = (units: number): string => String(units * UNIT_MS)
const seconds = (units: number): string => `${(units * UNIT_MS) / 1000}s`

const answer: Arbitrary<SlowAnswer> = fc.record({
  status: fc.constantFrom(200, 200, 200, 503, 404),
  delay: fc.constantFrom(0, 1, 2, 6, 10, 20),
  bodyDelay: fc.constantFrom(0, 0, 0, 2, 7),
  interim: fc.constantFrom(false, false, false, true),
})

/** Words to Envoy, which it takes from nobody unless told whom to trust. */
const FIELDS: readonly Field[] = [
  ['x-envoy-upstream-rq-timeout-ms', ms(1)],
  ['x-envoy-upstream-rq-per-try-timeout-ms', ms(1)],
  ['x-envoy-expected-rq-timeout-ms', ms(1)],
  ['x-envoy-hedge-on-per-try-timeout', 'true'],
  ['x-envoy-max-retries', '0'],
]

const slowness: Arbitrary<Slowness> = fc
  .record<Slowness>({
    bounded: fc.constantFrom(false, false, false, true),
    http2: fc.boolean(),
    cluster: fc.constantFrom('slow', 'slow', 'slow-http2'),
    timeout: fc.constantFrom(undefined, 0, 3, 3, 7, 11),
    idle: fc.constantFrom(undefined, undefined, 0, 1, 5, 9),
    duration: fc.constantFrom(undefined, undefined, undefined, null, 0, 1, 5, 9),
    deadline: fc.constantFrom(
      undefined,
      undefined,
      undefined,
      { asked: 3, max: 0 },
      { asked: 9, max: 5 },
      { asked: 9, max: 0, offset: 4 },
    ),
    perTry: fc.boolean(),
    perTryIdle: fc.constantFrom(false, false, true),
    hedged: fc.constantFrom(false, false, true),
    retries: fc.constantFrom(0, 1, 2),
    retryOn: fc.constantFrom('5xx', '5xx', 'reset', 'gateway-error', 'retriable-4xx', ''),
    body: fc.constantFrom<Body>('none', 'none', 'whole', 'late', 'never'),
    grpc: fc.constantFrom(false, false, false, true),
    field: fc.option(fc.constantFrom(...FIELDS), { freq: 6, nil: undefined }),
    answers: fc.array(answer, { minLength: 1, maxLength: 3 }),
  })
  .filter(isDecided)

/** Whether all that may happen is apart, and the end is not later than the client waits. */
function isDecided(slow: Slowness): boolean {
  const { bounded, body, answers, perTry, perTryIdle, hedged, retries } = slow
  const whole = body === 'never' ? Number.POSITIVE_INFINITY : body === 'late' ? LATE : 0
  const timers: number[] = []
  const ends: number[] = []
  const stops = (at: number): void => {
    timers.push(at)
    ends.push(at)
  }
  const idle = slow.idle ?? (bounded ? BOUNDS.idle : 0)
  if (bounded && whole > 0) stops(BOUNDS.request)
  if (idle > 0 && idle < whole) stops(idle)
  // What comes meanwhile puts it off.
  if (idle > 0 && whole < Number.POSITIVE_INFINITY) timers.push(whole + idle)
  if (durationOf(slow) > 0) stops(durationOf(slow))
  if (slow.duration === undefined && slow.deadline === undefined && slow.timeout !== 0 && slow.timeout !== undefined)
    stops(whole + slow.timeout)
  const comes: number[] = []
  let start = whole
  for (let n = 0; n <= retries; n++) {
    const { delay, bodyDelay } = answers[Math.min(n, answers.length - 1)]!
    comes.push(start + delay)
    if (bodyDelay > 0) {
      comes.push(start + delay + bodyDelay)
      if (idle > 0) timers.push(start + delay + idle)
      if (perTryIdle) timers.push(start + delay + TRY - 1)
    }
    if (perTry) timers.push(start + TRY)
    if (perTryIdle) timers.push(start + TRY - 1)
    const next =
      perTry && hedged ? start + TRY : start + Math.min(delay, perTry ? TRY : delay, perTryIdle ? TRY - 1 : delay)
    if (n === retries) ends.push(perTry && !hedged ? next + bodyDelay : start + delay + bodyDelay)
    start = next
  }
  const moments = [...new Set(timers), ...(hedged ? comes : new Set(comes))].filter(Number.isFinite)
  const apart = new Set(timers).size === timers.length && new Set(moments).size === moments.length
  return apart && Math.min(...ends) <= LAST
}

function durationOf({ bounded, duration, deadline }: Slowness): number {
  if (deadline !== undefined) {
    const { asked, max, offset = 0 } = deadline
    return (max > 0 ? Math.min(asked, max) : asked) - offset
  }
  return duration ?? (bounded ? BOUNDS.duration : 0)
}

function route(slow: Slowness): JsonObject {
  const { cluster, timeout, idle, duration, deadline, perTry, perTryIdle, hedged, retries, retryOn } = slow
  const streamDuration: JsonObject = {
    ...(typeof duration === 'number' ? { max_stream_duration: seconds(duration) } : {}),
    ...(deadline === undefined ? {} : { grpc_timeout_header_max: seconds(deadline.max) }),
    ...(deadline?.offset === undefined ? {} : { grpc_timeout_header_offset: seconds(deadline.offset) }),
  }
  return {
    cluster,
    ...(timeout === undefined ? {} : { timeout: seconds(timeout) }),
    ...(idle === undefined ? {} : { idle_timeout: seconds(idle) }),
    ...(duration === undefined && deadline === undefined ? {} : { max_stream_duration: streamDuration }),
    ...(hedged ? { hedge_policy: { hedge_on_per_try_timeout: true } } : {}),
    retry_policy: {
      ...(retryOn === '' ? {} : { retry_on: retryOn }),
      num_retries: retries,
      ...(perTry ? { per_try_timeout: seconds(TRY) } : {}),
      ...(perTryIdle ? { per_try_idle_timeout: seconds(TRY - 1) } : {}),
      retry_back_off: { base_interval: '0.001s', max_interval: '0.002s' },
    },
  }
}

const slowCluster = (name: string, endpoint: 'alpha' | 'delta', fields: JsonObject): ClusterPlan => ({
  name,
  endpoint,
  // Retries of all cases are under way at once.
  fields: { circuit_breakers: { thresholds: [{ max_retries: 10_000 }] }, ...fields },
})

/** In the plan once. */
export const SLOW_CLUSTERS: readonly ClusterPlan[] = [
  slowCluster('slow', 'alpha', {}),
  slowCluster('slow-http2', 'delta', HTTP2_UPSTREAM),
]

const MANAGERS: Readonly<Record<string, JsonObject>> = {
  'slow-http1': {},
  'slow-http2': { codec_type: 'HTTP2' },
  'slow-http1-bounded': {},
  'slow-http2-bounded': { codec_type: 'HTTP2' },
}

const BOUNDED: JsonObject = {
  stream_idle_timeout: seconds(BOUNDS.idle),
  request_timeout: seconds(BOUNDS.request),
  common_http_protocol_options: { max_stream_duration: seconds(BOUNDS.duration) },
}

const listenerOf = ({ http2, bounded }: Slowness): string => `slow-http${http2 ? 2 : 1}${bounded ? '-bounded' : ''}`

export interface SlowPlan {
  readonly listeners: readonly ListenerPlan[]
  readonly cases: readonly DifferentialCase[]
}

/** The same for the same seed. */
export function slowPlan(seed: number, count: number): SlowPlan {
  const all = fc.sample(slowness, { seed, numRuns: count })
  const virtualHosts = all.map(
    (slow, index): JsonObject => ({
      name: `s${index}`,
      domains: [`s${index}.test`],
      include_attempt_count_in_response: true,
      routes: [{ name: 'r', match: { prefix: '/' }, route: route(slow) }],
    }),
  )
  const listeners = Object.entries(MANAGERS).map(
    ([name, manager], index): ListenerPlan => ({
      name,
      virtualHosts,
      connectionManager: { ...manager, ...(name.endsWith('-bounded') ? BOUNDED : {}) },
      ...(index === 0 ? { clusters: SLOW_CLUSTERS } : {}),
    }),
  )
  const cases = all.map((slow, index): DifferentialCase => {
    const name = `${listenerOf(slow)}/${traits(slow)}/${seed}.${index}`
    return {
      name,
      listener: listenerOf(slow),
      dialogue: dialogue(slow, index, name),
      config: virtualHosts[index],
      beside: name,
    }
  })
  return { listeners, cases }
}

/** By which known differences name cases. */
function traits({ answers, hedged, perTry, perTryIdle, body }: Slowness): string {
  const words = [
    answers.some(({ interim }) => interim) ? 'interim' : '',
    hedged && perTry ? 'hedged' : perTry ? 'per-try' : '',
    perTryIdle ? 'try-idle' : '',
    body,
  ]
  return words.filter(word => word !== '').join('-')
}

const BODY = 'request body'

function dialogue(slow: Slowness, index: number, name: string): DifferentialCase['dialogue'] {
  const { body, deadline, field, answers } = slow
  const method = body === 'none' ? 'GET' : 'POST'
  const told = answers.map(
    ({ status, delay, bodyDelay, interim }): Answer => ({
      status,
      ...(delay === 0 ? {} : { delayMs: delay * UNIT_MS }),
      ...(bodyDelay === 0 ? {} : { bodyDelayMs: bodyDelay * UNIT_MS }),
      ...(interim ? { interim: [103] } : {}),
    }),
  )
  const fields: Field[] = [
    [CASE_FIELD, name],
    [ANSWER_FIELD, answerField(told)],
    ...(deadline === undefined ? [] : [['grpc-timeout', `${ms(deadline.asked)}m`] as const]),
    ...(slow.grpc ? [['content-type', 'application/grpc'] as const] : []),
    ...(field === undefined ? [] : [field]),
    ...(body === 'none' ? [] : [['content-length', String(BODY.length)] as const]),
  ]
  const late = body === 'late' ? { lateMs: LATE * UNIT_MS } : {}
  const authority = `s${index}.test`
  if (slow.http2) {
    const pseudo: Field[] = [
      [':method', method],
      [':scheme', 'http'],
      [':authority', authority],
      [':path', '/'],
    ]
    const sent = body === 'whole' || body === 'late' ? BODY : ''
    const isCut = body === 'never'
    return { protocol: 'http2', fields: [...pseudo, ...fields], body: sent, trailers: [], ...late, isCut }
  }
  const lines = fields.map(([field, value]) => `${field}: ${value}\r\n`).join('')
  const head = `${method} / HTTP/1.1\r\nhost: ${authority}\r\n${lines}\r\n`
  const writes = body === 'whole' || body === 'late' ? [head, BODY] : [head]
  return { protocol: 'http1', writes, methods: [method], ...late }
}
