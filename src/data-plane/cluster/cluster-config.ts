// A Cluster resource, compiled: what it asks for, or every field that cannot be honoured.
import { isIP } from 'node:net'
import type { JsonObject } from '@bufbuild/protobuf'
import type { Parsed } from '../../base/problem.ts'
import { bufferLimitOf } from '../../transport/net/buffer-limit.ts'
import type { Keepalive } from '../../transport/net/keepalive-network.ts'
import { unpackAny } from '../../xds/any-pack.ts'
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
import { ClusterConfigSchema } from '../../xds/generated/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster_pb.ts'
import { durationMs, ResourceCheck } from '../../xds/resource-check.ts'
import { configMetadata } from '../config-metadata.ts'
import { isInternal } from '../internal-listener/internal-network.ts'
import type { MetadataSource } from '../stream-metadata.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'
import type { CircuitLimits, Thresholds, UpstreamProtocol } from './cluster.ts'
import type { Balancing } from './cluster-picker.ts'
import { readKeepalive } from './connection-options.ts'
import { ADDRESS_CHOICES, type AddressChoice } from './dns-lookup-family.ts'
import { type EndpointSpec, readLoadAssignment } from './endpoint-spec.ts'
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
  | { readonly kind: 'forward-proxy' }
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
}

/** `alpn`: offered where the socket's config names no protocols. */
export type TransportCompiler = (
  socket: TransportSocket | undefined,
  path: string,
  alpn: readonly string[],
  keepalive: Keepalive | null,
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
  const discovery = readDiscovery(message, check)
  const own = readWeftMetadata(message.metadata, check)
  const options = readHttpOptions(message.typedExtensionProtocolOptions, check)
  const transports = readTransports(message, compileTransport, options.httpProtocol, check)
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
    ...options,
  }
  return check.result(config as ClusterConfig)
}

function readDiscovery(message: ClusterMessage, check: ResourceCheck): Discovery | undefined {
  const chosen = message.clusterDiscoveryType
  if (chosen.case === 'clusterType') {
    const config = chosen.value.typedConfig
    if (unpackAny(config, ClusterConfigSchema) !== null) return { kind: 'forward-proxy' }
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
      if (durationMs(message.dnsRefreshRate, 1000) < 1) check.error('dns_refresh_rate', 'must be at least 0.001s')
      const refreshMs = Math.max(1000, durationMs(message.dnsRefreshRate, ENVOY_DNS_REFRESH_MS))
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
      return { kind: 'original-destination' }
    default:
      check.error('type', `${chosen.value} is not a discovery type`)
      return undefined
  }
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
  check: ResourceCheck,
): TransportMatches | undefined {
  const keepalive = readKeepalive(message.upstreamConnectionOptions, check)
  const compile = (socket: TransportSocket | undefined, path: string): UpstreamTransport | undefined => {
    const compiled = compileTransport(socket, path, ALPN[protocol], keepalive)
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
