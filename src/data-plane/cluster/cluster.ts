// What the router and the pools see of a cluster. Config and endpoints may change under a stream: `picker` is swapped whole.

import type { Random } from '../../base/random.ts'
import type { ParserLimits } from '../../transport/http1/message-parser.ts'
import type { WriterOptions } from '../../transport/http1/message-writer.ts'
import type { Http2Settings } from '../../transport/http2/session-options.ts'
import type { Counter, Gauge, Histogram } from '../stats/stats-scope.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'

export interface Endpoint {
  /** `address:port`. */
  readonly key: string
  readonly address: string
  readonly port: number
  readonly weight: number
  readonly transport: UpstreamTransport
  /** Its health lets it take requests. */
  readonly usable: boolean
  /** Requests in flight: read by LEAST_REQUEST, kept by the router. */
  activeRequests: number
  readonly stats: EndpointStats
}

export interface EndpointStats {
  requestsTotal: number
  requestsSuccess: number
  requestsError: number
  connectionsTotal: number
  connectionsActive: number
  connectFailures: number
}

export interface PickContext {
  /** Uniform in [0, 1). */
  random(): number
  /** Endpoints tried before by this stream; null on the first try. */
  readonly previous: readonly Endpoint[] | null
  /** `host:port` or `host` (then port 80) to send to: what a dynamic forward proxy cluster resolves. */
  readonly authority: string
}

export interface Picker {
  /** Synchronous, allocation-free; null when no endpoint may be used (503 UH). */
  pick(context: PickContext): Endpoint | null
}

/** Envoy's names below `cluster.<name>.`. */
export interface ClusterStats {
  readonly upstreamRqTotal: Counter
  readonly upstreamRqActive: Gauge
  readonly upstreamRq2xx: Counter
  readonly upstreamRq3xx: Counter
  readonly upstreamRq4xx: Counter
  readonly upstreamRq5xx: Counter
  readonly upstreamRqTimeout: Counter
  readonly upstreamRqPerTryTimeout: Counter
  readonly upstreamRqRetry: Counter
  readonly upstreamRqRetrySuccess: Counter
  readonly upstreamRqRetryLimitExceeded: Counter
  readonly upstreamRqRetryOverflow: Counter
  readonly upstreamRqRxReset: Counter
  readonly upstreamRqTxReset: Counter
  readonly upstreamRqPendingTotal: Counter
  readonly upstreamRqPendingActive: Gauge
  readonly upstreamRqPendingOverflow: Counter
  readonly upstreamCxTotal: Counter
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
  /** TCP connections that max_connections kept out. */
  readonly upstreamCxOverflow: Counter
  /** TCP connections given up after max_connect_attempts. */
  readonly upstreamCxConnectAttemptsExceeded: Counter
  readonly http2KeepaliveTimeout: Counter
  /** Milliseconds. */
  readonly upstreamRqTime: Histogram
}

/** Envoy's circuit breaker thresholds at default priority; 2^32-1 stands for none. */
export interface CircuitLimits {
  readonly maxConnections: number
  readonly maxPendingRequests: number
  readonly maxRequests: number
  readonly maxRetries: number
}

/** How HTTP/1.1 is spoken to endpoints. */
export interface Http1Options extends WriterOptions {
  readonly limits: ParserLimits
}

/** `downstream`: in what the request came (use_downstream_protocol_config); `auto`: what ALPN agrees on (auto_config). */
export type UpstreamProtocol = 'http1' | 'http2' | 'downstream' | 'auto'

export interface Cluster {
  readonly name: string
  readonly connectTimeoutMs: number
  /** Upstream connections idle for longer are closed; 0: never. */
  readonly idleTimeoutMs: number
  /** 0: no limit. */
  readonly maxRequestsPerConnection: number
  readonly httpProtocol: UpstreamProtocol
  readonly http1: Http1Options
  readonly http2: Http2Settings
  readonly limits: CircuitLimits
  /** For jitter. */
  readonly random: Random
  readonly stats: ClusterStats
  readonly picker: Picker
  readonly endpoints: readonly Endpoint[]
  /** False once the cluster or this version of it was replaced: pools close what is idle and take no new streams. */
  readonly live: boolean
  /** Called when an endpoint leaves the cluster, or the cluster goes: pools drain its connections. */
  onEndpointRemoved(callback: (endpoint: Endpoint) => void): void
}

export interface ClusterSource {
  get(name: string): Cluster | undefined
}
