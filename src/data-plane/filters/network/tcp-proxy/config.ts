// Envoy's TcpProxy, compiled: every problem with it, or what connections read.
import type { Clock } from '../../../../base/clock.ts'
import type { Parsed } from '../../../../base/problem.ts'
import type { Random } from '../../../../base/random.ts'
import { TimerWheel } from '../../../../base/timer-wheel.ts'
import {
  type TcpProxy,
  TcpProxy_TcpAccessLogOptionsSchema,
  TcpProxy_WeightedCluster_ClusterWeightSchema,
  TcpProxySchema,
} from '../../../../xds/generated/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts'
import { HashPolicySchema } from '../../../../xds/generated/envoy/type/v3/hash_policy_pb.ts'
import { durationMs, ResourceCheck } from '../../../../xds/resource-check.ts'
import type { EarlyLines } from '../../../access-log/early-lines.ts'
import type { ClusterSource } from '../../../cluster/cluster.ts'
import type { AccessLog } from '../../../stream-info.ts'
import { compileAccessLogs } from '../contract/access-log-list.ts'
import { compileEarlyLines } from '../contract/early-lines.ts'
import type { NetworkFilterHost } from '../contract/network-filter.ts'
import { type TcpProxyStats, tcpProxyStats } from './tcp-proxy-stats.ts'
import { compileTunnel, type Tunnel } from './tunnel.ts'

export interface TcpProxyConfig {
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly random: Random
  readonly clusters: ClusterSource
  readonly stats: TcpProxyStats
  readonly accessLogs: readonly AccessLog[]
  readonly recordsStreams: boolean
  /** Null: one line for each connection, at its end. */
  readonly earlyLines: EarlyLines | null
  readonly maxConnectAttempts: number
  /** 0: never, as the next. */
  readonly idleTimeoutMs: number
  readonly maxDurationMs: number
  /** Clusters that balance by hash keep a client to one endpoint. */
  readonly hashesSourceIp: boolean
  /** Null: bytes go to the endpoint as they are. */
  readonly tunnel: Tunnel | null
  /** `draw` is uniform in [0, 1). */
  chooseCluster(draw: number): string
}

const FIELDS = new Set([
  'stat_prefix',
  'cluster',
  'weighted_clusters',
  'idle_timeout',
  'access_log',
  'access_log_options',
  'access_log_flush_interval',
  'flush_access_log_on_connected',
  'max_connect_attempts',
  'max_downstream_connection_duration',
  'tunneling_config',
  'hash_policy',
])
const ACCESS_LOG_FIELDS = new Set(['access_log_flush_interval', 'flush_access_log_on_connected'])
const WEIGHT_FIELDS = new Set(['name', 'weight'])
/** Envoy's where nothing is set: an hour. */
const DEFAULT_IDLE_TIMEOUT_MS = 3_600_000

export function compileTcpProxy(message: TcpProxy, path: string, host: NetworkFilterHost): Parsed<TcpProxyConfig> {
  const check = new ResourceCheck('')
  check.honour(TcpProxySchema, message, path, FIELDS)
  if (message.statPrefix === '') check.error(`${path}.stat_prefix`, 'is required')
  if (message.maxConnectAttempts === 0) check.error(`${path}.max_connect_attempts`, 'must be at least 1')
  const maxDurationMs = durationMs(message.maxDownstreamConnectionDuration, 0)
  if (message.maxDownstreamConnectionDuration && maxDurationMs < 1)
    check.error(`${path}.max_downstream_connection_duration`, 'must be at least 1ms')
  const accessLogs = compileAccessLogs(message.accessLog, `${path}.access_log`, host, check)
  return check.result<TcpProxyConfig>({
    clock: host.clock,
    wheel: TimerWheel.of(host.clock),
    random: host.random,
    clusters: host.clusters,
    stats: tcpProxyStats(host.stats.scope('tcp', { envoy_tcp_prefix: message.statPrefix })),
    accessLogs,
    recordsStreams: accessLogs.some(({ needsRecord }) => needsRecord),
    earlyLines: earlyLinesOf(message, path, check),
    maxConnectAttempts: message.maxConnectAttempts ?? 1,
    idleTimeoutMs: durationMs(message.idleTimeout, DEFAULT_IDLE_TIMEOUT_MS),
    maxDurationMs,
    tunnel: message.tunnelingConfig ? compileTunnel(message.tunnelingConfig, `${path}.tunneling_config`, check) : null,
    hashesSourceIp: readHashPolicy(message, path, check),
    chooseCluster: compileChoice(message, path, check),
  })
}

function earlyLinesOf(message: TcpProxy, path: string, check: ResourceCheck): EarlyLines | null {
  const options = message.accessLogOptions
  if (options)
    check.honour(TcpProxy_TcpAccessLogOptionsSchema, options, `${path}.access_log_options`, ACCESS_LOG_FIELDS)
  const { accessLogFlushInterval: interval, flushAccessLogOnConnected: onConnected } = message
  const said = options && {
    interval: options.accessLogFlushInterval,
    onBegin: false,
    onConnected: options.flushAccessLogOnConnected,
  }
  return compileEarlyLines(said, { interval, onBegin: false, onConnected }, path, check)
}

/** Envoy takes one at most. */
function readHashPolicy({ hashPolicy }: TcpProxy, path: string, check: ResourceCheck): boolean {
  for (const [i, message] of hashPolicy.entries()) {
    const at = `${path}.hash_policy[${i}]`
    check.honour(HashPolicySchema, message, at, new Set(['source_ip']))
    if (message.policySpecifier.case === undefined) check.error(at, 'needs something to hash')
  }
  if (hashPolicy.length > 1) check.error(`${path}.hash_policy`, 'may hold one policy only')
  return hashPolicy[0]?.policySpecifier.case === 'sourceIp'
}

function compileChoice(message: TcpProxy, path: string, check: ResourceCheck): (draw: number) => string {
  const { case: kind, value } = message.clusterSpecifier
  if (kind === 'cluster' && value !== '') return () => value
  if (kind !== 'weightedClusters') {
    check.error(`${path}.cluster`, 'a cluster or weighted_clusters is required')
    return () => ''
  }
  const at = `${path}.weighted_clusters.clusters`
  if (value.clusters.length === 0) check.error(at, 'must not be empty')
  const total = value.clusters.reduce((sum, { weight }) => sum + weight, 0)
  let sum = 0
  const choices = value.clusters.map((cluster, index) => {
    check.honour(TcpProxy_WeightedCluster_ClusterWeightSchema, cluster, `${at}[${index}]`, WEIGHT_FIELDS)
    if (cluster.name === '') check.error(`${at}[${index}].name`, 'is required')
    if (cluster.weight === 0) check.error(`${at}[${index}].weight`, 'must be at least 1')
    sum += cluster.weight
    return { name: cluster.name, below: sum / total }
  })
  return draw => (choices.find(({ below }) => draw < below) ?? choices[choices.length - 1]!).name
}
