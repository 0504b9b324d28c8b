// Bodies that are kept for another try, and such as are too large for that, in one piece or in chunks; and first tries that
// fail. None is about as large as the limit, where the page of differences has a word on pieces.
import type { JsonObject } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { ANSWER_FIELD, type Answer, answerField } from '../answer.ts'
import type { DifferentialCase } from '../case.ts'
import type { Field } from '../message.ts'
import type { ListenerPlan } from '../plan.ts'
import type { Arbitrary } from './words.ts'

const LIMIT = 2_000
const CODECS = ['http1', 'http2'] as const
const CLUSTERS = ['alpha', 'delta'] as const

const retried = (cluster: string): JsonObject => ({
  cluster,
  retry_policy: {
    retry_on: '5xx',
    num_retries: 2,
    retry_back_off: { base_interval: '0.001s', max_interval: '0.002s' },
  },
})

export const RETRIED_BODY_LISTENERS: readonly ListenerPlan[] = CODECS.map(codec => ({
  name: `retried-${codec}`,
  virtualHosts: CLUSTERS.map(
    (cluster): JsonObject => ({
      name: cluster,
      domains: [`${cluster}.test`],
      include_attempt_count_in_response: true,
      routes: [{ name: 'r', match: { prefix: '/' }, route: retried(cluster) }],
    }),
  ),
  connectionManager: { codec_type: codec.toUpperCase() },
  listener: { per_connection_buffer_limit_bytes: LIMIT },
}))

interface Asked {
  readonly codec: (typeof CODECS)[number]
  readonly cluster: (typeof CLUSTERS)[number]
  readonly size: number
  readonly chunk: number
  readonly answers: readonly Answer[]
}

const asked: Arbitrary<Asked> = fc
  .record({
    codec: fc.constantFrom(...CODECS),
    cluster: fc.constantFrom(...CLUSTERS),
    size: fc.constantFrom(1, 10, LIMIT / 2, 2 * LIMIT, 10 * LIMIT, 100 * LIMIT),
    chunk: fc.constantFrom(0, 0, 500, 999, LIMIT),
    answers: fc.constantFrom<Answer[][]>(
      [{ status: 503 }, {}],
      [{ status: 503 }, { status: 500 }, {}],
      [{ cut: 'before' }, {}],
      [{ cut: 'head' }, {}],
      [{ status: 503 }],
      [{ status: 404 }, {}],
    ),
  })
  .filter(({ codec, size }) => codec === 'http1' || size < LIMIT)

export function retriedBodyCases(seed: number, count: number): readonly DifferentialCase[] {
  return fc.sample(asked, { seed, numRuns: count }).map((each, index): DifferentialCase => {
    const { codec, cluster, size, chunk, answers } = each
    const listener = `retried-${codec}`
    const body = 'x'.repeat(size)
    const fields: Field[] = [[ANSWER_FIELD, answerField(answers)]]
    const name = `${listener}/${cluster}-${size}${chunk > 0 ? '-chunked' : ''}/${seed}.${index}`
    if (codec === 'http2') {
      const pseudo: Field[] = [
        [':method', 'POST'],
        [':scheme', 'http'],
        [':authority', `${cluster}.test`],
        [':path', '/'],
      ]
      return { name, listener, dialogue: { protocol: 'http2', fields: [...pseudo, ...fields], body, trailers: [] } }
    }
    const framing: Field = chunk > 0 ? ['transfer-encoding', 'chunked'] : ['content-length', String(size)]
    const lines = [['host', `${cluster}.test`], ...fields, framing].map(([field, value]) => `${field}: ${value}\r\n`)
    const bytes = chunk > 0 ? inChunks(body, chunk) : body
    const writes = [`POST / HTTP/1.1\r\n${lines.join('')}\r\n${bytes}`]
    return { name, listener, dialogue: { protocol: 'http1', writes, methods: ['POST'] } }
  })
}

function inChunks(body: string, size: number): string {
  let text = ''
  for (let at = 0; at < body.length; at += size) {
    const piece = body.slice(at, at + size)
    text += `${piece.length.toString(16)}\r\n${piece}\r\n`
  }
  return `${text}0\r\n\r\n`
}
