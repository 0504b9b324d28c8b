// A route as the router uses it: everything decidable was decided when the table was compiled.
import type { Uint64 } from '../../base/uint64.ts'
import type { HeaderList } from '../../transport/header-list.ts'
import type { RequestHead } from '../../transport/request-head.ts'
import type { ConnectionInfo } from '../connection-info.ts'
import type { StreamInfo } from '../stream-info.ts'
import type { MetadataSource } from '../stream-metadata.ts'
import type { CorsPolicy } from './cors-policy.ts'
import type { Criterion } from './criterion.ts'
import type { InternalRedirectPolicy } from './internal-redirect-policy.ts'
import type { MirrorPolicy } from './mirror-policy.ts'
import type { RateLimitRule } from './rate-limit-rule.ts'
import type { ResponseCriterion } from './response-criterion.ts'
import type { RouteStats } from './route-stats.ts'
import type { VirtualClusters } from './virtual-clusters.ts'

/** What is known of a stream besides its head. */
export interface RoutedStream extends MetadataSource {
  readonly connection: Pick<ConnectionInfo, 'peer'>
}

/** What a route asks of it. */
export interface StreamCriterion {
  test(stream: RoutedStream): boolean
}

/** What a table is asked with; one object per stream, filled before the look-up. */
export interface RouteQuery {
  readonly head: RequestHead
  readonly info: RoutedStream
  /** Uniform in [0, 1): runtime fractions. */
  random(): number
}

export interface HeaderMutations {
  /** Adds, sets and removes in Envoy's order: weighted cluster, route, virtual host, route configuration. */
  apply(headers: HeaderList, info: StreamInfo): void
  /** New :authority when a mutation sets `host` or `:authority`, else null. */
  readonly authority: string | null
}

/** A request as hash policies read it, ready to be sent. */
export interface HashedRequest {
  readonly head: RequestHead
  readonly authority: string
  readonly path: string
  /** Cookies made on the way, for the response; null for none. */
  setCookies: string[] | null
}

export interface HashPolicy {
  /** Null when the request has nothing of what the policy asks for. */
  generate(request: HashedRequest, info: StreamInfo): Uint64 | null
}

export interface RetryPolicy {
  readonly attempts: number
  /** Bits of RETRY_ON. */
  readonly retryOn: number
  readonly retriableStatusCodes: readonly number[]
  /** 0: the route's timeout bounds each try too. */
  readonly perTryTimeoutMs: number
  /** Of a try that its endpoint leaves without a byte; 0: never. */
  readonly perTryIdleTimeoutMs: number
  readonly backoffBaseMs: number
  readonly backoffMaxMs: number
  /** By which a response says when to come back, in their order; a time further away does not count. */
  readonly resetFields: readonly { readonly name: string; readonly isTimestamp: boolean }[]
  readonly rateLimitedMaxMs: number
  /** Of responses to be tried again under `retriable-headers`: any of them. */
  readonly retriableHeaders: readonly ResponseCriterion[]
  /** Of requests that may be tried again at all: any of them; none: every request. */
  readonly retriableRequests: readonly Criterion[]
  /** Istio's previous_hosts predicate: do not pick an endpoint that this stream has tried. */
  readonly avoidPreviousHosts: boolean
  readonly hostSelectionAttempts: number
  /** After every so many tries their endpoints' priorities are left out (Envoy's previous_priorities); 0: never. */
  readonly priorityUpdateFrequency: number
}

export const RETRY_ON = {
  '5xx': 1 << 0,
  'gateway-error': 1 << 1,
  reset: 1 << 2,
  'reset-before-request': 1 << 3,
  'connect-failure': 1 << 4,
  'retriable-4xx': 1 << 5,
  'refused-stream': 1 << 6,
  'retriable-status-codes': 1 << 7,
  'envoy-ratelimited': 1 << 8,
  'http3-post-connect-failure': 1 << 9,
  cancelled: 1 << 10,
  'deadline-exceeded': 1 << 11,
  internal: 1 << 12,
  'resource-exhausted': 1 << 13,
  unavailable: 1 << 14,
  'retriable-headers': 1 << 15,
} as const

/** What one filter, by its name in the connection manager's list, is told by the route. */
export interface FilterOverride {
  readonly disabled: boolean
  /** The filter's own form of it, told apart by its class; null where the route says nothing but on or off. */
  readonly config: object | null
}

/** What filters read of a route: its levels are merged when the table is compiled. */
export interface RouteFilters {
  readonly overrides: ReadonlyMap<string, FilterOverride>
  /** Of the deprecated `cors` fields, route over virtual host. */
  readonly cors: CorsPolicy | null
  /** The route's own, its virtual host's, and whether the former do not replace the latter. */
  readonly rateLimits: readonly RateLimitRule[]
  readonly virtualHostRateLimits: readonly RateLimitRule[]
  readonly includesVirtualHostRateLimits: boolean
}

export const NO_ROUTE_FILTERS: RouteFilters = {
  overrides: new Map(),
  cors: null,
  rateLimits: [],
  virtualHostRateLimits: [],
  includesVirtualHostRateLimits: false,
}

