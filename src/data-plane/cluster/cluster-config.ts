// A Cluster resource, compiled: what it asks for, or every field that cannot be honoured.
import { isIP } from 'node:net'
import type { JsonObject } from '@bufbuild/protobuf'
import type { Parsed } from '../../base/problem.ts'
import { bufferLimitOf } from '../../transport/net/buffer-limit.ts'
import type { Keepalive } from '../../transport/net/keepalive-network.ts'
import type { AddressChoice } from '../../transport/net/lookup-network.ts'
import {
  type CircuitBreakers_Thresholds_RetryBudget,
  CircuitBreakers_ThresholdsSchema,
  CircuitBreakersSchema,
} from '../../xds/generated/envoy/config/cluster/v3/circuit_breaker_pb.ts'
import {
  Cluster_DiscoveryType,
  type Cluster as ClusterMessage,
  ClusterSchema,
} from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { RoutingPriority, type TransportSocket } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import { durationMs, ResourceCheck } from '../../xds/resource-check.ts'
import { configMetadata } from '../config-metadata.ts'
import { type HealthCheckConfig, readHealthChecks } from '../health-checker/health-check-config.ts'
import { isInternal } from '../internal-listener/internal-network.ts'
import type { MetadataSource } from '../stream-metadata.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'
import type { CircuitLimits, Thresholds, UpstreamProtocol } from './cluster.ts'
import type { Balancing } from './cluster-picker.ts'
import { readKeepalive } from './connection-options.ts'
import { ADDRESS_CHOICES } from './dns-lookup-family.ts'
import { type EndpointSpec, readLoadAssignment } from './endpoint-spec.ts'
import { type ForwardProxyConfig, readForwardProxy } from './forward-proxy-config.ts'
import { type HttpOptions, readHttpOptions } from './http-options.ts'
import { type OutlierConfig, readOutlierDetection } from './outlier/outlier-config.ts'
import { readBalancing } from './read-balancing.ts'
import { TransportMatches } from './transport-matches.ts'
import { readWeftMetadata, type WeftMetadata } from './weft-metadata.ts'

export type Discovery =
  | { readonly kind: 'static'; readonly endpoints: readonly EndpointSpec[] }
  | { readonly kind: 'eds'; readonly serviceName: string }
  | {
      readonly kind: 'dns'
      readonly endpoints: readonly EndpointSpec[]
      readonly refreshMs: number
      readonly choose: AddressChoice
      readonly all: boolean
    }
  | ({ readonly kind: 'forward-proxy' } & ForwardProxyConfig)
  | { readonly kind: 'original-destination' }

export interface ClusterConfig extends HttpOptions, Balancing {
  readonly name: string
  /** What its stats are counted under: alt_stat_name, else the name. */
  readonly statName: string
  /** Null without. */
  readonly metadata: MetadataSource | null
  readonly discovery: Discovery
  readonly connectTimeoutMs: number
  readonly bufferLimit: number
  readonly thresholds: Thresholds
  readonly transports: TransportMatches
  /** Null: endpoints stay whatever they answer. */
  readonly outlier: OutlierConfig | null
  /** Null: endpoints are well as long as their registry says so. */
  readonly healthCheck: HealthCheckConfig | null
}

/** `alpn`: offered where the socket's config names no protocols. `choose`: null is all of a name's addresses. */
export type TransportCompiler = (
  socket: TransportSocket | undefined,
  path: string,
  alpn: readonly string[],
  keepalive: Keepalive | null,
  choose: AddressChoice | null,
) => Parsed<UpstreamTransport>

const ENVOY_CONNECT_TIMEOUT_MS = 5000
const ENVOY_DNS_REFRESH_MS = 5000
const ENVOY_LIMITS: CircuitLimits = {
  maxConnections: 1024,
  maxPendingRequests: 1024,
  maxRequests: 1024,
  maxRetries: 3,
  retryBudget: null,
  tracksRemaining: false,
}
/** Of a budget that leaves them out. */
const ENVOY_RETRY_BUDGET = { percent: 20, minConcurrency: 3 }

