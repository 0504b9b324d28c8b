// Chains of HTTP filters in any order, some of them switched off, and what every level of a route says to them: the route
// configuration, the virtual host, the route, the weighted cluster.
import type { JsonObject } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { KINDS, type Kind, rateLimits } from './filter-kinds.ts'
import { type Arbitrary, DRAW_FIELD } from './words.ts'

const WRAPPER = 'type.googleapis.com/envoy.config.route.v3.FilterConfig'
const ROUTER: JsonObject = {
  name: 'router',
  typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
}
export const PATHS = ['/a', '/b', '/c'] as const

/** One of them twice, under two names. */
const NAMES = [
  'cors',
  'fault',
  'rbac',
  'rbac',
  'header_mutation',
  'local_ratelimit',
  'buffer',
  'rbac-2',
  'header_mutation-2',
]
const kindOf = (name: string): Kind => KINDS[name.replace('-2', '')]!

const chain: Arbitrary<JsonObject[]> = fc
  .uniqueArray(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 5 })
  .chain(names =>
    fc.tuple(
      ...names.map(name =>
        fc
          .tuple(kindOf(name).config, fc.constantFrom(false, false, false, true))
          .map(([typed_config, disabled]): JsonObject => ({ name, typed_config, ...(disabled ? { disabled } : {}) })),
      ),
    ),
  )
  .map(filters => [...filters, ROUTER])

/** What one level says: to few filters, with a word of its own or a switch. */
const level: Arbitrary<JsonObject> = fc
  .uniqueArray(fc.constantFrom(...NAMES), { maxLength: 3 })
  .chain(names =>
    fc.tuple(
      ...names.map(name =>
        fc
          .oneof(
            { weight: 4, arbitrary: kindOf(name).override },
            {
              weight: 1,
              arbitrary: kindOf(name).override.map(
                (config): JsonObject => ({ '@type': WRAPPER, config, is_optional: true }),
              ),
            },
            { weight: 1, arbitrary: fc.constant<JsonObject>({ '@type': WRAPPER, disabled: true }) },
            { weight: 1, arbitrary: fc.constant<JsonObject>({ '@type': WRAPPER, config: {} }) },
          )
          .map((config): [string, JsonObject] => [name, config]),
      ),
    ),
  )
  .map((pairs): JsonObject => (pairs.length === 0 ? {} : { typed_per_filter_config: Object.fromEntries(pairs) }))

const action: Arbitrary<JsonObject> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('alpha', 'delta').map((cluster): JsonObject => ({ route: { cluster } })) },
  {
    weight: 1,
    arbitrary: fc.constant<JsonObject>({ direct_response: { status: 200, body: { inline_string: 'direct' } } }),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(level, level).map(
      ([one, other]): JsonObject => ({
        route: {
          weighted_clusters: {
            clusters: [
              { name: 'alpha', weight: 1, ...one },
              { name: 'delta', weight: 3, ...other },
            ],
            header_name: DRAW_FIELD,
          },
        },
      }),
    ),
  },
)
const route = fc
  .record({ action, own: level, limits: fc.option(rateLimits, { freq: 3, nil: undefined }) })
  .map(({ action, own, limits }): JsonObject => {
    const forward = action['route'] as JsonObject | undefined
    const whole = forward && limits ? { route: { ...forward, rate_limits: limits } } : action
    return { ...whole, ...own }
  })

const host: Arbitrary<JsonObject> = fc
  .record({
    routes: fc.tuple(route, route, route),
    own: level,
    limits: fc.option(rateLimits, { freq: 3, nil: undefined }),
  })
  .map(
    ({ routes, own, limits }): JsonObject => ({
      ...own,
      ...(limits ? { rate_limits: limits } : {}),
      routes: routes.map((each, index) => ({ name: `r${index}`, match: { prefix: PATHS[index]! }, ...each })),
    }),
  )

/** A connection manager with its routes. */
export interface FilterTable {
  readonly chain: readonly JsonObject[]
  readonly configuration: JsonObject
  readonly hosts: readonly JsonObject[]
}

export const filterTable: Arbitrary<FilterTable> = fc.record({
  chain,
  configuration: level,
  hosts: fc.array(host, { minLength: 2, maxLength: 2 }),
})
