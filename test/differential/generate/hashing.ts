// What keeps a client to an endpoint: rings and tables of every size, over endpoints of every weight and locality, and what
// of a request is hashed. Endpoints are known by keys, as their addresses are never the same twice.
import type { JsonObject } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { ANSWER_FIELD, type Answer, answerField } from '../answer.ts'
import type { DifferentialCase } from '../case.ts'
import type { Field } from '../message.ts'
import type { ClusterPlan, EndpointPlan, ListenerPlan } from '../plan.ts'
import { type Arbitrary, HEADERS, jsonObject, PARAMETERS, parameterValue, value } from './words.ts'

const LISTENER = 'hashing'
const ENDPOINTS = ['alpha', 'beta', 'gamma'] as const
const ZONES = ['a', 'b'] as const

const balancing: Arbitrary<JsonObject> = fc.oneof(
  fc
    .record({
      sizes: fc.constantFrom<JsonObject[]>(
        {},
        { minimum_ring_size: '1' },
        { minimum_ring_size: '3', maximum_ring_size: '7' },
        { minimum_ring_size: '64' },
        { minimum_ring_size: '100', maximum_ring_size: '100' },
      ),
      hash_function: fc.constantFrom('XX_HASH', 'XX_HASH', 'MURMUR_HASH_2'),
    })
    .map(
      ({ sizes, hash_function }): JsonObject => ({
        lb_policy: 'RING_HASH',
        ring_hash_lb_config: { ...sizes, hash_function },
      }),
    ),
  fc
    .constantFrom<JsonObject[]>({}, { table_size: '3' }, { table_size: '11' }, { table_size: '251' })
    .map((maglev_lb_config): JsonObject => ({ lb_policy: 'MAGLEV', maglev_lb_config })),
)

interface Hashed {
  readonly balancing: JsonObject
  readonly weights: readonly number[]
  readonly zones: readonly (typeof ZONES)[number][]
  /** Null: localities have no say. */
  readonly zoneWeights: readonly number[] | null
  readonly keys: readonly string[]
  readonly priorities: readonly number[]
  readonly policies: readonly JsonObject[]
  readonly retry: JsonObject | null
}

const method: Arbitrary<JsonObject> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(...HEADERS, 'X-A', ':authority', ':method', 'cookie')
      .map((header_name): JsonObject => ({ header: { header_name } })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(['a', 'X'], ['^(.).*', '\\1'], ['[0-9]+', '']).map(
      ([regex, substitution]): JsonObject => ({
        header: { header_name: 'x-a', regex_rewrite: { pattern: { regex: regex! }, substitution: substitution! } },
      }),
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom('c', 'd').map((name): JsonObject => ({ cookie: { name } })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...PARAMETERS).map((name): JsonObject => ({ query_parameter: { name } })),
  },
  { weight: 1, arbitrary: fc.constant<JsonObject>({ connection_properties: { source_ip: true } }) },
)
const policy: Arbitrary<JsonObject> = fc
  .tuple(method, fc.constantFrom(false, false, true))
  .map(([one, terminal]) => (terminal ? { ...one, terminal } : one))

const three = <T>(one: Arbitrary<T>): Arbitrary<T[]> => fc.array(one, { minLength: 3, maxLength: 3 })
const hashed: Arbitrary<Hashed> = fc.record({
  balancing,
  weights: three(fc.constantFrom(1, 1, 2, 5, 100)),
  zones: three(fc.constantFrom(...ZONES)),
  zoneWeights: fc.option(fc.tuple(fc.constantFrom(1, 3), fc.constantFrom(1, 2, 50)), { freq: 2 }),
  keys: fc.shuffledSubarray(['one', 'two', 'three', '127.0.0.1:1', 'ü'], { minLength: 3, maxLength: 3 }),
  priorities: fc.constantFrom([0, 0, 0], [0, 0, 0], [0, 0, 1], [0, 1, 1]),
  // The path is always there: nothing is left to chance.
  policies: fc
    .array(policy, { maxLength: 3 })
    .map(some => [...some, { header: { header_name: ':path' } } as JsonObject]),
  retry: fc.option(
    fc.constantFrom(1, 2, 5).map(
      (host_selection_retry_max_attempts): JsonObject => ({
        retry_on: '5xx',
        num_retries: 2,
        retry_host_predicate: [
          {
            name: 'envoy.retry_host_predicates.previous_hosts',
            typed_config: {
              '@type': 'type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
            },
          },
        ],
        host_selection_retry_max_attempts: String(host_selection_retry_max_attempts),
        retry_back_off: { base_interval: '0.001s', max_interval: '0.002s' },
      }),
    ),
    { freq: 2 },
  ),
})

