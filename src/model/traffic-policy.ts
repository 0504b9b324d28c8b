// DestinationRule.trafficPolicy: override is per block, never inside one, and a port's entry replaces all blocks.
import type { LoadBalancerSettings } from './load-balancer.ts'
import type { OutlierDetection } from './outlier-detection.ts'
import type { KeyPairSource, RootsSource } from './server-tls.ts'
import type { ProxyProtocolVersion, RetryBudget, TcpKeepalive, UpstreamTunnel } from './upstream-policy.ts'

export interface ConnectionPool {
  readonly maxConnections?: number
  readonly connectTimeoutMs?: number
  readonly tcpIdleTimeoutMs?: number
  readonly tcpKeepalive?: TcpKeepalive
  readonly maxConnectionDurationMs?: number
  readonly http1MaxPendingRequests?: number
  readonly http2MaxRequests?: number
  readonly maxRequestsPerConnection?: number
  readonly maxRetries?: number
  readonly httpIdleTimeoutMs?: number
  /** On one HTTP/2 connection. */
  readonly maxConcurrentStreams?: number
  readonly http2Keepalive?: Http2Keepalive
  /** HTTP/2 to the endpoints of an HTTP/1.1 port: between sidecars, as the last one speaks what the port does. Absent: the mesh's. */
  readonly upgradesToHttp2?: boolean
  /** The version of each request's own connection goes on. */
  readonly usesClientProtocol?: true
}

/** A PING every so often on HTTP/2 connections; those that leave one unanswered for too long are given up. */
export interface Http2Keepalive {
  readonly intervalMs: number
  readonly timeoutMs: number
}

export interface ClientTls {
  /** SIMPLE and MUTUAL: TLS that is not the mesh's, without and with a certificate of one's own. */
  readonly mode: 'DISABLE' | 'SIMPLE' | 'MUTUAL' | 'ISTIO_MUTUAL'
  /** Absent: the service's host. */
  readonly sni?: string
  /** Empty: those of the service's accounts, or its host. */
  readonly subjectAltNames: readonly string[]
  /** With MUTUAL. */
  readonly keyPair: KeyPairSource | null
  /** Null: those of the system. */
  readonly roots: RootsSource | null
  /** Whatever certificate the server has will do. */
  readonly trustsAnybody: boolean
}

export interface TrafficPolicyBlocks {
  readonly loadBalancer?: LoadBalancerSettings
  readonly connectionPool?: ConnectionPool
  readonly outlierDetection?: OutlierDetection
  readonly tls?: ClientTls
}

/** All that holds for one port. */
export interface EffectivePolicy extends TrafficPolicyBlocks {
  readonly tunnel?: UpstreamTunnel
  readonly proxyProtocol?: ProxyProtocolVersion
  readonly retryBudget?: RetryBudget
}

export interface TrafficPolicy extends EffectivePolicy {
  readonly portLevelSettings: readonly PortTrafficPolicy[]
}

export interface PortTrafficPolicy extends TrafficPolicyBlocks {
  readonly port: number
}
