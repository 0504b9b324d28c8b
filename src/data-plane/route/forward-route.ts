// A route that sends the request on to a cluster.
import { toByteString } from '../../automata/regex.ts'
import { getHeader, type HeaderList } from '../../transport/header-list.ts'
import type { RequestHead } from '../../transport/request-head.ts'
import { RoutingPriority } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import {
  RouteAction_ClusterNotFoundResponseCode as NotFound,
  type RouteAction,
  RouteActionSchema,
  type WeightedCluster,
  WeightedCluster_ClusterWeightSchema,
  WeightedClusterSchema,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { durationMs, type ResourceCheck } from '../../xds/resource-check.ts'
import { compileInternalRedirects } from './compile-internal-redirects.ts'
import { hasControl } from './control-character.ts'
import { compileHashPolicy } from './hash-policy.ts'
import { compileLevel, createMutations, HostFromHeader, NO_MUTATIONS } from './header-mutator.ts'
import { compileHedgePolicy } from './hedge-policy.ts'
import type { InternalRedirectPolicy } from './internal-redirect-policy.ts'
import { compileMirrorPolicies, type MirrorPolicy } from './mirror-policy.ts'
import {
  compilePathRegex,
  compilePathRewritePolicy,
  compilePrefixRewrite,
  compileRegexRewrite,
  type MatchedPath,
  type PathRewrite,
} from './path-rewrite.ts'
import type { RouteNames } from './redirect-route.ts'
import { compileRetryPolicy } from './retry-policy.ts'
import type {
  ClusterChoice,
  Fallback,
  ForwardRoute,
  HashPolicy,
  HeaderMutations,
  RetryPolicy,
  RouteFilters,
  RouteUpgrade,
  StreamDuration,
} from './route-entry.ts'
import { compileFilterLevel, mergeFilterLevels } from './route-filters.ts'
import type { RouteScope } from './route-scope.ts'
import type { RouteStats } from './route-stats.ts'
import { compileRouteUpgrades } from './route-upgrades.ts'
import { compileStreamDuration } from './stream-duration.ts'
import type { VirtualClusters } from './virtual-clusters.ts'
import type { WeftRoute } from './weft-route.ts'
import { drawFromHeader } from './weighted-draw.ts'

const FIELDS = new Set([
  'cluster',
  'cluster_header',
  'weighted_clusters',
  'cluster_not_found_response_code',
  'prefix_rewrite',
  'regex_rewrite',
  'host_rewrite_literal',
  'host_rewrite_header',
  'auto_host_rewrite',
  'host_rewrite_path_regex',
  'append_x_forwarded_host',
  'timeout',
  'idle_timeout',
  'retry_policy',
  'priority',
  'hedge_policy',
  'hash_policy',
  'max_grpc_timeout',
  'grpc_timeout_offset',
  'max_stream_duration',
  'cors',
  'rate_limits',
  'include_vh_rate_limits',
  'upgrade_configs',
  'request_mirror_policies',
  'path_rewrite_policy',
  'internal_redirect_policy',
])
const WEIGHTED_FIELDS = new Set(['clusters', 'total_weight', 'runtime_key_prefix', 'header_name'])
const WEIGHT_FIELDS = new Set([
  'name',
  'weight',
  'request_headers_to_add',
  'request_headers_to_remove',
  'response_headers_to_add',
  'response_headers_to_remove',
  'host_rewrite_literal',
  'typed_per_filter_config',
])

const NOT_FOUND_STATUS: Readonly<Record<NotFound, number>> = {
  [NotFound.SERVICE_UNAVAILABLE]: 503,
  [NotFound.NOT_FOUND]: 404,
  [NotFound.INTERNAL_SERVER_ERROR]: 500,
}

/** RouteAction.timeout where it is not set. */
const DEFAULT_TIMEOUT_MS = 15_000

export function compileForward(
  action: RouteAction,
  names: RouteNames,
  matched: MatchedPath,
  scope: RouteScope,
  { fallback, comparison }: WeftRoute,
  path: string,
  check: ResourceCheck,
): ForwardRoute {
  check.honour(RouteActionSchema, action, path, FIELDS)
  const host = action.hostRewriteSpecifier
  if (host.case === 'hostRewriteLiteral' && hasControl(host.value))
    check.error(`${path}.host_rewrite_literal`, 'must not hold control characters')
  const requestHeaders = createMutations(scope.requestLevels)
  return new CompiledForward({
    fallback,
    name: names.name,
    virtualHost: names.virtualHost,
    requestHeaders: host.case === 'hostRewriteHeader' ? new HostFromHeader(requestHeaders, host.value) : requestHeaders,
    responseHeaders: createMutations(scope.responseLevels),
    filters: names.filters,
    choices: compileChoices(action, names.filters, scope, path, check),
    clusterNotFoundStatus: NOT_FOUND_STATUS[action.clusterNotFoundResponseCode] ?? 503,
    timeoutMs: timeoutMs(action),
    idleTimeoutMs: durationMs(action.idleTimeout, -1),
    streamDuration: compileStreamDuration(action, timeoutMs(action), path, check),
    upgrades: compileRouteUpgrades(action.upgradeConfigs, `${path}.upgrade_configs`, check),
    retry: withinTimeout(
      action.retryPolicy ? compileRetryPolicy(action.retryPolicy, `${path}.retry_policy`, check) : scope.retry,
      timeoutMs(action),
    ),
    isHighPriority: action.priority === RoutingPriority.HIGH,
    hedgesOnPerTryTimeout: action.hedgePolicy
      ? compileHedgePolicy(action.hedgePolicy, `${path}.hedge_policy`, check)
      : scope.hedgesOnPerTryTimeout,
    hashPolicy: compileHashPolicy(action.hashPolicy, `${path}.hash_policy`, check),
    stats: names.stats ?? null,
    virtualClusters: scope.virtualClusters,
    mirrors:
      action.requestMirrorPolicies.length > 0
        ? compileMirrorPolicies(action.requestMirrorPolicies, comparison, `${path}.request_mirror_policies`, check)
        : scope.mirrors.map(mirror => (comparison ? { ...mirror, comparison } : mirror)),
    rewrite: compileRewrite(action, matched, path, check),
    hostRewrite: host.case === 'hostRewriteLiteral' && host.value !== '' ? toByteString(host.value) : null,
    hostFromPath:
      host.case === 'hostRewritePathRegex'
        ? compilePathRegex(host.value, `${path}.host_rewrite_path_regex`, check)
        : null,
    asksForEndpoint: host.case === 'autoHostRewrite' && host.value.value,
    keepsForwardedHost: action.appendXForwardedHost,
    attemptCountInRequest: scope.attemptCountInRequest,
    attemptCountInResponse: scope.attemptCountInResponse,
    bufferLimit: scope.bufferLimit,
    internalRedirects: action.internalRedirectPolicy
      ? compileInternalRedirects(action.internalRedirectPolicy, `${path}.internal_redirect_policy`, check)
      : null,
  })
}

/** Who says how long a stream may live says it all: beside max_stream_duration, even an empty one, Envoy has no timeout. */
function timeoutMs(action: RouteAction): number {
  return action.maxStreamDuration === undefined ? durationMs(action.timeout, DEFAULT_TIMEOUT_MS) : 0
}

/** A try's own timeout that is not shorter than the whole one's counts for nothing (FilterUtility::finalTimeout). */
function withinTimeout(retry: RetryPolicy | null, timeout: number): RetryPolicy | null {
  const isIdle = retry !== null && timeout > 0 && retry.perTryTimeoutMs >= timeout
  return isIdle ? { ...retry, perTryTimeoutMs: 0 } : retry
}

function compileRewrite(
  action: RouteAction,
  matched: MatchedPath,
  path: string,
  check: ResourceCheck,
): PathRewrite | null {
  const policy = action.pathRewritePolicy
  const said = [action.prefixRewrite !== '', action.regexRewrite !== undefined, policy !== undefined]
  if (said.filter(Boolean).length > 1)
    check.error(`${path}.${policy ? 'path_rewrite_policy' : 'regex_rewrite'}`, 'several rewrites exclude each other')
  if (policy) return compilePathRewritePolicy(policy, matched, `${path}.path_rewrite_policy`, check)
  if (action.regexRewrite) return compileRegexRewrite(action.regexRewrite, `${path}.regex_rewrite`, check)
  if (action.prefixRewrite === '') return null
  return compilePrefixRewrite(action.prefixRewrite, matched, `${path}.prefix_rewrite`, check)
}

interface WeightedChoice {
  readonly choice: ClusterChoice
  /** Draws below it, and not below the one before, fall here: cumulative weight. */
  readonly below: number
}

interface WeightedChoices {
  readonly choices: readonly WeightedChoice[]
  /** Of the weights. */
  readonly total: number
  /** Where requests may bring the draw; empty: nowhere. */
  readonly drawHeader: string
  /** Where requests name the cluster, for whom the one choice stands; empty: nowhere. */
  readonly clusterHeader: string
}

const NO_CHOICES: WeightedChoices = { choices: [], total: 0, drawHeader: '', clusterHeader: '' }

function compileChoices(
  action: RouteAction,
  filters: RouteFilters,
  scope: RouteScope,
  path: string,
  check: ResourceCheck,
): WeightedChoices {
  const specifier = action.clusterSpecifier
  if (specifier.case === 'weightedClusters')
    return compileWeighted(specifier.value, scope, `${path}.weighted_clusters`, check)
  const isNamed = specifier.case === 'cluster' || specifier.case === 'clusterHeader'
  if (!isNamed || specifier.value === '') {
    if (specifier.case === undefined || isNamed) check.error(`${path}.cluster`, 'needs a cluster')
    return NO_CHOICES
  }
  const isByHeader = specifier.case === 'clusterHeader'
  const choice = {
    cluster: isByHeader ? '' : specifier.value,
    requestHeaders: NO_MUTATIONS,
    responseHeaders: NO_MUTATIONS,
    hostRewrite: null,
    filters,
  }
  const clusterHeader = isByHeader ? specifier.value.toLowerCase() : ''
  return { choices: [{ choice, below: 1 }], total: 1, drawHeader: '', clusterHeader }
}

const MAX_WEIGHT = 2 ** 32 - 1

function compileWeighted(
  weighted: WeightedCluster,
  scope: RouteScope,
  path: string,
  check: ResourceCheck,
): WeightedChoices {
  check.honour(WeightedClusterSchema, weighted, path, WEIGHTED_FIELDS)
  // The weights' own sum decides; total_weight is deprecated and, where set, must be that sum.
  const total = weighted.clusters.reduce((sum, { weight }) => sum + (weight ?? 0), 0)
  if (total > MAX_WEIGHT) check.error(`${path}.clusters`, `the sum of the weights exceeds ${MAX_WEIGHT}`)
  if (total === 0) check.error(`${path}.clusters`, 'the sum of the weights must be greater than 0')
  if (weighted.totalWeight !== undefined && weighted.totalWeight !== total)
    check.error(`${path}.total_weight`, `must be the sum of the weights, ${total}`)
  const choices: WeightedChoice[] = []
  let sum = 0
  for (const [index, cluster] of weighted.clusters.entries()) {
    const at = `${path}.clusters[${index}]`
    check.honour(WeightedCluster_ClusterWeightSchema, cluster, at, WEIGHT_FIELDS)
    if (cluster.name === '') check.error(`${at}.name`, 'must not be empty')
    const request = compileLevel(
      cluster.requestHeadersToAdd,
      cluster.requestHeadersToRemove,
      `${at}.`,
      'request_headers',
      check,
    )
    const response = compileLevel(
      cluster.responseHeadersToAdd,
      cluster.responseHeadersToRemove,
      `${at}.`,
      'response_headers',
      check,
    )
    const own = compileFilterLevel(cluster.typedPerFilterConfig, `${at}.`, scope.filterFactories, check)
    const weight = cluster.weight ?? 0
    if (weight === 0) continue
    sum += weight
    const host = cluster.hostRewriteSpecifier
    const choice = {
      cluster: cluster.name,
      // Before every other level, even where the most specific comes last (WeightedClusterEntry).
      requestHeaders: createMutations([request]),
      responseHeaders: createMutations([response]),
      hostRewrite: host.case === 'hostRewriteLiteral' && host.value !== '' ? toByteString(host.value) : null,
      filters: mergeFilterLevels({ ...scope, filterLevels: [...scope.filterLevels, own] }),
    }
    choices.push({ choice, below: sum })
  }
  const { randomValueSpecifier: draw } = weighted
  const drawHeader = draw.case === 'headerName' ? draw.value.toLowerCase() : ''
  return { choices, total, drawHeader, clusterHeader: '' }
}

interface ForwardParts extends RouteNames {
  readonly stats: RouteStats | null
  readonly virtualClusters: VirtualClusters | null
  readonly fallback: Fallback | null
  readonly choices: WeightedChoices
  readonly clusterNotFoundStatus: number
  readonly timeoutMs: number
  readonly idleTimeoutMs: number
  readonly streamDuration: StreamDuration
  readonly upgrades: ReadonlyMap<string, RouteUpgrade>
  readonly retry: RetryPolicy | null
  readonly hedgesOnPerTryTimeout: boolean
  readonly isHighPriority: boolean
  readonly hashPolicy: HashPolicy | null
  readonly mirrors: readonly MirrorPolicy[]
  readonly rewrite: PathRewrite | null
  readonly hostRewrite: string | null
  readonly hostFromPath: PathRewrite | null
  readonly asksForEndpoint: boolean
  readonly keepsForwardedHost: boolean
  readonly attemptCountInRequest: boolean
  readonly attemptCountInResponse: boolean
  readonly bufferLimit: number | null
  readonly internalRedirects: InternalRedirectPolicy | null
}

class CompiledForward implements ForwardRoute {
  readonly kind = 'forward'
  readonly fallback: Fallback | null
  readonly name: string
  readonly virtualHost: string
  readonly requestHeaders: HeaderMutations
  readonly responseHeaders: HeaderMutations
  readonly filters: RouteFilters
  readonly clusterNotFoundStatus: number
  readonly timeoutMs: number
  readonly idleTimeoutMs: number
  readonly streamDuration: StreamDuration
  readonly upgrades: ReadonlyMap<string, RouteUpgrade>
  readonly retry: RetryPolicy | null
  readonly hedgesOnPerTryTimeout: boolean
  readonly isHighPriority: boolean
  readonly hashPolicy: HashPolicy | null
  readonly mirrors: readonly MirrorPolicy[]
  readonly stats: RouteStats | null
  readonly virtualClusters: VirtualClusters | null
  readonly hostRewrite: string | null
  readonly asksForEndpoint: boolean
  readonly keepsForwardedHost: boolean
  readonly attemptCountInRequest: boolean
  readonly attemptCountInResponse: boolean
  readonly bufferLimit: number | null
  readonly internalRedirects: InternalRedirectPolicy | null
  readonly #hostFromPath: PathRewrite | null
  readonly #choices: WeightedChoices
  readonly #rewrite: PathRewrite | null

  constructor(parts: ForwardParts) {
    this.fallback = parts.fallback
    this.name = parts.name
    this.virtualHost = parts.virtualHost
    this.requestHeaders = parts.requestHeaders
    this.responseHeaders = parts.responseHeaders
    this.filters = parts.filters
    this.clusterNotFoundStatus = parts.clusterNotFoundStatus
    this.timeoutMs = parts.timeoutMs
    this.idleTimeoutMs = parts.idleTimeoutMs
    this.streamDuration = parts.streamDuration
    this.upgrades = parts.upgrades
    this.retry = parts.retry
    this.hedgesOnPerTryTimeout = parts.hedgesOnPerTryTimeout
    this.isHighPriority = parts.isHighPriority
    this.hashPolicy = parts.hashPolicy
    this.mirrors = parts.mirrors
    this.stats = parts.stats
    this.virtualClusters = parts.virtualClusters
    this.hostRewrite = parts.hostRewrite
    this.#hostFromPath = parts.hostFromPath
    this.asksForEndpoint = parts.asksForEndpoint
    this.keepsForwardedHost = parts.keepsForwardedHost
    this.attemptCountInRequest = parts.attemptCountInRequest
    this.attemptCountInResponse = parts.attemptCountInResponse
    this.bufferLimit = parts.bufferLimit
    this.internalRedirects = parts.internalRedirects
    this.#choices = parts.choices
    this.#rewrite = parts.rewrite
  }

  chooseCluster(random: number, headers: HeaderList): ClusterChoice {
    const { choices, total, drawHeader, clusterHeader } = this.#choices
    if (clusterHeader !== '') return named(choices[0]!.choice, getHeader(headers, clusterHeader) ?? '')
    const brought = drawHeader === '' ? -1 : drawFromHeader(headers, drawHeader, total)
    const draw = brought < 0 ? random * total : brought
    const last = choices.length - 1
    for (let i = 0; i < last; i++) if (draw < choices[i]!.below) return choices[i]!.choice
    return choices[last]!.choice
  }

  hostFromPath(head: RequestHead): string | null {
    return this.#hostFromPath === null ? null : this.#hostFromPath(head.path)
  }

  rewritePath(head: RequestHead): string | null {
    return this.#rewrite === null ? null : this.#rewrite(head.path)
  }
}

/** A request that names none is answered as if there were no such cluster (Envoy). */
function named(
  { requestHeaders, responseHeaders, hostRewrite, filters }: ClusterChoice,
  cluster: string,
): ClusterChoice {
  return { cluster, requestHeaders, responseHeaders, hostRewrite, filters }
}
