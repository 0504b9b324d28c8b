// health_checks of a cluster, compiled: how often which endpoint is asked what, and how many answers change what is thought
// of it.
import type { Duration } from '@bufbuild/protobuf/wkt'
import { type HealthCheck, HealthCheckSchema } from '../../xds/generated/envoy/config/core/v3/health_check_pb.ts'
import { durationMs, type ResourceCheck } from '../../xds/resource-check.ts'
import type { TransportMatches } from '../cluster/transport-matches.ts'
import type { CheckThresholds } from './check-state.ts'
import { type GrpcCheckConfig, readGrpcCheck } from './grpc-probe.ts'
import { type HttpCheckConfig, readHttpCheck } from './http-check-config.ts'
import { readTcpCheck, type TcpCheckConfig } from './tcp-probe.ts'

export type ProbeConfig = HttpCheckConfig | TcpCheckConfig | GrpcCheckConfig

export interface CheckIntervals {
  readonly usualMs: number
  readonly unhealthyMs: number
  /** While results are gathered that would change something. */
  readonly unhealthyEdgeMs: number
  readonly healthyEdgeMs: number
  /** While the cluster has never had a connection. */
  readonly noTrafficMs: number
  readonly noTrafficHealthyMs: number
}

export interface HealthCheckConfig extends CheckThresholds {
  readonly probe: ProbeConfig
  readonly timeoutMs: number
  readonly intervals: CheckIntervals
  readonly initialJitterMs: number
  readonly jitterMs: number
  /** Of the interval, in percent. */
  readonly jitterPercent: number
  readonly reusesConnection: boolean
  /** Chooses the transport socket in the place of the endpoint's metadata; null: those do. */
  readonly transportMatch: Readonly<NonNullable<HealthCheck['transportSocketMatchCriteria']>> | null
  /** Without the ALPN that the cluster's pools offer: Envoy's checks offer what the socket's config names. */
  readonly transports: TransportMatches
  /** Endpoints are counted among the cluster's only once they have been checked (ignore_new_hosts_until_first_hc). */
  readonly ignoresNew: boolean
  /** One that service discovery does not name any more goes at once (ignore_health_on_host_removal). */
  readonly ignoresOnRemoval: boolean
  /** TCP connections of one that fails are closed (close_connections_on_host_health_failure). */
  readonly closesConnections: boolean
}

/** What the cluster says of its health checks outside of them. */
export type ClusterHealthOptions = Pick<
  HealthCheckConfig,
  'transports' | 'ignoresNew' | 'ignoresOnRemoval' | 'closesConnections'
>

// always_log_health_check_failures and _success say what an event log holds, and event logs are refused.
const FIELDS = new Set([
  'timeout',
  'interval',
  'initial_jitter',
  'interval_jitter',
  'interval_jitter_percent',
  'unhealthy_threshold',
  'healthy_threshold',
  'reuse_connection',
  'http_health_check',
  'tcp_health_check',
  'grpc_health_check',
  'custom_health_check',
  'no_traffic_interval',
  'no_traffic_healthy_interval',
  'unhealthy_interval',
  'unhealthy_edge_interval',
  'healthy_edge_interval',
  'always_log_health_check_failures',
  'always_log_health_check_success',
  'transport_socket_match_criteria',
])
const ENVOY_NO_TRAFFIC_MS = 60_000
/** What is longer a timer takes for nothing at all. */
export const MAX_TIMER_MS = 2 ** 31 - 1
const TOO_LONG = `must be at most ${MAX_TIMER_MS / 1000}s`
const AT = 'health_checks[0]'

/** `speaksHttp2`: the cluster's endpoints do. */
export function readHealthChecks(
  messages: readonly HealthCheck[],
  options: ClusterHealthOptions,
  speaksHttp2: boolean,
  check: ResourceCheck,
): HealthCheckConfig | null {
  const [message] = messages
  if (message === undefined) return null
  if (messages.length > 1) check.unsupported('health_checks', 'only one health check is supported')
  check.honour(HealthCheckSchema, message, AT, FIELDS)
  const probe = readProbe(message, check)
  if (probe === undefined) return null
  if (probe.kind === 'grpc' && !speaksHttp2)
    check.error(`${AT}.grpc_health_check`, 'needs a cluster that speaks HTTP/2 (typed_extension_protocol_options)')
  for (const field of ['healthyThreshold', 'unhealthyThreshold'] as const)
    if (message[field] === undefined) check.error(`${AT}.${snakeCase(field)}`, 'is required')
  return {
    probe,
    ...options,
    healthyThreshold: message.healthyThreshold ?? 1,
    unhealthyThreshold: message.unhealthyThreshold ?? 1,
    timeoutMs: required(message.timeout, 'timeout', check),
    intervals: readIntervals(message, check),
    initialJitterMs: jitter(message.initialJitter, 'initial_jitter', check),
    jitterMs: jitter(message.intervalJitter, 'interval_jitter', check),
    jitterPercent: message.intervalJitterPercent,
    reusesConnection: message.reuseConnection ?? true,
    transportMatch: message.transportSocketMatchCriteria ?? null,
  }
}

function readProbe({ healthChecker, timeout }: HealthCheck, check: ResourceCheck): ProbeConfig | undefined {
  switch (healthChecker.case) {
    case 'httpHealthCheck':
      return readHttpCheck(healthChecker.value, `${AT}.http_health_check`, check)
    case 'tcpHealthCheck':
      return readTcpCheck(healthChecker.value, `${AT}.tcp_health_check`, check)
    case 'grpcHealthCheck':
      return readGrpcCheck(healthChecker.value, durationMs(timeout, 0), `${AT}.grpc_health_check`, check)
    case 'customHealthCheck':
      check.unsupported(`${AT}.custom_health_check`)
      return undefined
    default:
      check.error(AT, 'needs http_health_check, tcp_health_check or grpc_health_check')
      return undefined
  }
}

function readIntervals(message: HealthCheck, check: ResourceCheck): CheckIntervals {
  const usualMs = required(message.interval, 'interval', check)
  const interval = (value: Duration | undefined, field: string, otherwise: number): number =>
    value === undefined ? otherwise : required(value, field, check)
  const unhealthyMs = interval(message.unhealthyInterval, 'unhealthy_interval', usualMs)
  const noTrafficMs = interval(message.noTrafficInterval, 'no_traffic_interval', ENVOY_NO_TRAFFIC_MS)
  return {
    usualMs,
    unhealthyMs,
    unhealthyEdgeMs: interval(message.unhealthyEdgeInterval, 'unhealthy_edge_interval', unhealthyMs),
    healthyEdgeMs: interval(message.healthyEdgeInterval, 'healthy_edge_interval', usualMs),
    noTrafficMs,
    noTrafficHealthyMs: interval(message.noTrafficHealthyInterval, 'no_traffic_healthy_interval', noTrafficMs),
  }
}

function required(value: Duration | undefined, field: string, check: ResourceCheck): number {
  const ms = durationMs(value, 0)
  if (value === undefined) check.error(`${AT}.${field}`, 'is required')
  // What is shorter would have no pause at all between one check and the next.
  else if (ms < 1) check.error(`${AT}.${field}`, 'must be at least 0.001s')
  else if (ms > MAX_TIMER_MS) check.error(`${AT}.${field}`, TOO_LONG)
  return ms
}

function jitter(value: Duration | undefined, field: string, check: ResourceCheck): number {
  const ms = durationMs(value, 0)
  if (ms > MAX_TIMER_MS) check.error(`${AT}.${field}`, TOO_LONG)
  return ms
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}
