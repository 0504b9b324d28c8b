// What a VirtualService's rule does, as Envoy's route: forward, redirect or answer.
import { create } from '@bufbuild/protobuf'
import type { RouteDestination } from '../../model/destination.ts'
import type { HttpRedirect, HttpRoute } from '../../model/http-route.ts'
import {
  DirectResponseActionSchema,
  type RedirectAction,
  RedirectAction_RedirectResponseCode,
  RedirectActionSchema,
  type Route,
  type RouteAction,
  RouteActionSchema,
  type WeightedCluster_ClusterWeight,
  WeightedCluster_ClusterWeightSchema,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { clusterOf } from './destination-cluster.ts'
import { hashPolicies } from './hash-policy.ts'
import { type HeaderOptions, headerOptions } from './header-options.ts'
import { mirrorPolicies } from './mirror-policies.ts'
import { retryPolicy } from './retry-policy.ts'
import type { RouteSurroundings } from './route-surroundings.ts'
import { routeTimeouts } from './route-timeouts.ts'

/** Header operations that belong to the route itself, beside its action. */
export type RouteParts = Pick<
  Route,
  'action' | 'requestHeadersToAdd' | 'requestHeadersToRemove' | 'responseHeadersToAdd' | 'responseHeadersToRemove'
>

export function routeParts(rule: HttpRoute, surroundings: RouteSurroundings): RouteParts {
  const { authority, ...operations } = headerOptions(rule.headers)
  switch (rule.action.kind) {
    case 'redirect':
      return {
        action: { case: 'redirect', value: redirectAction(rule.action.redirect, surroundings.port) },
        ...operations,
      }
    case 'direct-response': {
      const { status, body } = rule.action.response
      const response = create(DirectResponseActionSchema, {
        status,
        ...(body.length > 0 ? { body: { specifier: bodySpecifier(body) } } : {}),
      })
      return { action: { case: 'directResponse', value: response }, ...operations }
    }
    default:
      return forward(rule, rule.action.destinations, authority, operations, surroundings)
  }
}

function bodySpecifier(body: Uint8Array) {
  const text = Buffer.from(body).toString('utf8')
  return Buffer.from(text, 'utf8').equals(body)
    ? { case: 'inlineString' as const, value: text }
    : { case: 'inlineBytes' as const, value: body }
}

function forward(
  rule: HttpRoute,
  destinations: readonly RouteDestination[],
  routeAuthority: string,
  operations: Omit<HeaderOptions, 'authority'>,
  surroundings: RouteSurroundings,
): RouteParts {
  const taken = destinations.length === 1 ? destinations : destinations.filter(({ weight }) => weight > 0)
  const hashes = taken.map(({ destination: { host, subset, port } }) =>
    surroundings.hashOf(surroundings.expand(host), subset, port),
  )
  // A retry that went elsewhere would undo what the hash is for.
  const keepsHost = destinations.length === 1 && hashes[0] !== null
  const policy = retryPolicy(rule.retries, surroundings.defaultRetry, keepsHost)
  const action = create(RouteActionSchema, {
    ...routeTimeouts(rule.timeoutMs ?? 0),
    ...(policy ? { retryPolicy: policy } : {}),
    ...(rule.retries?.hedgesOnPerTryTimeout ? { hedgePolicy: { hedgeOnPerTryTimeout: true } } : {}),
    appendXForwardedHost: surroundings.keepsForwardedHost,
    ...rewriteOf(rule),
    hashPolicy: hashPolicies(hashes),
    requestMirrorPolicies: mirrorPolicies(rule, surroundings),
  })
  let authority = rule.rewrite?.authority ?? routeAuthority
  let own = operations
  const [only] = destinations
  if (destinations.length === 1 && only) {
    const { authority: destinationAuthority, ...destinationOperations } = headerOptions(only.headers)
    // Istio appends the destination's operations to the rule's, and lets the rule's authority win.
    own = concatOperations(operations, destinationOperations)
    if (authority === '') authority = destinationAuthority
    action.clusterSpecifier = { case: 'cluster', value: clusterOf(only.destination, surroundings) }
  } else {
    const clusters = taken.map(destination => clusterWeight(destination, surroundings))
    action.clusterSpecifier = create(RouteActionSchema, {
      clusterSpecifier: { case: 'weightedClusters', value: { clusters } },
    }).clusterSpecifier
  }
  if (authority !== '') action.hostRewriteSpecifier = { case: 'hostRewriteLiteral', value: authority }
  return { action: { case: 'route', value: action }, ...own }
}

function rewriteOf(rule: HttpRoute): Partial<Pick<RouteAction, 'prefixRewrite'>> & { regexRewrite?: object } {
  const { rewrite } = rule
  if (rewrite?.uri !== undefined) return { prefixRewrite: rewrite.uri }
  if (!rewrite?.uriRegex) return {}
  const { match, rewrite: substitution } = rewrite.uriRegex
  return { regexRewrite: { pattern: { regex: match }, substitution } }
}

function concatOperations(a: Omit<HeaderOptions, 'authority'>, b: Omit<HeaderOptions, 'authority'>) {
  return {
    requestHeadersToAdd: [...a.requestHeadersToAdd, ...b.requestHeadersToAdd],
    requestHeadersToRemove: [...a.requestHeadersToRemove, ...b.requestHeadersToRemove],
    responseHeadersToAdd: [...a.responseHeadersToAdd, ...b.responseHeadersToAdd],
    responseHeadersToRemove: [...a.responseHeadersToRemove, ...b.responseHeadersToRemove],
  }
}

function clusterWeight(destination: RouteDestination, surroundings: RouteSurroundings): WeightedCluster_ClusterWeight {
  const { authority, ...operations } = headerOptions(destination.headers)
  return create(WeightedCluster_ClusterWeightSchema, {
    name: clusterOf(destination.destination, surroundings),
    weight: destination.weight,
    ...operations,
    ...(authority === '' ? {} : { hostRewriteSpecifier: { case: 'hostRewriteLiteral', value: authority } }),
  })
}

const REDIRECT_CODES = {
  301: RedirectAction_RedirectResponseCode.MOVED_PERMANENTLY,
  302: RedirectAction_RedirectResponseCode.FOUND,
  303: RedirectAction_RedirectResponseCode.SEE_OTHER,
  307: RedirectAction_RedirectResponseCode.TEMPORARY_REDIRECT,
  308: RedirectAction_RedirectResponseCode.PERMANENT_REDIRECT,
} as const

function redirectAction(redirect: HttpRedirect, listenerPort: number): RedirectAction {
  const port = redirect.derivePort === 'FROM_REQUEST_PORT' ? listenerPort : (redirect.port ?? 0)
  const scheme = redirect.scheme ?? 'http'
  const isDefault = (scheme === 'http' && port === 80) || (scheme === 'https' && port === 443)
  return create(RedirectActionSchema, {
    hostRedirect: redirect.authority ?? '',
    portRedirect: isDefault ? 0 : port,
    responseCode: REDIRECT_CODES[redirect.code],
    ...(redirect.uri === undefined ? {} : { pathRewriteSpecifier: { case: 'pathRedirect', value: redirect.uri } }),
    ...(redirect.prefixRewrite === undefined
      ? {}
      : { pathRewriteSpecifier: { case: 'prefixRewrite', value: redirect.prefixRewrite } }),
    ...(redirect.scheme === undefined
      ? {}
      : { schemeRewriteSpecifier: { case: 'schemeRedirect', value: redirect.scheme } }),
  })
}
