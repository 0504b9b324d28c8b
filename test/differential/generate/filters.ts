// Requests through chains of HTTP filters.
import type { JsonObject } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { ANSWER_FIELD, type Answer, answerField } from '../answer.ts'
import type { DifferentialCase } from '../case.ts'
import type { Field } from '../message.ts'
import type { ListenerPlan } from '../plan.ts'
import { type FilterTable, filterTable, PATHS } from './filter-chains.ts'
import { type Arbitrary, DRAW_FIELD, draw, HEADERS, value } from './words.ts'

interface Asked {
  readonly method: string
  readonly path: string
  readonly fields: readonly Field[]
  readonly draw: string
  readonly answer: Answer
}

const FIELDS: Readonly<Record<string, readonly string[]>> = {
  'x-envoy-fault-abort-request': ['429', '99', '200'],
  'x-envoy-fault-abort-grpc-request': ['7', '99'],
  'x-envoy-fault-abort-request-percentage': ['0', '100'],
  'x-envoy-fault-delay-request': ['1', 'x'],
  'x-envoy-downstream-service-node': ['node', 'other'],
  'access-control-request-private-network': ['true', 'false'],
  'x-forwarded-for': ['10.1.2.3', '::1'],
  'content-type': ['application/grpc'],
  origin: ['http://a.test', 'http://b.test', 'null', ''],
}
const oddField: Arbitrary<Field> = fc.oneof(
  fc.tuple(fc.constantFrom(...HEADERS), value),
  fc
    .constantFrom(...Object.keys(FIELDS))
    .chain(name => fc.constantFrom(...FIELDS[name]!).map((value): Field => [name, value])),
)

const request: Arbitrary<Asked> = fc.record({
  method: fc.constantFrom('GET', 'GET', 'POST', 'PUT', 'OPTIONS', 'PREFLIGHT'),
  path: fc.constantFrom(...PATHS, '/a?x', '/b/c'),
  fields: fc.uniqueArray(oddField, { maxLength: 4, selector: ([name]) => name }),
  draw,
  answer: fc.oneof(
    { weight: 2, arbitrary: fc.constant<Answer>({}) },
    fc.constantFrom<Answer[]>(
      {
        status: 404,
        fields: [
          ['x-up', 'u'],
          ['x-a', 'up'],
        ],
      },
      {
        fields: [
          ['access-control-allow-origin', 'theirs'],
          ['access-control-expose-headers', 'x-theirs'],
        ],
      },
      {
        fields: [
          ['x-ratelimit-limit', '5'],
          ['x-new', 'theirs'],
        ],
      },
    ),
  ),
})

const CODECS = ['HTTP1', 'HTTP2'] as const
const listenerOf = (index: number, codec: string): string => `filters-${index}-${codec}`

function tables(seed: number, count: number): readonly FilterTable[] {
  return fc.sample(filterTable, { seed, numRuns: count })
}

function hostsOf({ hosts }: FilterTable): readonly JsonObject[] {
  return hosts.map((host, index) => ({ name: `h${index}`, domains: [`h${index}.test`], ...host }))
}

export function filterListeners(seed: number, count: number): readonly ListenerPlan[] {
  return tables(seed, count).flatMap((table, index) =>
    CODECS.map(
      (codec_type): ListenerPlan => ({
        name: listenerOf(index, codec_type),
        virtualHosts: hostsOf(table),
        routeConfiguration: table.configuration,
        log: { format: { judgement: '%DYNAMIC_METADATA(envoy.filters.http.rbac)%' } },
        connectionManager: { codec_type, http_filters: [...table.chain] },
      }),
    ),
  )
}

export function filterCases(seed: number, count: number, each: number): readonly DifferentialCase[] {
  return tables(seed, count).flatMap((table, index) =>
    fc.sample(request, { seed: seed * 1_000 + index, numRuns: each }).flatMap((asked, turn): DifferentialCase[] => {
      const host = turn % 2
      const config = { ...hostsOf(table)[host]!, chain: [...table.chain], configuration: table.configuration }
      const authority = `h${host}.test`
      const name = `${seed}/${index}.${turn}`
      const method = asked.method === 'PREFLIGHT' ? 'OPTIONS' : asked.method
      const preflight: Field[] = asked.method === 'PREFLIGHT' ? [['access-control-request-method', 'PUT']] : []
      const fields: readonly Field[] = [
        [DRAW_FIELD, asked.draw],
        ...asked.fields,
        ...preflight,
        [ANSWER_FIELD, answerField([asked.answer])],
      ]
      const body = method === 'POST' || method === 'PUT' ? 'request body' : ''
      const length: Field[] = body === '' ? [] : [['content-length', String(body.length)]]
      const lines = [['host', authority], ...fields, ...length].map(([name, value]) => `${name}: ${value}\r\n`).join('')
      const pseudo: Field[] = [
        [':method', method],
        [':scheme', 'http'],
        [':authority', authority],
        [':path', asked.path],
      ]
      return [
        {
          name: `filters-http1/${name}`,
          listener: listenerOf(index, 'HTTP1'),
          dialogue: {
            protocol: 'http1',
            writes: [`${method} ${asked.path} HTTP/1.1\r\n${lines}\r\n${body}`],
            methods: [method],
          },
          config,
        },
        {
          name: `filters-http2/${name}`,
          listener: listenerOf(index, 'HTTP2'),
          dialogue: { protocol: 'http2', fields: [...pseudo, ...fields], body, trailers: [] },
          config,
        },
      ]
    }),
  )
}
