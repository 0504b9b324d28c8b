// What a filter says of a stream (dynamic metadata): to the access log, to limits behind it, and to routes, which are looked
// for before any filter has spoken.
import type { JsonObject } from '@bufbuild/protobuf'
import type { DifferentialCase } from '../case.ts'
import type { Field } from '../message.ts'
import type { ListenerPlan } from '../plan.ts'

const LISTENER = 'metadata'
const TYPE = 'type.googleapis.com/envoy.extensions.filters.http'
const RBAC = 'envoy.filters.http.rbac'

const always: JsonObject = { default_value: { numerator: 100, denominator: 'HUNDRED' } }
const bucket = (tokens: number): JsonObject => ({ max_tokens: tokens, tokens_per_fill: tokens, fill_interval: '3600s' })
const filter = (name: string, type: string, config: JsonObject): JsonObject => ({
  name,
  typed_config: { '@type': `${TYPE}.${type}`, ...config },
})

/** Turns nobody away, and says of whom it would. */
const JUDGE = filter(RBAC, 'rbac.v3.RBAC', {
  shadow_rules: {
    action: 'DENY',
    policies: {
      strangers: {
        permissions: [{ any: true }],
        principals: [{ header: { name: 'x-a', string_match: { exact: 'stranger' } } }],
      },
    },
  },
})

const said = (key: string): JsonObject => ({
  metadata: {
    descriptor_key: key,
    metadata_key: { key: RBAC, path: [{ key }] },
    default_value: 'nothing',
    source: 'DYNAMIC',
  },
})
const judged = (value: string, tokens: number): JsonObject => ({
  entries: [{ key: 'shadow_engine_result', value }],
  token_bucket: bucket(tokens),
})

const LIMIT = filter('envoy.filters.http.local_ratelimit', 'local_ratelimit.v3.LocalRateLimit', {
  stat_prefix: 'limit',
  filter_enabled: always,
  filter_enforced: always,
  token_bucket: bucket(1000),
  rate_limits: [{ actions: [said('shadow_engine_result')] }, { actions: [said('nobody_says_this')] }],
  descriptors: [
    judged('denied', 2),
    { entries: [{ key: 'nobody_says_this', value: 'nothing' }], token_bucket: bucket(40) },
  ],
})

const MATCHERS: Readonly<Record<string, JsonObject>> = {
  exact: { value: { string_match: { exact: 'denied' } } },
  'exact-inverted': { value: { string_match: { exact: 'denied' } }, invert: true },
  present: { value: { present_match: true } },
  absent: { value: { present_match: false } },
  'absent-inverted': { value: { present_match: false }, invert: true },
  null: { value: { null_match: {} } },
  or: { value: { or_match: { value_matchers: [{ null_match: {} }, { present_match: true }] } } },
  'deep-inverted': { path: [{ key: 'a' }, { key: 'b' }], value: { null_match: {} }, invert: true },
}

export const METADATA_LISTENERS: readonly ListenerPlan[] = [
  {
    name: LISTENER,
    virtualHosts: [
      {
        name: 'all',
        domains: ['*'],
        routes: [
          ...Object.entries(MATCHERS).map(([name, matcher]): JsonObject => {
            const dynamic_metadata = [{ filter: RBAC, path: [{ key: 'shadow_engine_result' }], ...matcher }]
            return { name, match: { path: `/${name}`, dynamic_metadata }, route: { cluster: 'beta' } }
          }),
          { name: 'rest', match: { prefix: '/' }, route: { cluster: 'alpha' } },
        ],
      },
    ],
    connectionManager: {
      http_filters: [JUDGE, LIMIT, filter('router', 'router.v3.Router', {})],
    },
  },
]

function get(name: string, path: string, ...fields: Field[]): DifferentialCase {
  const lines = [['host', 'a.test'] as const, ...fields].map(([field, value]) => `${field}: ${value}\r\n`).join('')
  const writes = [`GET ${path} HTTP/1.1\r\n${lines}\r\n`]
  return { name: `metadata/${name}`, listener: LISTENER, dialogue: { protocol: 'http1', writes, methods: ['GET'] } }
}

export const METADATA: readonly DifferentialCase[] = [
  ...Object.keys(MATCHERS).map(name => get(`route-${name}`, `/${name}`)),
  ...[1, 2, 3, 4].map(turn => get(`stranger-${turn}`, '/', ['x-a', 'stranger'])),
  get('known', '/', ['x-a', 'friend']),
]
