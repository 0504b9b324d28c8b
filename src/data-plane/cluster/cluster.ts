// What the router and the pools see of a cluster. Config and endpoints may change under a stream: `picker` is swapped whole.

import type { Random } from '../../base/random.ts'
import type { Uint64 } from '../../base/uint64.ts'
import type { Locality } from '../../model/locality.ts'
import type { ParserLimits } from '../../transport/http1/message-parser.ts'
import type { WriterOptions } from '../../transport/http1/message-writer.ts'
import type { Http2Settings } from '../../transport/http2/session-options.ts'
import type { CheckState } from '../health-checker/check-state.ts'
import type { Resource } from '../process-limits/process-limits.ts'
import type { ResponseCriterion } from '../route/response-criterion.ts'
import type { Counter, Gauge, Histogram } from '../stats/stats-scope.ts'
import type { UpstreamCluster } from '../upstream-cluster.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'
import type { ClusterTraffic } from './cluster-traffic.ts'
import type { ComparisonStats } from './comparison-stats.ts'
import type { RequestWindow } from './request-window.ts'

export interface Endpoint {
  /** `address:port`. */
  readonly key: string
  /** As config names it, or the name that was resolved; empty where there is none. */
  readonly hostname: string
  readonly address: string
  readonly port: number
  readonly weight: number
  readonly transport: UpstreamTransport
  /** As its registry says. */
  readonly healthy: boolean
  /** As its own answers say: the phase of its breaker. */
  readonly ejection: 'closed' | 'open' | 'half-open'
  /** As its cluster's health checks found it; null: it is not checked. */
  readonly check: CheckState | null
  /** All three let it take requests. */
  readonly usable: boolean
  /** Usable, but only for what healthy endpoints cannot take (health status DEGRADED, or a check that says so). */
  readonly degraded: boolean
  /** Monotonic milliseconds: since when it is usable. Slow start counts from there. */
  readonly usableSince: number
  /** 0 is used first. */
  readonly priority: number
  readonly locality: Locality
  /** What it is hashed by: its key, unless its metadata say otherwise (Envoy's `hash_key` of `envoy.lb`). */
  readonly hashKey: string
  /** What its cluster's balancing policy learns from its requests; null when it wants to know nothing. */
  readonly tracker: RequestTracker | null
  /** Of clusters with outlier detection. */
  readonly monitor: EndpointMonitor | null
  /** Of those that are checked. */
  readonly checkMonitor: CheckMonitor | null
  /** Service discovery does not name it any more; it is used until a check fails. */
  readonly leaving: boolean
  /** What ends when a check fails (close_connections_on_host_health_failure); null: nothing does. */
  readonly dependents: Set<EndpointDependent> | null
  /** Requests in flight: read by LEAST_REQUEST, kept by the router. */
  activeRequests: number
  readonly stats: EndpointStats
}

/** Told once of every try of a request, where it ends. */
export interface RequestTracker {
  /** `elapsedMs` from its beginning; `failed`: a 5xx, or no response at all. */
  onRequestEnd(now: number, elapsedMs: number, failed: boolean): void
}

export interface EndpointStats {
  requestsTotal: number
  requestsSuccess: number
  requestsError: number
  connectionsTotal: number
  connectionsActive: number
  connectFailures: number
}

/** Told how an endpoint's requests fare, once for each outcome. `probe`: what `begin` said of the request. */
export interface EndpointMonitor {
  /** It may be sent a request now: false for one on probation that has as many as it may. */
  readonly admits: boolean
  /** What it takes for an error; null: 5xx. Of gRPC, grpc-status decides. */
  readonly errors: ResponseCriterion | null
  /** Of the last interval, in percent; -1: unknown. */
  readonly successRate: number
  readonly localSuccessRate: number
  /** A request goes out; whether it is one that the endpoint has to prove itself with. */
  begin(): boolean
  /** There is a connection for the request, which is yet to be answered. */
  connected(): void
  /** There is one, and nothing else is asked of the endpoint: TCP. */
  connectedForGood(probe: boolean): void
  answered(status: number, probe: boolean): void
  /** No connection, a reset, or no answer in time. */
  failed(timedOut: boolean, probe: boolean): void
  /** Given up for reasons that are not the endpoint's. */
  abandoned(probe: boolean): void
}

