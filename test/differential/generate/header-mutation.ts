// Header additions with every append_action, with command operators, and removals.
import type { JsonObject } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { type Arbitrary, HEADERS } from './words.ts'

const NAMES = [...HEADERS, 'x-new', 'X-Upper', 'user-agent', 'accept'] as const
/** Envoy keeps one value of these and adds to it behind a comma. */
const JOINED: ReadonlySet<string> = new Set(['user-agent', 'accept'])
const TEXTS = [
  'plain',
  '',
  'two words',
  '100%%',
  '%REQ(x-a)%',
  '[%REQ(x-b)%]',
  '%REQ(x-a?x-b)%',
  '%REQ(:METHOD)% %REQ(:PATH)%',
  '%REQ(:AUTHORITY)%',
  '%PROTOCOL%',
  '%ROUTE_NAME%',
  '%REQ(x-c):2%',
  '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%',
  '%UPSTREAM_CLUSTER%',
  '%RESPONSE_CODE%',
  '%RESP(x-up)%',
  '%REQ(x-none)%',
] as const

const ACTIONS = [
  'APPEND_IF_EXISTS_OR_ADD',
  'ADD_IF_ABSENT',
  'OVERWRITE_IF_EXISTS_OR_ADD',
  'OVERWRITE_IF_EXISTS',
] as const

export const addition: Arbitrary<JsonObject> = fc
  .record({
    key: fc.constantFrom(...NAMES),
    value: fc.constantFrom(...TEXTS),
    action: fc.option(fc.constantFrom(...ACTIONS), { nil: undefined }),
    keep: fc.constantFrom(false, false, true),
  })
  .map(
    ({ key, value, action, keep }): JsonObject => ({
      header: { key, value },
      ...(action === undefined ? {} : { append_action: action }),
      // Envoy drops an empty value of a field that it joins: RFC 9110 5.6.1.2 calls the two the same.
      ...(keep && !JOINED.has(key) ? { keep_empty_value: true } : {}),
    }),
  )

const additions = fc.array(addition, { minLength: 1, maxLength: 3 })
const removals = fc.array(fc.constantFrom(...NAMES, 'x-up', 'server', 'date'), { minLength: 1, maxLength: 2 })

/** For a route, a virtual host, a route configuration or a weighted cluster; mostly nothing. */
export const mutations: Arbitrary<JsonObject> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<JsonObject>({}) },
  {
    weight: 2,
    arbitrary: fc.record(
      {
        request_headers_to_add: additions,
        request_headers_to_remove: removals,
        response_headers_to_add: additions,
        response_headers_to_remove: removals,
      },
      { requiredKeys: [] },
    ) as Arbitrary<JsonObject>,
  },
)
