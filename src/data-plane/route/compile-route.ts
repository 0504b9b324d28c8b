// One route: what it matches, and what becomes of a request that does.
import { type Regex, toByteString } from '../../automata/regex.ts'
import { typeUrlOf, unpackAny } from '../../xds/any-pack.ts'
import type { TypedExtensionConfig } from '../../xds/generated/envoy/config/core/v3/extension_pb.ts'
import {
  type DirectResponseAction,
  DirectResponseActionSchema,
  type Route,
  type RouteMatch,
  RouteMatchSchema,
  RouteSchema,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { UriTemplateMatchConfigSchema } from '../../xds/generated/envoy/extensions/path/match/uri_template/v3/uri_template_match_pb.ts'
import { inlineData } from '../../xds/inline-data.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import { compileRouteCors } from './compile-cors-policy.ts'
import { compileRateLimits } from './compile-rate-limit-rule.ts'
import { type Criterion, compileHeaderMatcher, compileQueryMatcher, GRPC_CRITERION } from './criterion.ts'
import { compileForward } from './forward-route.ts'
import { fractionOf } from './fraction.ts'
import { compileLevel, createMutations } from './header-mutator.ts'
import { compileMetadataMatcher } from './metadata-criterion.ts'
import type { MatchedPath } from './path-rewrite.ts'
import type { PathKind } from './path-trie.ts'
import { compileRedirect, ownLocation, type RouteNames } from './redirect-route.ts'
import type { DirectResponseRoute, RouteEntry, StreamCriterion } from './route-entry.ts'
import { compileFilterLevel, mergeFilterLevels } from './route-filters.ts'
import { type RouteScope, withLevel } from './route-scope.ts'
import { createRouteStats, type RouteStats } from './route-stats.ts'
import { compileRegexField } from './string-matcher.ts'
import { compileTlsContextMatch } from './tls-criterion.ts'
import { compileUriTemplate, type UriTemplate } from './uri-template.ts'
import { compileWeftRoute } from './weft-route.ts'

export type PathMatch =
  | { readonly kind: PathKind; readonly path: string; readonly caseSensitive: boolean }
  | { readonly kind: 'regex'; readonly regex: Regex; readonly template?: UriTemplate }
  /** CONNECT, which has no path. */
  | { readonly kind: 'connect' }

export interface CompiledRoute {
  readonly match: PathMatch
  readonly criteria: readonly Criterion[]
  readonly streamCriteria: readonly StreamCriterion[]
  readonly fraction: number
  readonly entry: RouteEntry
}

/** What is set for people and dashboards only (metadata of others than Weft, decorator, tracing) changes no request. */
const ROUTE_FIELDS = new Set([
  'name',
  'match',
  'route',
  'redirect',
  'direct_response',
  'metadata',
  'decorator',
  'tracing',
  'stat_prefix',
  'request_headers_to_add',
  'request_headers_to_remove',
  'response_headers_to_add',
  'response_headers_to_remove',
  'typed_per_filter_config',
  'per_request_buffer_limit_bytes',
])
const MATCH_FIELDS = new Set([
  'prefix',
  'path',
  'safe_regex',
  'path_separated_prefix',
  'connect_matcher',
  'case_sensitive',
  'runtime_fraction',
  'headers',
  'query_parameters',
  'grpc',
  'dynamic_metadata',
  'tls_context',
  'path_match_policy',
])
const DIRECT_FIELDS = new Set(['status', 'body'])
const SEPARATED_PREFIX = /^[^?#]+[^?#/]$/

/** Null after problems were reported. */
export function compileRoute(
  route: Route,
  outer: RouteScope,
  path: string,
  check: ResourceCheck,
): CompiledRoute | null {
  check.honour(RouteSchema, route, path, ROUTE_FIELDS)
  const matchMessage = route.match
  if (matchMessage === undefined) {
    check.error(`${path}.match`, 'is required')
    return null
  }
  const match = compilePath(matchMessage, `${path}.match`, check)
  const scope = withLevel(
    withAction(outer, route, `${path}.route`, check),
    compileLevel(route.requestHeadersToAdd, route.requestHeadersToRemove, `${path}.`, 'request_headers', check),
    compileLevel(route.responseHeadersToAdd, route.responseHeadersToRemove, `${path}.`, 'response_headers', check),
    compileFilterLevel(route.typedPerFilterConfig, `${path}.`, outer.filterFactories, check),
  )
  const entry = compileAction(route, match, scope, path, check)
  const fraction = matchMessage.runtimeFraction
  if (fraction && !fraction.defaultValue) check.error(`${path}.match.runtime_fraction.default_value`, 'is required')
  const criteria = compileCriteria(matchMessage, `${path}.match`, check)
  const streamCriteria = compileStreamCriteria(matchMessage, `${path}.match`, check)
  if (match === null || entry === null) return null
  return { match, criteria, streamCriteria, fraction: fractionOf(fraction?.defaultValue, 1), entry }
}

/** What RouteAction, of all actions alone, says to filters. */
function withAction(outer: RouteScope, route: Route, path: string, check: ResourceCheck): RouteScope {
  if (route.action.case !== 'route') return outer
  const { cors, rateLimits, includeVhRateLimits } = route.action.value
  return {
    ...outer,
    corsLevels: cors ? [...outer.corsLevels, compileRouteCors(cors, `${path}.cors`, check)] : outer.corsLevels,
    rateLimits: compileRateLimits(rateLimits, `${path}.rate_limits`, check),
    includesVirtualHostRateLimits: includeVhRateLimits ?? false,
    bufferLimit: route.perRequestBufferLimitBytes ?? outer.bufferLimit,
  }
}

function compilePath(match: RouteMatch, path: string, check: ResourceCheck): PathMatch | null {
  check.honour(RouteMatchSchema, match, path, MATCH_FIELDS)
  const { pathSpecifier: specifier } = match
  const caseSensitive = match.caseSensitive ?? true
  switch (specifier.case) {
    case 'prefix':
      return { kind: 'prefix', path: toByteString(specifier.value), caseSensitive }
    case 'path':
      return { kind: 'exact', path: toByteString(specifier.value), caseSensitive }
    case 'pathSeparatedPrefix':
      if (!SEPARATED_PREFIX.test(specifier.value))
        check.error(`${path}.path_separated_prefix`, 'must not end in a slash nor hold ? or #')
      return { kind: 'separated', path: toByteString(specifier.value), caseSensitive }
    case 'safeRegex': {
      const regex = compileRegexField(specifier.value, `${path}.safe_regex`, check)
      return regex === null ? null : { kind: 'regex', regex }
    }
    case 'connectMatcher':
      return { kind: 'connect' }
    case 'pathMatchPolicy':
      return compileTemplateMatch(specifier.value, `${path}.path_match_policy`, check)
    case undefined:
      check.error(
        path,
        'needs a path: prefix, path, safe_regex, path_separated_prefix, path_match_policy or connect_matcher',
      )
      return null
    default:
      return null
  }
}

function compileTemplateMatch(policy: TypedExtensionConfig, path: string, check: ResourceCheck): PathMatch | null {
  const message = unpackAny(policy.typedConfig, UriTemplateMatchConfigSchema)
  if (message === null) {
    check.unsupported(`${path}.typed_config`, `only ${typeUrlOf(UriTemplateMatchConfigSchema)} is supported`)
    return null
  }
  const template = compileUriTemplate(message.pathTemplate)
  const at = `${path}.typed_config.path_template`
  if ('fault' in template) check.error(at, template.fault)
  else if (!template.ok) check.adopt(at, template.problems)
  else return { kind: 'regex', regex: template.value.regex, template: template.value }
  return null
}

function compileStreamCriteria(match: RouteMatch, path: string, check: ResourceCheck): readonly StreamCriterion[] {
  const metadata = match.dynamicMetadata.map((matcher, index) =>
    compileMetadataMatcher(matcher, `${path}.dynamic_metadata[${index}]`, check),
  )
  return match.tlsContext
    ? [...metadata, compileTlsContextMatch(match.tlsContext, `${path}.tls_context`, check)]
    : metadata
}

function compileCriteria(match: RouteMatch, path: string, check: ResourceCheck): readonly Criterion[] {
  const headers = match.headers.map((header, index) => compileHeaderMatcher(header, `${path}.headers[${index}]`, check))
  const parameters = match.queryParameters.map((parameter, index) =>
    compileQueryMatcher(parameter, `${path}.query_parameters[${index}]`, check),
  )
  return [...(match.grpc ? [GRPC_CRITERION] : []), ...headers, ...parameters]
}

function compileAction(
  route: Route,
  match: PathMatch | null,
  scope: RouteScope,
  path: string,
  check: ResourceCheck,
): RouteEntry | null {
  const { action } = route
  const prefixLength = match?.kind === 'prefix' || match?.kind === 'separated' ? match.path.length : -1
  const matched: MatchedPath = { prefixLength, template: match?.kind === 'regex' ? (match.template ?? null) : null }
  const names: RouteNames = {
    name: route.name,
    virtualHost: scope.virtualHost,
    requestHeaders: createMutations(scope.requestLevels),
    responseHeaders: createMutations(scope.responseLevels),
    filters: mergeFilterLevels(scope),
    stats: statsOf(route, scope),
  }
  switch (action.case) {
    case 'route':
      return compileForward(
        action.value,
        names,
        matched,
        scope,
        compileWeftRoute(route.metadata, path, check),
        `${path}.route`,
        check,
      )
    case 'redirect':
      return compileRedirect(action.value, names, matched, `${path}.redirect`, check)
    case 'directResponse':
      return compileDirectResponse(action.value, names, scope, `${path}.direct_response`, check)
    case undefined:
      check.error(path, 'needs an action: route, redirect or direct_response')
      return null
    default:
      return null
  }
}

function statsOf({ statPrefix }: Route, { stats, virtualHost }: RouteScope): RouteStats | null {
  return stats === null || statPrefix === '' ? null : createRouteStats(stats, virtualHost, statPrefix)
}

function compileDirectResponse(
  action: DirectResponseAction,
  names: RouteNames,
  scope: RouteScope,
  path: string,
  check: ResourceCheck,
): DirectResponseRoute {
  check.honour(DirectResponseActionSchema, action, path, DIRECT_FIELDS)
  if (action.status < 200 || action.status > 599) check.error(`${path}.status`, 'must be from 200 to 599')
  const body = inlineData(action.body, `${path}.body`, check) ?? Buffer.alloc(0)
  if (body.length > scope.maxDirectResponseBytes)
    check.error(`${path}.body`, `is ${body.length} bytes long; the maximum is ${scope.maxDirectResponseBytes}`)
  // Envoy adds it to a reply that may have one (RFC 9110 10.2.2), even where it leads back here.
  const hasLocation = action.status === 201 || (action.status >= 300 && action.status < 400)
  const location = hasLocation ? ownLocation : () => null
  return { kind: 'direct-response', ...names, status: action.status, body, location }
}
