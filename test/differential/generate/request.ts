// Requests that are likely to be matched by the routes of a virtual host.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { ANSWER_FIELD, type Answer, answerField } from '../answer.ts'
import type { Http1Dialogue } from '../http1/client.ts'
import type { Http2Dialogue } from '../http2/client.ts'
import type { Field } from '../message.ts'
import { answers, failure } from './retry.ts'
import {
  type Arbitrary,
  CLUSTER_FIELD,
  DRAW_FIELD,
  draw,
  headerName,
  parameterName,
  parameterValue,
  path,
  value,
} from './words.ts'

const METHODS = ['GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'] as const
const ODD_FIELDS = [
  ['content-type', 'application/grpc'],
  ['content-type', 'application/grpc+proto'],
  ['content-type', 'text/plain'],
  ['x-forwarded-proto', 'https'],
  ['x-forwarded-for', '1.2.3.4'],
  ['x-request-id', 'own-id'],
  ['x-envoy-max-retries', '2'],
  ['x-envoy-retry-on', '5xx'],
  ['x-envoy-upstream-rq-timeout-ms', '4000'],
  ['user-agent', 'agent'],
  ['accept', '*/*'],
  ['te', 'trailers'],
  ['connection', 'close'],
  ['via', '1.1 other'],
  ['cookie', 'a=1; b=2'],
] as const

export interface RequestParts {
  readonly method: string
  readonly path: string
  readonly query: readonly (readonly [string, string])[]
  readonly fields: readonly (readonly [string, string])[]
  readonly odd: readonly (readonly [string, string])[]
  /** Which of weighted clusters it is. */
  readonly draw: string
  readonly cluster: string
  readonly body: 'none' | 'length' | 'chunked'
  readonly answers: readonly Answer[]
}

/** Mostly for a path that one of the routes names. */
export function requestFor(virtualHost: JsonObject): Arbitrary<RequestParts> {
  const named = pathsOf(virtualHost).flatMap(text => [text, `${text}/`, `${text}/a`, `${text}b`, text.toUpperCase()])
  const anyPath = named.length === 0 ? path : fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...named) }, path)
  return fc
    .record<RequestParts>({
      method: fc.constantFrom(...METHODS),
      path: anyPath,
      query: fc.array(fc.tuple(parameterName, parameterValue), { maxLength: 2 }),
      fields: fc.array(fc.tuple(headerName, value), { maxLength: 3 }),
      odd: fc.oneof(
        { weight: 2, arbitrary: fc.constant([]) },
        fc.array(fc.constantFrom(...ODD_FIELDS), { maxLength: 1 }),
      ),
      draw,
      cluster: fc.constantFrom('alpha', 'beta', 'delta', 'dead', 'empty', 'nowhere', ''),
      body: fc.constantFrom('none', 'none', 'length', 'chunked'),
      answers: fc.oneof(
        { weight: 3, arbitrary: fc.constant([]) },
        {
          weight: 1,
          arbitrary: fc.constant<Answer[]>([
            {
              fields: [
                ['x-up', 'one'],
                ['x-up', 'two'],
                ['x-a', 'up'],
              ],
              trailers: [['x-tail', 't']],
            },
          ]),
        },
        { weight: 1, arbitrary: failure.map(one => [one]) },
        { weight: 1, arbitrary: answers },
      ),
    })
    .map(notIdempotentWhereBroken)
}

/** What Weft does beyond Envoy when a connection breaks before an answer has cases of its own. */
function notIdempotentWhereBroken(parts: RequestParts): RequestParts {
  const breaks = parts.answers.some(answer => answer.cut === 'before')
  return breaks ? { ...parts, method: 'POST' } : parts
}

const BODY = 'request body'
const TRAILERS: readonly Field[] = [['x-tail', 't']]

function targetOf({ path, query }: RequestParts): string {
  if (query.length === 0) return path
  return `${path}?${query.map(([name, text]) => (text === '' ? name : `${name}=${text}`)).join('&')}`
}

function sendsBody({ method, body }: RequestParts): boolean {
  return body !== 'none' && method !== 'GET' && method !== 'HEAD'
}

function fieldsOf({ fields, odd, draw, cluster, answers }: RequestParts): readonly Field[] {
  return [
    [DRAW_FIELD, draw],
    [CLUSTER_FIELD, cluster],
    ...fields,
    ...odd,
    ...(answers.length > 0 ? [[ANSWER_FIELD, answerField(answers)] as const] : []),
  ]
}

export function http1Dialogue(parts: RequestParts, domain: string): Http1Dialogue {
  const all: Field[] = [['host', domain], ...fieldsOf(parts)]
  const byLength = parts.body === 'length'
  if (sendsBody(parts)) all.push(byLength ? ['content-length', String(BODY.length)] : ['transfer-encoding', 'chunked'])
  const lines = all.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const head = `${parts.method} ${targetOf(parts)} HTTP/1.1\r\n${lines}\r\n`
  const chunks = `7\r\nrequest\r\n5\r\n body\r\n0\r\n${TRAILERS.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
  const writes = [head + (sendsBody(parts) ? (byLength ? BODY : chunks) : '')]
  return { protocol: 'http1', writes, methods: [parts.method] }
}

export function http2Dialogue(parts: RequestParts, domain: string): Http2Dialogue {
  const pseudo: Field[] = [
    [':method', parts.method],
    [':scheme', 'http'],
    [':authority', domain],
    [':path', targetOf(parts)],
  ]
  const fields = fieldsOf(parts).filter(([name]) => name !== 'connection')
  const byLength = parts.body === 'length'
  const length: Field[] = sendsBody(parts) && byLength ? [['content-length', String(BODY.length)]] : []
  const whole = sendsBody(parts) ? { body: BODY, trailers: byLength ? [] : TRAILERS } : { body: '', trailers: [] }
  return { protocol: 'http2', fields: [...pseudo, ...fields, ...length], ...whole }
}

function pathsOf(virtualHost: JsonObject): string[] {
  return (virtualHost['routes'] as JsonObject[]).flatMap(route => {
    const match = route['match'] as JsonObject
    return [match['prefix'], match['path'], match['path_separated_prefix']].filter(
      (text: JsonValue | undefined) => typeof text === 'string',
    )
  })
}