// Taken without effect: `metadata` of others than Weft, which only describes; `respect_dns_ttl`, as the system's resolver
// tells no TTL (with getaddrinfo Envoy keeps to dns_refresh_rate, too).
const FIELDS = new Set([
  'name',
  'alt_stat_name',
  'type',
  'cluster_type',
  'eds_cluster_config',
  'connect_timeout',
  'lb_policy',
  'ring_hash_lb_config',
  'maglev_lb_config',
  'least_request_lb_config',
  'round_robin_lb_config',
  'load_assignment',
  'circuit_breakers',
  'typed_extension_protocol_options',
  'dns_refresh_rate',
  'dns_lookup_family',
  'respect_dns_ttl',
  'transport_socket',
  'transport_socket_matches',
  'metadata',
  'common_lb_config',
  'per_connection_buffer_limit_bytes',
  'outlier_detection',
  'upstream_connection_options',
  'health_checks',
  'close_connections_on_host_health_failure',
  'ignore_health_on_host_removal',
])
const THRESHOLD_FIELDS = new Set([
  'priority',
  'max_connections',
  'max_pending_requests',
  'max_requests',
  'max_retries',
  'track_remaining',
  'retry_budget',
])

export function compileCluster(message: ClusterMessage, compileTransport: TransportCompiler): Parsed<ClusterConfig> {
  const check = new ResourceCheck(`Cluster ${message.name}`)
  check.honour(ClusterSchema, message, '', FIELDS)
  if (message.name === '') check.error('name', 'is required')
  if (message.connectTimeout && durationMs(message.connectTimeout, 0) <= 0)
    check.error('connect_timeout', 'must be above 0s')
  if (durationMs(message.dnsRefreshRate, 1000) <= 1) check.error('dns_refresh_rate', 'must be above 0.001s')
  const discovery = readDiscovery(message, check)
  if (message.edsClusterConfig && discovery?.kind !== 'eds')
    check.error('eds_cluster_config', 'is for clusters of type EDS')
  const own = readWeftMetadata(message.metadata, check)
  const options = readHttpOptions(message.typedExtensionProtocolOptions, check)
  const autoIdentity = identityFor(discovery, message, options, check)
  const transports = readTransports(
    message,
    compileTransport,
    options.httpProtocol,
    ALPN[options.httpProtocol],
    discovery,
    check,
  )
  // For checks only what config names (Envoy); what cannot be compiled has been told by now.
  const plain =
    transports && message.healthChecks.length > 0
      ? readTransports(message, compileTransport, options.httpProtocol, [], discovery, check)
      : undefined
  const config = {
    name: message.name,
    statName: message.altStatName || message.name,
    metadata: configMetadata(message.metadata),
    discovery,
    connectTimeoutMs: durationMs(message.connectTimeout, ENVOY_CONNECT_TIMEOUT_MS),
    bufferLimit: bufferLimitOf(message.perConnectionBufferLimitBytes),
    thresholds: readThresholds(message, check),
    transports,
    ...readBalancing(message, own, check),
    outlier: readOutliers(message, discovery, own, options.errors, check),
    healthCheck: plain === undefined ? null : readChecks(message, discovery, plain, options.httpProtocol, check),
    ...options,
    autoIdentity,
  }
  return check.result(config as ClusterConfig)
}