export interface ClusterChoice {
  readonly cluster: string
  readonly requestHeaders: HeaderMutations
  readonly responseHeaders: HeaderMutations
  /** Literal new :authority of the weighted cluster, else null. */
  readonly hostRewrite: string | null
  /** The route's, with the weighted cluster's own over them. */
  readonly filters: RouteFilters
}

interface RouteBase {
  readonly name: string
  readonly virtualHost: string
  readonly requestHeaders: HeaderMutations
  readonly responseHeaders: HeaderMutations
  readonly filters: RouteFilters
}

/** What a route says of upgrades and CONNECT, by type in lower case, before the connection manager is asked. */
export interface RouteUpgrade {
  readonly enabled: boolean
  /** CONNECT ends here: its bytes go to the endpoint as they are (connect_config). */
  readonly terminates: boolean
}

/** Who answers when the destination is down or too slow: another one, or the proxy itself. */
export type Fallback =
  | { readonly kind: 'cluster'; readonly cluster: string }
  | { readonly kind: 'answer'; readonly status: number; readonly body: Buffer; readonly headers: readonly string[] }

export interface ForwardRoute extends RouteBase {
  readonly kind: 'forward'
  /** Clusters hold its requests against limits of their own. */
  readonly isHighPriority: boolean
  readonly fallback: Fallback | null
  readonly upgrades: ReadonlyMap<string, RouteUpgrade>
  /** `random` in [0, 1) draws among weighted clusters, unless the route has a number in the request's headers do so. */
  chooseCluster(random: number, headers: HeaderList): ClusterChoice
  /** 503 in Istio's routes. */
  readonly clusterNotFoundStatus: number
  /** 0: none. */
  readonly timeoutMs: number
  /** -1: the connection manager's. */
  readonly idleTimeoutMs: number
  readonly streamDuration: StreamDuration
  readonly retry: RetryPolicy | null
  /** A try that runs into its own time-out goes on, and another is sent beside it. */
  readonly hedgesOnPerTryTimeout: boolean
  /** What keeps requests to an endpoint in clusters that balance by hash; null: nothing. */
  readonly hashPolicy: HashPolicy | null
  readonly mirrors: readonly MirrorPolicy[]
  /** Kinds of requests of its virtual host; null where that tells none apart. */
  readonly virtualClusters: VirtualClusters | null
  /** Null without a stat_prefix. */
  readonly stats: RouteStats | null
  /** The path to send, or null when it stays. Sets x-envoy-original-path at the caller. */
  rewritePath(head: RequestHead): string | null
  /** New :authority, or null when it stays. */
  readonly hostRewrite: string | null
  /** The same, made of the path; null when it stays. */
  hostFromPath(head: RequestHead): string | null
  /** The endpoint is asked for by its own name, where it has one (auto_host_rewrite). */
  readonly asksForEndpoint: boolean
  /** Whether an :authority that is rewritten is kept in x-forwarded-host. */
  readonly keepsForwardedHost: boolean
  /** Envoy's include_request_attempt_count / include_attempt_count_in_response of the virtual host. */
  readonly attemptCountInRequest: boolean
  readonly attemptCountInResponse: boolean
  /** Of its request, bytes kept for another try or a copy that is not connected; null: what the listener allows. */
  readonly bufferLimit: number | null
  /** Null: redirects are the client's to follow. */
  readonly internalRedirects: InternalRedirectPolicy | null
}

/** Envoy's MaxStreamDuration. Milliseconds. */
export interface StreamDuration {
  /** 0: none; -1: the connection manager's. */
  readonly maxMs: number
  /** The client's grpc-timeout bounds the stream, up to this; 0: without a bound of our own; -1: it does not. */
  readonly grpcTimeoutMaxMs: number
  /** Taken off grpc-timeout, so that the client hears of it in time. */
  readonly grpcTimeoutOffsetMs: number
}

export interface RedirectRoute extends RouteBase {
  readonly kind: 'redirect'
  readonly status: number
  /** The path to redirect to, or null when it stays. Sets x-envoy-original-path at the caller. */
  rewritePath(head: RequestHead): string | null
  location(head: RequestHead): string
}

export interface DirectResponseRoute extends RouteBase {
  readonly kind: 'direct-response'
  readonly status: number
  readonly body: Buffer
  /** For 201 and 3xx the request's own URI, as Envoy has it; null for others. */
  location(head: RequestHead): string | null
}

export type RouteEntry = ForwardRoute | RedirectRoute | DirectResponseRoute

export interface RouteTable {
  readonly name: string
  /** The first route that matches, or why none does: Envoy's details for the 404. */
  match(query: RouteQuery): RouteEntry | null
}

export interface RouteTableSource {
  /** Undefined until RDS has delivered it, and when it has taken it back. */
  get(name: string): RouteTable | undefined
  hold(name: string): HeldRoutes
}

/** What a connection manager goes by: the routes of a name, as they are now or were last. */
export interface HeldRoutes {
  /** Null until RDS has delivered it. */
  readonly table: RouteTable | null
}
