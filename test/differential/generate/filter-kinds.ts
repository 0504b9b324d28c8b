// HTTP filters by name: what their chain may say to each, and what routes may.
import type { JsonObject } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { addition } from './header-mutation.ts'
import { rbac } from './rbac.ts'
import { headerMatcher, stringMatcher } from './route-match.ts'
import { type Arbitrary, HEADERS, jsonObject } from './words.ts'

const TYPE = 'type.googleapis.com/envoy.extensions.filters.http'

const typed = (type: string, arbitrary: Arbitrary<JsonObject>): Arbitrary<JsonObject> =>
  arbitrary.map(config => ({ '@type': `${TYPE}.${type}`, ...config }))

/** Of a hundred, or of ten thousand, all or none: chance decides nothing. */
const share: Arbitrary<JsonObject> = fc.constantFrom<JsonObject[]>(
  { numerator: 100 },
  { numerator: 100 },
  { numerator: 10_000, denominator: 'TEN_THOUSAND' },
  { numerator: 0 },
)
const runtimeShare = share.map((default_value): JsonObject => ({ default_value, runtime_key: 'none' }))

const abort: Arbitrary<JsonObject> = fc
  .tuple(
    fc.constantFrom<JsonObject[]>({ http_status: 418 }, { http_status: 503 }, { grpc_status: 5 }, { header_abort: {} }),
    share,
  )
  .map(([kind, percentage]) => ({ ...kind, percentage }))
/** So short that nobody waits, or as long as a header says. */
const delay: Arbitrary<JsonObject> = fc
  .tuple(fc.constantFrom<JsonObject[]>({ fixed_delay: '0.001s' }, { header_delay: {} }), share)
  .map(([kind, percentage]) => ({ ...kind, percentage }))
const fault: Arbitrary<JsonObject> = jsonObject({
  abort,
  delay,
  headers: fc.array(headerMatcher, { minLength: 1, maxLength: 2 }),
  upstream_cluster: fc.constantFrom('alpha', 'delta'),
  downstream_nodes: fc.constant(['node']),
  max_active_faults: fc.constantFrom(0, 5),
})

const step: Arbitrary<JsonObject> = fc.oneof(
  { weight: 3, arbitrary: addition.map((append): JsonObject => ({ append })) },
  { weight: 1, arbitrary: fc.constantFrom(...HEADERS, 'x-up').map((remove): JsonObject => ({ remove })) },
)
const steps = fc.array(step, { minLength: 1, maxLength: 3 })
const mutations: Arbitrary<JsonObject> = jsonObject({
  request_mutations: steps,
  response_mutations: steps,
}).map((mutations): JsonObject => ({ mutations }))

/** None fills up again. */
const bucket: Arbitrary<JsonObject> = fc
  .constantFrom(1, 2, 4, 50)
  .map((max_tokens): JsonObject => ({ max_tokens, tokens_per_fill: 1, fill_interval: '3600s' }))
const entry = fc.constantFrom<JsonObject[]>(
  { key: 'x', value: 'a' },
  { key: 'x', value: 'b' },
  { key: 'generic_key', value: 'g' },
  { key: 'header_match', value: 'm' },
)
const descriptors = fc.uniqueArray(
  fc
    .record({ entries: fc.array(entry, { minLength: 1, maxLength: 2 }), token_bucket: bucket })
    .map((descriptor): JsonObject => descriptor),
  { maxLength: 3, selector: ({ entries }) => JSON.stringify(entries) },
)
const descriptorAction: Arbitrary<JsonObject> = fc.oneof(
  fc
    .constantFrom(...HEADERS)
    .map((header_name): JsonObject => ({ request_headers: { header_name, descriptor_key: 'x' } })),
  fc.constant<JsonObject>({ generic_key: { descriptor_value: 'g' } }),
  headerMatcher.map((header): JsonObject => ({ header_value_match: { descriptor_value: 'm', headers: [header] } })),
)
/** Of routes and virtual hosts, too. */
export const rateLimits = fc.array(
  fc.array(descriptorAction, { minLength: 1, maxLength: 2 }).map((actions): JsonObject => ({ actions })),
  { minLength: 1, maxLength: 2 },
)
const rateLimit: Arbitrary<JsonObject> = fc
  .tuple(
    fc.record({ token_bucket: bucket, descriptors }),
    jsonObject({
      filter_enabled: runtimeShare,
      filter_enforced: runtimeShare,
      status: fc.constantFrom<JsonObject[]>({ code: 'ServiceUnavailable' }, { code: 'OK' }),
      response_headers_to_add: fc.array(addition, { maxLength: 2 }),
      request_headers_to_add_when_not_enforced: fc.array(addition, { maxLength: 2 }),
      enable_x_ratelimit_headers: fc.constantFrom('DRAFT_VERSION_03', 'OFF'),
      always_consume_default_token_bucket: fc.boolean(),
      rate_limited_as_resource_exhausted: fc.boolean(),
      vh_rate_limits: fc.constantFrom('OVERRIDE', 'INCLUDE', 'IGNORE'),
      rate_limits: rateLimits,
    }),
  )
  .map(([needed, more]) => ({ stat_prefix: 'limit', ...needed, ...more }))

const cors: Arbitrary<JsonObject> = jsonObject({
  allow_origin_string_match: fc.array(stringMatcher(fc.constantFrom('http://a.test', 'http://', '.test')), {
    maxLength: 2,
  }),
  allow_methods: fc.constantFrom('GET, PUT', '*'),
  allow_headers: fc.constantFrom('x-a', '*'),
  expose_headers: fc.constantFrom('x-b', '*'),
  max_age: fc.constantFrom('60', '-1'),
  allow_credentials: fc.boolean(),
  allow_private_network_access: fc.boolean(),
  forward_not_matching_preflights: fc.boolean(),
  filter_enabled: runtimeShare,
  shadow_enabled: runtimeShare,
})

const buffer = fc.constantFrom(1_000, 2_000).map((max_request_bytes): JsonObject => ({ max_request_bytes }))

export interface Kind {
  readonly config: Arbitrary<JsonObject>
  /** Of routes. */
  readonly override: Arbitrary<JsonObject>
}

const nothing: Arbitrary<JsonObject> = fc.constant({})
export const KINDS: Readonly<Record<string, Kind>> = {
  cors: { config: typed('cors.v3.Cors', nothing), override: typed('cors.v3.CorsPolicy', cors) },
  fault: { config: typed('fault.v3.HTTPFault', fault), override: typed('fault.v3.HTTPFault', fault) },
  rbac: {
    config: typed('rbac.v3.RBAC', rbac),
    override: typed(
      'rbac.v3.RBACPerRoute',
      fc.oneof(
        nothing,
        rbac.map((rbac): JsonObject => ({ rbac })),
      ),
    ),
  },
  header_mutation: {
    config: typed(
      'header_mutation.v3.HeaderMutation',
      fc
        .tuple(mutations, fc.boolean())
        .map(([config, wins]) => (wins ? { ...config, most_specific_header_mutations_wins: true } : config)),
    ),
    override: typed('header_mutation.v3.HeaderMutationPerRoute', mutations),
  },
  local_ratelimit: {
    config: typed('local_ratelimit.v3.LocalRateLimit', rateLimit),
    override: typed('local_ratelimit.v3.LocalRateLimit', rateLimit),
  },
  buffer: {
    config: typed('buffer.v3.Buffer', buffer),
    override: typed(
      'buffer.v3.BufferPerRoute',
      fc.oneof(
        fc.constant<JsonObject>({ disabled: true }),
        buffer.map((buffer): JsonObject => ({ buffer })),
      ),
    ),
  },
}
