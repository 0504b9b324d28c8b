// HttpMatch to Envoy's RouteMatch: pseudo-headers by header matchers, regexes over the whole text.
import { create } from '@bufbuild/protobuf'
import type { HttpMatch } from '../../model/http-match.ts'
import { claimOfHeader } from '../../model/jwt-claim.ts'
import type { StringMatch } from '../../model/string-match.ts'
import {
  type HeaderMatcher,
  HeaderMatcherSchema,
  type QueryParameterMatcher,
  QueryParameterMatcherSchema,
  type RouteMatch,
  RouteMatchSchema,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { type MetadataMatcher, MetadataMatcherSchema } from '../../xds/generated/envoy/type/matcher/v3/metadata_pb.ts'
import { type StringMatcher, StringMatcherSchema } from '../../xds/generated/envoy/type/matcher/v3/string_pb.ts'
import { compare } from '../link/precedence.ts'
import { JWT_FILTER, jwtPath } from './jwt-metadata.ts'

export function routeMatch(match: HttpMatch | undefined): RouteMatch {
  if (!match) return create(RouteMatchSchema, { pathSpecifier: { case: 'prefix', value: '/' } })
  const asked = [
    ...Object.entries(match.headers).map(([name, value]) => ({ name, value, inverted: false })),
    ...Object.entries(match.withoutHeaders).map(([name, value]) => ({ name, value, inverted: true })),
  ].sort((a, b) => compare(a.name, b.name))
  const headers = asked
    .filter(({ name }) => claimOfHeader(name) === null)
    .map(({ name, value, inverted }) => headerMatcher(name, value, inverted))
  const dynamicMetadata = asked.flatMap(({ name, value, inverted }) => {
    const claim = claimOfHeader(name)
    return claim === null || value.kind === 'present' ? [] : [claimMatcher(claim, value, inverted)]
  })
  for (const [name, value] of [
    [':method', match.method],
    [':authority', match.authority],
    [':scheme', match.scheme],
  ] as const)
    if (value) headers.push(headerMatcher(name, value, false))
  const queryParameters = Object.entries(match.queryParams)
    .sort(([a], [b]) => compare(a, b))
    .map(([name, value]) => queryMatcher(name, value))
  return create(RouteMatchSchema, {
    pathSpecifier: pathSpecifier(match.uri),
    caseSensitive: !match.ignoreUriCase,
    headers,
    queryParameters,
    dynamicMetadata,
  })
}

function pathSpecifier(uri: StringMatch | undefined): RouteMatch['pathSpecifier'] {
  switch (uri?.kind) {
    case 'exact':
      return { case: 'path', value: uri.value }
    case 'prefix':
      // Of the text, not of segments: `/foo` matches `/foobar` (unlike the Gateway API).
      return { case: 'prefix', value: uri.value }
    case 'regex':
      return create(RouteMatchSchema, { pathSpecifier: { case: 'safeRegex', value: { regex: uri.value } } })
        .pathSpecifier
    default:
      return { case: 'prefix', value: '/' }
  }
}

/** An inverted value match holds where the header is missing, which Envoy must be told. */
export function headerMatcher(name: string, value: StringMatch, inverted: boolean): HeaderMatcher {
  if (value.kind === 'present')
    return create(HeaderMatcherSchema, {
      name,
      headerMatchSpecifier: { case: 'presentMatch', value: true },
      invertMatch: inverted,
    })
  return create(HeaderMatcherSchema, {
    name,
    headerMatchSpecifier: { case: 'stringMatch', value: stringMatcher(value) },
    invertMatch: inverted,
    treatMissingHeaderAsEmpty: inverted,
  })
}

/** By what checked the token: the claim itself, or one of its elements where it is a list. */
function claimMatcher(
  claim: readonly string[],
  value: Exclude<StringMatch, { kind: 'present' }>,
  invert: boolean,
): MetadataMatcher {
  const text = { matchPattern: { case: 'stringMatch', value: stringMatcher(value) } } as const
  const element = {
    matchPattern: { case: 'listMatch', value: { matchPattern: { case: 'oneOf', value: text } } },
  } as const
  return create(MetadataMatcherSchema, {
    filter: JWT_FILTER,
    path: jwtPath(claim),
    value: { matchPattern: { case: 'orMatch', value: { valueMatchers: [element, text] } } },
    invert,
  })
}

function queryMatcher(name: string, value: StringMatch): QueryParameterMatcher {
  return create(QueryParameterMatcherSchema, {
    name,
    queryParameterMatchSpecifier:
      value.kind === 'present'
        ? { case: 'presentMatch', value: true }
        : { case: 'stringMatch', value: stringMatcher(value) },
  })
}

export function stringMatcher(value: Exclude<StringMatch, { kind: 'present' }>): StringMatcher {
  const matchPattern =
    value.kind === 'regex'
      ? ({ case: 'safeRegex', value: { regex: value.value } } as const)
      : ({ case: value.kind, value: value.value } as const)
  return create(StringMatcherSchema, { matchPattern })
}

/** Nothing of a virtual host can be reached behind such a route. */
export function isCatchAll(match: RouteMatch | undefined): boolean {
  if (!match || match.headers.length + match.queryParameters.length + match.dynamicMetadata.length > 0) return false
  const { pathSpecifier: path } = match
  return (path.case === 'prefix' && path.value === '/') || (path.case === 'safeRegex' && path.value.regex === '.*')
}