/** Told what requests have found out about an endpoint's health. */
export interface CheckMonitor {
  /** A response has x-envoy-immediate-health-check-fail. */
  onImmediateFailure(): void
}

/** A TCP connection to an endpoint. */
export interface EndpointDependent {
  onEndpointFailed(): void
}

export interface PickContext {
  /** Uniform in [0, 1). */
  random(): number
  /** Endpoints tried before by this stream; null on the first try. */
  readonly previous: readonly Endpoint[] | null
  /** What the request is to be kept together with others by, made once; null where nothing says so. */
  hash(): Uint64 | null
  /** How often a picker was asked before on behalf of the same try: answers that were turned down. */
  readonly attempt: number
  /** `host:port` or `host` (then port 80) to send to: what a dynamic forward proxy cluster resolves. */
  readonly authority: string
}

export interface Picker {
  /** Synchronous, allocation-free; null when no endpoint may be used (503 UH). */
  pick(context: PickContext): Endpoint | null
}

/** Envoy's names below `cluster.<name>.`. */
export interface ClusterStats {
  /** Requests that got a connection. */
  readonly upstreamRqTotal: Counter
  readonly upstreamRqActive: Gauge
  readonly upstreamRq2xx: Counter
  readonly upstreamRq3xx: Counter
  readonly upstreamRq4xx: Counter
  readonly upstreamRq5xx: Counter
  readonly upstreamRqTimeout: Counter
  readonly upstreamRqPerTryTimeout: Counter
  readonly upstreamRqPerTryIdleTimeout: Counter
  readonly upstreamRqRetryExponential: Counter
  readonly upstreamRqRetryRateLimited: Counter
  readonly upstreamRqRetry: Counter
  readonly upstreamRqRetrySuccess: Counter
  readonly upstreamRqRetryLimitExceeded: Counter
  readonly upstreamRqRetryOverflow: Counter
  readonly upstreamRqRxReset: Counter
  readonly upstreamRqTxReset: Counter
  readonly upstreamRqPendingTotal: Counter
  readonly upstreamRqPendingActive: Gauge
  readonly upstreamRqPendingOverflow: Counter
  /** Requests that max_requests kept out. */
  readonly upstreamRqActiveOverflow: Counter
  readonly upstreamCxTotal: Counter
  /** Of a cluster that is checked; null: nobody asks. */
  readonly traffic: ClusterTraffic | null
  readonly upstreamCxActive: Gauge
  readonly upstreamCxConnectFail: Counter
  readonly upstreamCxConnectTimeout: Counter
  readonly upstreamCxProtocolError: Counter
  readonly upstreamCxCloseNotify: Counter
  readonly upstreamCxRxBytesTotal: Counter
  readonly upstreamCxTxBytesTotal: Counter
  readonly upstreamCxDestroyRemoteWithActiveRq: Counter
  readonly upstreamCxDestroyLocalWithActiveRq: Counter
  readonly upstreamCxNoneHealthy: Counter
  readonly upstreamCxMaxDurationReached: Counter
  /** Weft's own: requests that a route's fallback took over. */
  readonly upstreamRqFallback: Counter
  readonly upstreamInternalRedirectSucceeded: Counter
  readonly upstreamInternalRedirectFailed: Counter
  /** Tries, whether or not they got a connection. */
  readonly triesBegun: Counter
  /** Tries that their endpoint answered well, and those it did not: what load reports tell. */
  readonly triesSucceeded: Counter
  readonly triesFailed: Counter
  /** What a retry budget with an interval goes by; null without. */
  readonly requestWindow: RequestWindow | null
  /** How often max_connections kept a connection from being made. */
  readonly upstreamCxOverflow: Counter
  /** TCP connections given up after max_connect_attempts. */
  readonly upstreamCxConnectAttemptsExceeded: Counter
  readonly http2KeepaliveTimeout: Counter
  /** Milliseconds. */
  readonly upstreamRqTime: Histogram
  /** Shown from the first time that it is asked for. */
  readonly mirrorComparison: ComparisonStats
}

