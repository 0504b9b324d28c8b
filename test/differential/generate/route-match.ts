// RouteMatch in every kind that a route may ask for.
import type { JsonObject } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { type Arbitrary, headerName, parameterName, parameterValue, path, pattern, value } from './words.ts'

const PATH_PATTERNS = [
  '/a',
  '/a.*',
  '/[^/]+',
  '/a/(a|b)',
  '.*',
  '/(?i)ab',
  '/.*b',
  '/a?b*',
  '/\\w+/\\w+',
  '/a%20b',
] as const

export const stringMatcher = (text: Arbitrary<string>): Arbitrary<JsonObject> =>
  fc.oneof(
    fc.record({ kind: fc.constantFrom('exact', 'prefix', 'suffix', 'contains'), text, fold: fc.boolean() }).map(
      ({ kind, text, fold }): JsonObject => ({
        [kind]: text === '' ? 'a' : text,
        ...(fold ? { ignore_case: true } : {}),
      }),
    ),
    pattern.map((regex): JsonObject => ({ safe_regex: { regex } })),
  )

const range = fc
  .record({ start: fc.integer({ min: -5, max: 12 }), length: fc.integer({ min: 0, max: 12 }) })
  .map(({ start, length }): JsonObject => ({ start: String(start), end: String(start + length) }))

const headerSpecifier: Arbitrary<JsonObject> = fc.oneof(
  value.map((text): JsonObject => ({ exact_match: text })),
  fc.constant<JsonObject>({ exact_match: '' }),
  pattern.map((regex): JsonObject => ({ safe_regex_match: { regex } })),
  range.map((range_match): JsonObject => ({ range_match })),
  fc.boolean().map((present_match): JsonObject => ({ present_match })),
  value.map((text): JsonObject => ({ prefix_match: text })),
  value.map((text): JsonObject => ({ suffix_match: text })),
  value.map((text): JsonObject => ({ contains_match: text })),
  stringMatcher(value).map((string_match): JsonObject => ({ string_match })),
  fc.constant<JsonObject>({}),
)

const name = fc.oneof(
  { weight: 6, arbitrary: headerName },
  { weight: 1, arbitrary: fc.constantFrom(':method', ':authority', ':path', ':scheme', 'host', 'X-A', 'cookie') },
)

export const headerMatcher: Arbitrary<JsonObject> = fc
  .record({ name, specifier: headerSpecifier, invert: fc.boolean(), missing: fc.boolean() })
  .map(
    ({ name, specifier, invert, missing }): JsonObject => ({
      name,
      ...specifier,
      ...(invert ? { invert_match: true } : {}),
      ...(missing ? { treat_missing_header_as_empty: true } : {}),
    }),
  )

export const queryMatcher: Arbitrary<JsonObject> = fc
  .record({
    name: parameterName,
    specifier: fc.oneof(
      stringMatcher(parameterValue).map((string_match): JsonObject => ({ string_match })),
      fc.boolean().map((present_match): JsonObject => ({ present_match })),
      fc.constant<JsonObject>({}),
    ),
  })
  .map(({ name, specifier }): JsonObject => ({ name, ...specifier }))

const pathSpecifier: Arbitrary<JsonObject> = fc.oneof(
  path.map((prefix): JsonObject => ({ prefix })),
  fc.constant<JsonObject>({ prefix: '/' }),
  path.map((exact): JsonObject => ({ path: exact })),
  fc.constantFrom(...PATH_PATTERNS).map((regex): JsonObject => ({ safe_regex: { regex } })),
  fc
    .constantFrom('/a', '/ab', '/A', '/a/b', '/a.b')
    .map((path_separated_prefix): JsonObject => ({ path_separated_prefix })),
)

const metadataValue: Arbitrary<JsonObject> = fc.oneof(
  stringMatcher(value).map((string_match): JsonObject => ({ string_match })),
  fc.constantFrom<JsonObject[]>(
    { present_match: true },
    { present_match: false },
    { null_match: {} },
    { bool_match: false },
    { double_match: { exact: 0 } },
    { list_match: { one_of: { string_match: { exact: 'a' } } } },
    { or_match: { value_matchers: [{ null_match: {} }, { present_match: true }] } },
  ),
)

/** Nobody has said anything of a stream yet when its route is looked for: only what is inverted matches. */
const metadataMatcher: Arbitrary<JsonObject> = fc
  .record({ value: metadataValue, invert: fc.boolean(), deep: fc.boolean() })
  .map(
    ({ value, invert, deep }): JsonObject => ({
      filter: 'envoy.filters.http.rbac',
      path: [{ key: 'shadow_engine_result' }, ...(deep ? [{ key: 'a' }] : [])],
      value,
      ...(invert ? { invert: true } : {}),
    }),
  )

const extras: Arbitrary<JsonObject> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<JsonObject>({}) },
  {
    weight: 3,
    arbitrary: fc.array(headerMatcher, { minLength: 1, maxLength: 2 }).map((headers): JsonObject => ({ headers })),
  },
  {
    weight: 2,
    arbitrary: fc
      .array(queryMatcher, { minLength: 1, maxLength: 2 })
      .map((query_parameters): JsonObject => ({ query_parameters })),
  },
  { weight: 1, arbitrary: fc.constant<JsonObject>({ grpc: {} }) },
  { weight: 1, arbitrary: metadataMatcher.map((matcher): JsonObject => ({ dynamic_metadata: [matcher] })) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom<JsonObject[]>(
        { numerator: 0 },
        { numerator: 100 },
        { numerator: 1_000_000, denominator: 'MILLION' },
      )
      .map((default_value): JsonObject => ({ runtime_fraction: { default_value } })),
  },
)

export const routeMatch: Arbitrary<JsonObject> = fc
  .record({
    specifier: pathSpecifier,
    sensitive: fc.constantFrom<JsonObject[]>({}, {}, { case_sensitive: false }, { case_sensitive: true }),
    extras,
  })
  .map(({ specifier, sensitive, extras }): JsonObject => {
    // Envoy refuses case_sensitive: false beside a regex? It ignores it; it is left out, for it would say nothing.
    return { ...specifier, ...('safe_regex' in specifier ? {} : sensitive), ...extras }
  })
