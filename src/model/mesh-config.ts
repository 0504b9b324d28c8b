// What holds for the whole mesh: the part of Istio's MeshConfig that Weft honours.
import type { HttpRetry } from './http-retry.ts'
import type { LocalityLoadBalancing, ZoneAwareLoadBalancing } from './load-balancer.ts'
import { DEFAULT_PROXY_CONFIG, type ProxyConfig } from './proxy-config.ts'
import type { TrafficPolicyBlocks } from './traffic-policy.ts'
import type { TcpKeepalive } from './upstream-policy.ts'

export interface MeshConfig {
  readonly trustDomain: string
  readonly rootNamespace: string
  readonly domainSuffix: string
  readonly outboundTrafficPolicy: 'ALLOW_ANY' | 'REGISTRY_ONLY'
  /** `/dev/stdout`, a path, or empty: no access log. */
  readonly accessLogFile: string
  readonly accessLogEncoding: 'TEXT' | 'JSON'
  /** Empty: Istio's default format. In JSON encoding: a JSON object of key to format. */
  readonly accessLogFormat: string
  /** Replaces Istio's default retry policy where a route sets none; null: Istio's. */
  readonly defaultHttpRetryPolicy: HttpRetry | null
  /** Port of the one outbound HTTP listener of a workload that names none itself; 0: none. */
  readonly proxyHttpPort: number
  /** Upper bound of a TCP connect to an upstream. */
  readonly connectTimeoutMs: number
  /** For every connection to an upstream; what a rule says of it holds instead, each part by itself. Null: none. */
  readonly tcpKeepalive: TcpKeepalive | null
  /** What a sidecar does with requests that its own application did not take; null: Istio's. */
  readonly defaultInboundHttpRetryPolicy: HttpRetry | null
  /** Where a rule has no such block. */
  readonly defaultTrafficPolicy: Pick<TrafficPolicyBlocks, 'connectionPool' | 'outlierDetection'>
  /** Ports declared for HTTP/1.1 are sent HTTP/2, unless a rule says otherwise. */
  readonly upgradesToHttp2: boolean
  /** Of TLS that is not the mesh's own: of servers, where they say nothing themselves, and of clients, but for the version. */
  readonly tlsDefaults: TlsDefaults
  /** Names for the statistics of clusters, with Istio's placeholders; empty: their own. */
  readonly inboundClusterStatName: string
  readonly outboundClusterStatName: string
  /** Clients choose mTLS by themselves wherever the endpoint can speak it. */
  readonly enableAutoMtls: boolean
  /** How long a client may stay silent before its protocol is given up as bytes; 0: for ever. */
  readonly protocolDetectionTimeoutMs: number
  /** How often DNS clusters resolve anew. */
  readonly dnsRefreshRateMs: number
  /** For rules that say nothing of it themselves. */
  readonly localityLoadBalancing: LocalityLoadBalancing
  /** Null: only where rules ask for it. */
  readonly zoneAwareLoadBalancing: ZoneAwareLoadBalancing | null
  readonly pathNormalization: PathNormalization
  /** For objects that say nothing of it: everywhere, or in their own namespace. */
  readonly defaultServiceExportTo: DefaultExportTo
  readonly defaultVirtualServiceExportTo: DefaultExportTo
  readonly defaultDestinationRuleExportTo: DefaultExportTo
  readonly defaultConfig: ProxyConfig
}

export interface TlsDefaults {
  readonly minVersion?: 'TLSV1_2' | 'TLSV1_3'
  readonly ecdhCurves: readonly string[]
  readonly cipherSuites: readonly string[]
}

export type DefaultExportTo = '*' | '.'

/**
 * What becomes of a request's path before anything matches it: nothing; dots resolved (RFC 3986 6.2.2.3); repeated slashes
 * made one as well; escaped slashes unescaped first.
 */
export type PathNormalization = 'NONE' | 'BASE' | 'MERGE_SLASHES' | 'DECODE_AND_MERGE_SLASHES'

export const DEFAULT_MESH_CONFIG: MeshConfig = {
  trustDomain: 'cluster.local',
  rootNamespace: 'istio-system',
  domainSuffix: 'cluster.local',
  outboundTrafficPolicy: 'ALLOW_ANY',
  accessLogFile: '',
  accessLogEncoding: 'TEXT',
  accessLogFormat: '',
  defaultHttpRetryPolicy: null,
  proxyHttpPort: 0,
  connectTimeoutMs: 10_000,
  tcpKeepalive: null,
  defaultInboundHttpRetryPolicy: null,
  defaultTrafficPolicy: {},
  upgradesToHttp2: false,
  tlsDefaults: { ecdhCurves: [], cipherSuites: [] },
  inboundClusterStatName: '',
  outboundClusterStatName: '',
  enableAutoMtls: true,
  protocolDetectionTimeoutMs: 0,
  dnsRefreshRateMs: 60_000,
  localityLoadBalancing: { distribute: [], failover: [], failoverPriority: [] },
  zoneAwareLoadBalancing: null,
  pathNormalization: 'BASE',
  defaultServiceExportTo: '*',
  defaultVirtualServiceExportTo: '*',
  defaultDestinationRuleExportTo: '*',
  defaultConfig: DEFAULT_PROXY_CONFIG,
}
