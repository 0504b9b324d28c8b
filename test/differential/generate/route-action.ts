// What a route does: forward with every rewrite, redirect in every way, answer directly.
import type { JsonObject } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { DEAD_CLUSTER, EMPTY_CLUSTER, ENDPOINTS } from '../plan.ts'
import { mutations } from './header-mutation.ts'
import { type Arbitrary, CLUSTER_FIELD, DRAW_FIELD } from './words.ts'

const LIVE = Object.keys(ENDPOINTS).slice(0, 4)
const NONE: Arbitrary<JsonObject> = fc.constant({})
const REPLACEMENTS = ['/', '/new', '/new/', '/n%20w', '/new?x=1'] as const
const HOSTS = ['other.test', 'other.test:81', 'OTHER'] as const

const regexRewrite: Arbitrary<JsonObject> = fc
  .constantFrom(
    ['a', 'X'],
    ['^/a', '/X'],
    ['/(\\w+)/(\\w+)', '/\\2/\\1'],
    ['b*', '-'],
    ['$', '/end'],
    ['/(.*)', '/\\0x'],
    ['[^a]', ''],
  )
  .map(([regex = '', substitution = '']): JsonObject => ({ regex_rewrite: { pattern: { regex }, substitution } }))

const prefixRewrite: Arbitrary<JsonObject> = fc
  .constantFrom(...REPLACEMENTS)
  .map((prefix_rewrite): JsonObject => ({ prefix_rewrite }))

const weighted: Arbitrary<JsonObject> = fc
  .record({
    name: fc.constantFrom(...LIVE),
    weight: fc.constantFrom(0, 1, 3, 50, 4_000_000),
    own: mutations,
    host: fc.constantFrom('', '', 'weighted.test'),
  })
  .map(
    ({ name, weight, own, host }): JsonObject => ({
      name,
      weight,
      ...own,
      ...(host === '' ? {} : { host_rewrite_literal: host }),
    }),
  )

const cluster: Arbitrary<JsonObject> = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...LIVE).map((cluster): JsonObject => ({ cluster })) },
  { weight: 1, arbitrary: fc.constantFrom(DEAD_CLUSTER, EMPTY_CLUSTER).map((cluster): JsonObject => ({ cluster })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(CLUSTER_FIELD, 'x-none').map((name): JsonObject => ({ cluster_header: name })),
  },
  {
    weight: 2,
    // Every request brings the number that decides: the draw is certain.
    arbitrary: fc
      .array(weighted, { minLength: 1, maxLength: 3 })
      .filter(clusters => clusters.some(({ weight }) => weight !== 0))
      .map((clusters): JsonObject => ({ weighted_clusters: { clusters, header_name: DRAW_FIELD } })),
  },
)

const hostRewrite: Arbitrary<JsonObject> = fc.oneof(
  { weight: 3, arbitrary: NONE },
  fc.constantFrom(...HOSTS).map((host_rewrite_literal): JsonObject => ({ host_rewrite_literal })),
  fc.constantFrom('x-a', 'x-none').map((host_rewrite_header): JsonObject => ({ host_rewrite_header })),
)

const forward: Arbitrary<JsonObject> = fc
  .record({
    cluster,
    path: fc.oneof({ weight: 2, arbitrary: NONE }, prefixRewrite, regexRewrite),
    host: hostRewrite,
    forwarded: fc.constantFrom<JsonObject[]>({}, {}, {}, { append_x_forwarded_host: true }),
    timeout: fc.constantFrom<JsonObject[]>({}, {}, { timeout: '3s' }, { timeout: '0s' }),
    missing: fc.constantFrom<JsonObject[]>({}, {}, { cluster_not_found_response_code: 'NOT_FOUND' }),
  })
  .map(
    ({ cluster, path, host, forwarded, timeout, missing }): JsonObject => ({
      route: { ...cluster, ...path, ...host, ...forwarded, ...timeout, ...missing },
    }),
  )

const redirect: Arbitrary<JsonObject> = fc
  .record({
    scheme: fc.oneof(
      NONE,
      fc.constant<JsonObject>({ https_redirect: true }),
      fc.constantFrom('https', 'http', 'ftp').map((scheme_redirect): JsonObject => ({ scheme_redirect })),
    ),
    host: fc.oneof(
      NONE,
      fc.constantFrom(...HOSTS).map((host_redirect): JsonObject => ({ host_redirect })),
    ),
    port: fc.oneof(
      NONE,
      fc.constantFrom(80, 443, 8443).map((port_redirect): JsonObject => ({ port_redirect })),
    ),
    path: fc.oneof(
      NONE,
      prefixRewrite,
      regexRewrite,
      fc.constantFrom(...REPLACEMENTS).map((path_redirect): JsonObject => ({ path_redirect })),
    ),
    code: fc.oneof(
      NONE,
      fc
        .constantFrom('FOUND', 'SEE_OTHER', 'TEMPORARY_REDIRECT', 'PERMANENT_REDIRECT')
        .map((response_code): JsonObject => ({ response_code })),
    ),
    strip: fc.constantFrom<JsonObject[]>({}, {}, { strip_query: true }),
  })
  .map(
    ({ scheme, host, port, path, code, strip }): JsonObject => ({
      redirect: { ...scheme, ...host, ...port, ...path, ...code, ...strip },
    }),
  )

const direct: Arbitrary<JsonObject> = fc
  .record({ status: fc.constantFrom(200, 201, 204, 304, 404, 418, 503), body: fc.constantFrom('', 'direct', 'ümlaut') })
  .map(
    ({ status, body }): JsonObject => ({
      direct_response: {
        status,
        ...(body === '' || status === 204 || status === 304 ? {} : { body: { inline_string: body } }),
      },
    }),
  )

export const routeAction: Arbitrary<JsonObject> = fc.oneof(
  { weight: 5, arbitrary: forward },
  { weight: 2, arbitrary: redirect },
  { weight: 1, arbitrary: direct },
)
