// Answers that come when the head of the request has, and whose clients send the rest when they have heard of one, or never.
// Nothing in them is about time; but a connection that is kept is only told by its silence, and so they are done side by side.
import type { JsonObject } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { ANSWER_FIELD, type Answer, answerField } from '../answer.ts'
import type { DifferentialCase } from '../case.ts'
import type { Field } from '../message.ts'
import type { ListenerPlan } from '../plan.ts'
import { CASE_FIELD } from '../upstreams.ts'
import type { Arbitrary } from './words.ts'

const CLUSTERS = ['alpha', 'delta'] as const
const CODECS = ['http1', 'http2'] as const
const BODY = 'request body'

const routes = (cluster: string): JsonObject[] => [{ name: 'r', match: { prefix: '/' }, route: { cluster } }]

export const EARLY_LISTENERS: readonly ListenerPlan[] = CODECS.map(codec => ({
  name: `early-${codec}`,
  virtualHosts: CLUSTERS.map(cluster => ({
    name: cluster,
    domains: [`${cluster}.test`],
    routes: routes(cluster),
  })),
  connectionManager: { codec_type: codec.toUpperCase() },
}))

interface Asked {
  readonly codec: (typeof CODECS)[number]
  readonly cluster: (typeof CLUSTERS)[number]
  readonly rest: 'behind' | 'never'
  readonly chunked: boolean
  readonly answer: Answer
}

const asked: Arbitrary<Asked> = fc
  .record({
    codec: fc.constantFrom(...CODECS),
    cluster: fc.constantFrom(...CLUSTERS),
    rest: fc.constantFrom('behind', 'never'),
    chunked: fc.boolean(),
    answer: fc
      .record({
        early: fc.constantFrom<NonNullable<Answer['early']>[]>('whole', 'head'),
        status: fc.constantFrom(200, 200, 404, 413, 503, 204),
        body: fc.constantFrom('', 'early', 'x'.repeat(20_000)),
        chunked: fc.boolean(),
        close: fc.constantFrom(false, false, false, true),
        interim: fc.constantFrom([], [], [100], [103]),
        cut: fc.constantFrom(undefined, undefined, undefined, undefined, 'body' as const),
      })
      .map(
        ({ early, status, body, chunked, close, interim, cut }): Answer => ({
          early,
          status,
          body,
          ...(chunked ? { chunked } : {}),
          ...(close ? { close } : {}),
          ...(interim.length > 0 ? { interim } : {}),
          ...(cut === undefined || body === '' ? {} : { cut }),
        }),
      ),
  })
  .filter(({ rest, cluster, answer }) => {
    // Its end would never come.
    if (rest === 'never' && answer.early === 'head') return false
    // Whether the rest comes before the connection breaks is chance.
    if (rest === 'behind' && answer.early === 'whole' && answer.cut !== undefined) return false
    // Over HTTP/2 the end comes in the same breath as the reset, and says that the body is too short: which counts is chance.
    return cluster === 'alpha' || answer.cut === undefined
  })

export function earlyCases(seed: number, count: number): readonly DifferentialCase[] {
  return fc.sample(asked, { seed, numRuns: count }).map((each, index): DifferentialCase => {
    const { codec, cluster, rest, answer } = each
    const listener = `early-${codec}`
    const name = `${listener}/${cluster}-${answer.early}-${rest}${answer.cut === undefined ? '' : '-cut'}/${seed}.${index}`
    return { name, listener, dialogue: dialogue(each, name), beside: name }
  })
}

function dialogue({ codec, cluster, rest, chunked, answer }: Asked, name: string): DifferentialCase['dialogue'] {
  const fields: Field[] = [
    [CASE_FIELD, name],
    [ANSWER_FIELD, answerField([answer])],
  ]
  const behindAnswer = rest === 'behind'
  const authority = `${cluster}.test`
  const length: Field = ['content-length', String(BODY.length)]
  if (codec === 'http2') {
    const pseudo: Field[] = [
      [':method', 'POST'],
      [':scheme', 'http'],
      [':authority', authority],
      [':path', '/'],
    ]
    const all = [...pseudo, ...fields, ...(chunked ? [] : [length])]
    const isCut = rest === 'never'
    return { protocol: 'http2', fields: all, body: isCut ? '' : BODY, trailers: [], behindAnswer, isCut }
  }
  const framing: Field = chunked ? ['transfer-encoding', 'chunked'] : length
  const lines = [['host', authority], ...fields, framing].map(([field, value]) => `${field}: ${value}\r\n`).join('')
  const head = `POST / HTTP/1.1\r\n${lines}\r\n`
  const [begun, more] = chunked ? ['7\r\nrequest\r\n', '5\r\n body\r\n0\r\n\r\n'] : ['request', ' body']
  const writes = [head + begun, ...(behindAnswer ? [more!] : [])]
  return { protocol: 'http1', writes, methods: ['POST'], behindAnswer, probe: false }
}
