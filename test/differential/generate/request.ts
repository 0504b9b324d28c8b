// Requests that are likely to be matched by the routes of a virtual host.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { ANSWER_FIELD, type Answer, answerField } from '../http1/answer.ts'
import type { Http1Dialogue } from '../http1/client.ts'
import { answers, failure } from './retry.ts'
import { type Arbitrary, headerName, parameterName, parameterValue, path, value } from './words.ts'

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

interface RequestParts {
  readonly method: string
  readonly path: string
  readonly query: readonly (readonly [string, string])[]
  readonly fields: readonly (readonly [string, string])[]
  readonly odd: readonly (readonly [string, string])[]
  readonly body: 'none' | 'length' | 'chunked'
  readonly answers: readonly Answer[]
}

/** Mostly for a path that one of the routes names. */
export function requestFor(virtualHost: JsonObject): Arbitrary<Http1Dialogue> {
  const named = pathsOf(virtualHost).flatMap(text => [text, `${text}/`, `${text}/a`, `${text}b`, text.toUpperCase()])
  const anyPath = named.length === 0 ? path : fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...named) }, path)
  const [domain] = virtualHost['domains'] as string[]
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
    .map(parts => ({ writes: [bytesOf(parts, domain ?? '')], methods: [parts.method] }))
}

/** What Weft does beyond Envoy when a connection breaks before an answer has cases of its own. */
function notIdempotentWhereBroken(parts: RequestParts): RequestParts {
  const breaks = parts.answers.some(answer => answer.cut === 'before')
  return breaks ? { ...parts, method: 'POST' } : parts
}

function bytesOf({ method, path, query, fields, odd, body, answers }: RequestParts, domain: string): string {
  const target =
    query.length === 0
      ? path
      : `${path}?${query.map(([name, text]) => (text === '' ? name : `${name}=${text}`)).join('&')}`
  const all: (readonly [string, string])[] = [['host', domain], ...fields, ...odd]
  if (answers.length > 0) all.push([ANSWER_FIELD, answerField(answers)])
  const sendsBody = body !== 'none' && method !== 'GET' && method !== 'HEAD'
  const text = 'request body'
  if (sendsBody)
    all.push(body === 'length' ? ['content-length', String(text.length)] : ['transfer-encoding', 'chunked'])
  const head = `${method} ${target} HTTP/1.1\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
  if (!sendsBody) return head
  return head + (body === 'length' ? text : `7\r\nrequest\r\n5\r\n body\r\n0\r\nx-tail: t\r\n\r\n`)
}

function pathsOf(virtualHost: JsonObject): string[] {
  return (virtualHost['routes'] as JsonObject[]).flatMap(route => {
    const match = route['match'] as JsonObject
    return [match['prefix'], match['path'], match['path_separated_prefix']].filter(
      (text: JsonValue | undefined) => typeof text === 'string',
    )
  })
}