function clusterOf({ balancing, weights, zones, zoneWeights, keys, priorities }: Hashed, name: string): ClusterPlan {
  const endpoints = ENDPOINTS.map(
    (endpoint, i): EndpointPlan => ({
      endpoint,
      zone: zones[i]!,
      priority: priorities[i]!,
      fields: {
        load_balancing_weight: weights[i]!,
        metadata: { filter_metadata: { 'envoy.lb': { hash_key: keys[i]! } } },
      },
    }),
  )
  const weighted: JsonObject = zoneWeights === null ? {} : { common_lb_config: { locality_weighted_lb_config: {} } }
  const zoneWeightOf = Object.fromEntries(ZONES.map((zone, i) => [zone, zoneWeights?.[i] ?? 1]))
  return { name, endpoint: 'alpha', endpoints, zoneWeightOf, fields: { ...balancing, ...weighted } }
}

const clusterName = (index: number): string => `hashed-${index}`

export function hashingListeners(seed: number, count: number): readonly ListenerPlan[] {
  const all = fc.sample(hashed, { seed, numRuns: count })
  const routes = all.map(
    ({ policies, retry }, index): JsonObject => ({
      name: clusterName(index),
      match: { prefix: `/${index}/` },
      route: { cluster: clusterName(index), hash_policy: [...policies], ...(retry ? { retry_policy: retry } : {}) },
    }),
  )
  const clusters = all.map((each, index) => clusterOf(each, clusterName(index)))
  return [{ name: LISTENER, virtualHosts: [{ name: 'all', domains: ['*'], routes }], clusters }]
}

interface Asked {
  readonly path: string
  readonly fields: readonly Field[]
  readonly cookies: JsonObject
  readonly query: string
  readonly failures: number
}

const asked: Arbitrary<Asked> = fc.record({
  path: fc.constantFrom('a', 'b', 'c', 'd/e', ''),
  fields: fc.array(fc.tuple(fc.constantFrom(...HEADERS), value), { maxLength: 4 }),
  cookies: jsonObject({ c: value, d: value }),
  query: fc
    .array(fc.tuple(fc.constantFrom(...PARAMETERS), parameterValue), { maxLength: 2 })
    .map(pairs => pairs.map(pair => pair.join('=')).join('&')),
  failures: fc.constantFrom(0, 0, 1, 2, 3),
})

export function hashingCases(seed: number, count: number, each: number): readonly DifferentialCase[] {
  return Array.from({ length: count }, (_, index) =>
    fc.sample(asked, { seed: seed * 1_000 + index, numRuns: each }).map((asked, turn): DifferentialCase => {
      const { path, fields, cookies, query, failures } = asked
      const answers = [...Array<Answer>(failures).fill({ status: 503 }), {}]
      const crumbs = Object.entries(cookies).map(([name, crumb]) => `${name}=${crumb}`)
      const all: Field[] = [
        ['host', 'a.test'],
        ...fields,
        ...(crumbs.length > 0 ? [['cookie', crumbs.join('; ')] as const] : []),
        [ANSWER_FIELD, answerField(answers)],
      ]
      const lines = all.map(([name, text]) => `${name}: ${text}\r\n`).join('')
      const target = `/${index}/${path}${query === '' ? '' : `?${query}`}`
      return {
        name: `${LISTENER}/${seed}/${index}.${turn}`,
        listener: LISTENER,
        dialogue: { protocol: 'http1', writes: [`GET ${target} HTTP/1.1\r\n${lines}\r\n`], methods: ['GET'] },
      }
    }),
  ).flat()
}