function readDiscovery(message: ClusterMessage, check: ResourceCheck): Discovery | undefined {
  const chosen = message.clusterDiscoveryType
  if (chosen.case === 'clusterType') {
    const config = readForwardProxy(message, check)
    if (config !== null) return { kind: 'forward-proxy', ...config }
    check.unsupported('cluster_type', `${chosen.value.name} is not supported`)
    return undefined
  }
  const assigned = message.loadAssignment
  if (assigned?.clusterName === '') check.error('load_assignment.cluster_name', 'must not be empty')
  const endpoints = assigned === undefined ? [] : readLoadAssignment(assigned, 'load_assignment', check)
  switch (chosen.value ?? Cluster_DiscoveryType.STATIC) {
    case Cluster_DiscoveryType.STATIC:
      if (endpoints.some(({ address, port }) => isIP(address) === 0 && !isInternal(address, port)))
        check.error('load_assignment', 'names that are no IP addresses need a cluster that resolves them: STRICT_DNS')
      return { kind: 'static', endpoints }
    case Cluster_DiscoveryType.EDS:
      return { kind: 'eds', serviceName: message.edsClusterConfig?.serviceName || message.name }
    case Cluster_DiscoveryType.STRICT_DNS:
    case Cluster_DiscoveryType.LOGICAL_DNS: {
      const refreshMs = durationMs(message.dnsRefreshRate, ENVOY_DNS_REFRESH_MS)
      const choose = ADDRESS_CHOICES[message.dnsLookupFamily]
      if (choose === undefined) {
        check.error('dns_lookup_family', `${message.dnsLookupFamily} is no family`)
        return undefined
      }
      if (endpoints.some(({ address, port }) => isInternal(address, port)))
        check.error('load_assignment', 'internal addresses are no names to be resolved')
      const all = chosen.value === Cluster_DiscoveryType.STRICT_DNS
      if (!all && endpoints.length !== 1) check.error('load_assignment', 'must name one endpoint for LOGICAL_DNS')
      return { kind: 'dns', endpoints, refreshMs, choose, all }
    }
    case Cluster_DiscoveryType.ORIGINAL_DST:
      if (assigned)
        check.error('load_assignment', 'an ORIGINAL_DST cluster has none: it connects to where the caller wanted to')
      return { kind: 'original-destination' }
    default:
      check.error('type', `${chosen.value} is not a discovery type`)
      return undefined
  }
}

/** A forward proxy's servers are whoever clients name: TLS has to say whom it is for, and to check it (Envoy). */
function identityFor(
  discovery: Discovery | undefined,
  message: ClusterMessage,
  { autoIdentity }: HttpOptions,
  check: ResourceCheck,
): HttpOptions['autoIdentity'] {
  if (discovery?.kind !== 'forward-proxy' || discovery.insecure) return autoIdentity
  if (Object.keys(message.typedExtensionProtocolOptions).length === 0)
    return { announces: true, verifies: true, header: '' }
  if (!autoIdentity?.announces || !autoIdentity.verifies)
    check.error(
      'typed_extension_protocol_options',
      'a dynamic forward proxy needs auto_sni and auto_san_validation in upstream_http_protocol_options',
      'WEFT-4002',
      'or allow_insecure_cluster_options in its cluster_type',
    )
  return autoIdentity
}

/** With `downstream` one socket serves both versions. */
const ALPN: Readonly<Record<UpstreamProtocol, readonly string[]>> = {
  http1: ['http/1.1'],
  http2: ['h2'],
  downstream: [],
  auto: ['h2', 'http/1.1'],
}

function readTransports(
  message: ClusterMessage,
  compileTransport: TransportCompiler,
  protocol: UpstreamProtocol,
  alpn: readonly string[],
  discovery: Discovery | undefined,
  check: ResourceCheck,
): TransportMatches | undefined {
  const keepalive = readKeepalive(message.upstreamConnectionOptions, check)
  const choose = discovery?.kind === 'forward-proxy' ? discovery.choose : null
  const compile = (socket: TransportSocket | undefined, path: string): UpstreamTransport | undefined => {
    const compiled = compileTransport(socket, path, alpn, keepalive, choose)
    if (compiled.ok) {
      if (protocol === 'auto' && compiled.value.name !== 'tls')
        check.error(path, 'auto_config needs a transport socket that has ALPN: TLS')
      return compiled.value
    }
    for (const problem of compiled.problems) check.error(problem.path ?? path, problem.message, problem.code)
    return undefined
  }
  const matches: { match: JsonObject; transport: UpstreamTransport }[] = []
  for (const [i, { match, transportSocket }] of message.transportSocketMatches.entries()) {
    const transport = compile(transportSocket, `transport_socket_matches[${i}].transport_socket`)
    if (transport !== undefined) matches.push({ match: match ?? {}, transport })
  }
  const fallback = compile(message.transportSocket, 'transport_socket')
  return fallback && new TransportMatches(matches, fallback)
}