/** What the limits of one priority are held against, in the whole process (Envoy's ResourceManager). */
export interface Resources {
  readonly connections: Resource
  readonly pendingRequests: Resource
  readonly requests: Resource
  /** Under way, of all streams: from the decision until the answer is taken, or another retry follows. */
  readonly retries: Resource
}

/** Envoy's circuit breaker thresholds at one priority; 2^32-1 stands for none. */
export interface CircuitLimits {
  readonly maxConnections: number
  readonly maxPendingRequests: number
  readonly maxRequests: number
  readonly maxRetries: number
  /** In place of `maxRetries`: so many percent of the requests under way, and no fewer than `minConcurrency`. */
  readonly retryBudget: RetryBudget | null
  /** What is left of each limit is to be shown. */
  readonly tracksRemaining: boolean
}

/** By the priority of routes (Envoy's RoutingPriority). */
export interface Thresholds {
  readonly default: CircuitLimits
  readonly high: CircuitLimits
}

export interface RetryBudget {
  readonly percent: number
  readonly minConcurrency: number
  /** The percentage is of the requests of so long, not of those under way; 0: of those. */
  readonly intervalMs: number
}

/** How HTTP/1.1 is spoken to endpoints. */
export interface Http1Options extends WriterOptions {
  readonly limits: ParserLimits
}

/** `downstream`: in what the request came (use_downstream_protocol_config); `auto`: what ALPN agrees on (auto_config). */
export type UpstreamProtocol = 'http1' | 'http2' | 'downstream' | 'auto'

/** What outlier detection has found in the last interval: percent; -1: it did not look. */
export interface SuccessFigures {
  readonly average: number
  readonly ejectionThreshold: number
}

/** auto_sni, auto_san_validation, override_auto_sni_header. */
export interface AutoIdentity {
  readonly announces: boolean
  readonly verifies: boolean
  /** Whose value comes before the authority; empty: none. */
  readonly header: string
}

export interface Cluster extends UpstreamCluster {
  /** Null, or absent: no outlier detection. */
  readonly outliers?: { readonly external: SuccessFigures; readonly local: SuccessFigures } | null
  readonly connectTimeoutMs: number
  /** Bytes that a connection keeps for an endpoint that does not take them (per_connection_buffer_limit_bytes). */
  readonly bufferLimit: number
  /** Upstream connections idle for longer are closed; 0: never. */
  readonly idleTimeoutMs: number
  /** 0: no limit. */
  readonly maxRequestsPerConnection: number
  /** Connections for requests take no new ones when they are older; 0: whatever their age. */
  readonly maxConnectionDurationMs: number
  readonly httpProtocol: UpstreamProtocol
  readonly http1: Http1Options
  readonly http2: Http2Settings
  /** As configured. */
  readonly thresholds: Thresholds
  /** Those that hold here, and what they are held against. */
  readonly limits: CircuitLimits
  readonly resources: Resources
  /** Null: whom TLS is for is not for requests to say. */
  readonly autoIdentity: AutoIdentity | null
  /** The same cluster as routes of high priority see it. */
  readonly highPriority: Cluster
  /** For jitter. */
  readonly random: Random
  readonly stats: ClusterStats
  readonly picker: Picker
  /** Of all priorities but those, for retries; null when nobody of the others is usable. */
  pickerWithout(priorities: readonly number[]): Picker | null
  readonly endpoints: readonly Endpoint[]
  /** False once the cluster or this version of it was replaced: pools close what is idle and take no new streams. */
  readonly live: boolean
  /** Called when an endpoint leaves the cluster, or the cluster goes: pools drain its connections. */
  onEndpointRemoved(callback: (endpoint: Endpoint) => void): void
  /** Called when a check has failed an endpoint that stays: the connections of that time are not to be used again. */
  onEndpointFailed(callback: (endpoint: Endpoint) => void): void
}

export interface ClusterSource {
  get(name: string): Cluster | undefined
}