function readThresholds(message: ClusterMessage, check: ResourceCheck): Thresholds {
  const breakers = message.circuitBreakers
  const limits: { default?: CircuitLimits; high?: CircuitLimits } = {}
  if (breakers === undefined) return { default: ENVOY_LIMITS, high: ENVOY_LIMITS }
  check.honour(CircuitBreakersSchema, breakers, 'circuit_breakers', new Set(['thresholds']))
  for (const [i, thresholds] of breakers.thresholds.entries()) {
    check.honour(CircuitBreakers_ThresholdsSchema, thresholds, `circuit_breakers.thresholds[${i}]`, THRESHOLD_FIELDS)
    // Of several the first holds (Envoy).
    limits[thresholds.priority === RoutingPriority.HIGH ? 'high' : 'default'] ??= {
      maxConnections: thresholds.maxConnections ?? ENVOY_LIMITS.maxConnections,
      maxPendingRequests: thresholds.maxPendingRequests ?? ENVOY_LIMITS.maxPendingRequests,
      maxRequests: thresholds.maxRequests ?? ENVOY_LIMITS.maxRequests,
      maxRetries: thresholds.maxRetries ?? ENVOY_LIMITS.maxRetries,
      retryBudget: readRetryBudget(thresholds.retryBudget, `circuit_breakers.thresholds[${i}].retry_budget`, check),
      tracksRemaining: thresholds.trackRemaining,
    }
  }
  return { default: limits.default ?? ENVOY_LIMITS, high: limits.high ?? ENVOY_LIMITS }
}

function readRetryBudget(
  budget: CircuitBreakers_Thresholds_RetryBudget | undefined,
  path: string,
  check: ResourceCheck,
): CircuitLimits['retryBudget'] {
  if (!budget) return null
  const { percent, minConcurrency } = ENVOY_RETRY_BUDGET
  const asked = budget.budgetPercent?.value ?? percent
  if (!(asked >= 0 && asked <= 100)) check.error(`${path}.budget_percent`, 'must be from 0 to 100')
  const intervalMs = durationMs(budget.budgetInterval, 0)
  if (intervalMs < 0) check.error(`${path}.budget_interval`, 'must not be below 0s')
  return { percent: asked, minConcurrency: budget.minRetryConcurrency ?? minConcurrency, intervalMs }
}

function readChecks(
  message: ClusterMessage,
  discovery: Discovery | undefined,
  transports: TransportMatches,
  protocol: UpstreamProtocol,
  check: ResourceCheck,
): HealthCheckConfig | null {
  if (discovery?.kind === 'forward-proxy' || discovery?.kind === 'original-destination')
    check.unsupported('health_checks', 'is not supported where endpoints are what requests ask for')
  const options = {
    transports,
    ignoresNew: message.commonLbConfig?.ignoreNewHostsUntilFirstHc ?? false,
    ignoresOnRemoval: message.ignoreHealthOnHostRemoval,
    closesConnections: message.closeConnectionsOnHostHealthFailure,
  }
  return readHealthChecks(message.healthChecks, options, protocol !== 'http1', check)
}

function readOutliers(
  message: ClusterMessage,
  discovery: Discovery | undefined,
  { halfOpenProbes }: WeftMetadata,
  errors: HttpOptions['errors'],
  check: ResourceCheck,
): OutlierConfig | null {
  if (message.outlierDetection === undefined) return null
  // Its endpoints are what requests ask for: there is no other to take.
  if (discovery?.kind === 'forward-proxy') check.unsupported('outlier_detection')
  return readOutlierDetection(message.outlierDetection, halfOpenProbes, check, errors)
}
