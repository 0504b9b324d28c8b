// Envoy's HttpConnectionManager, compiled: every problem with it, or what connections and streams read.
import { toByteString } from '../../../../automata/regex.ts'
import { HttpDate } from '../../../../base/http-date.ts'
import type { Parsed } from '../../../../base/problem.ts'
import { TimerWheel } from '../../../../base/timer-wheel.ts'
import { UuidSource } from '../../../../base/uuid-source.ts'
import { MAX_FIELD_COUNT } from '../../../../transport/http1/field-parser.ts'
import type { ParserLimits } from '../../../../transport/http1/message-parser.ts'
import {
  type Http1ProtocolOptions,
  HttpProtocolOptions_HeadersWithUnderscoresAction as UnderscoresAction,
} from '../../../../xds/generated/envoy/config/core/v3/protocol_pb.ts'
import {
  HttpConnectionManager_CodecType as CodecType,
  HttpConnectionManager_PathWithEscapedSlashesAction as EscapedSlashesAction,
  HttpConnectionManager_ForwardClientCertDetails as ForwardDetails,
  type HttpConnectionManager,
  HttpConnectionManager_ServerHeaderTransformation as ServerTransformation,
} from '../../../../xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import { durationMs, ResourceCheck } from '../../../../xds/resource-check.ts'
import type { StripPort } from '../../../http/authority.ts'
import type { ClientCertDetails, ForwardClientCert } from '../../../http/client-certificate-header.ts'
import type {
  ConnectionManagerConfig,
  ConnectionManagerTimeouts,
  Http1Config,
  ServerHeader,
} from '../../../http/connection-manager-config.ts'
import { connectionManagerStats } from '../../../http/connection-manager-stats.ts'
import { keepsSpelling, readHeaderCase } from '../../../http/http1-protocol-options.ts'
import { readHttp2Options } from '../../../http/http2-protocol-options.ts'
import type { EscapedSlashes, PathNormalization } from '../../../http/path-normalization.ts'
import { type UnderscorePolicy, underscoreStats } from '../../../http/underscored-headers.ts'
import type { RouteTable } from '../../../route/route-entry.ts'
import type { StatsScope } from '../../../stats/stats-scope.ts'
import { compileAccessLogs } from '../contract/access-log-list.ts'
import { compileEarlyLines } from '../contract/early-lines.ts'
import type { NetworkFilterHost } from '../contract/network-filter.ts'
import { compileLocalReplies } from './compile-local-replies.ts'
import { checkHonoured } from './honoured-fields.ts'
import { compileFilterChain } from './http-filters.ts'
import { compileUpgrades } from './upgrades.ts'

export interface CompiledConnectionManager {
  readonly config: ConnectionManagerConfig
  /** Names to be asked of RDS. */
  readonly routeConfigurations: readonly string[]
}

export function compileConnectionManager(
  message: HttpConnectionManager,
  path: string,
  host: NetworkFilterHost,
): Parsed<CompiledConnectionManager> {
  const check = new ResourceCheck('')
  checkHonoured(message, path, check)
  const scope = host.stats.scope('http', { envoy_http_conn_manager_prefix: message.statPrefix })
  const chain = compileFilterChain(message.httpFilters, `${path}.http_filters`, host, scope, check)
  const accessLogs = compileAccessLogs(message.accessLog, `${path}.access_log`, host, check)
  const earlyLines = earlyLinesOf(message, path, check)
  const localReplies = compileLocalReplies(message.localReplyConfig, `${path}.local_reply_config`, host.random, check)
  const routes = compileRoutes(message, path, host, check)
  const http1 = compileHttp1(message.httpProtocolOptions, `${path}.http_protocol_options`, check)
  const limits = compileLimits(message, http1, path, check)
  const http2 = compileHttp2(message, limits, path, check)
  const allowsTunnel = compileUpgrades(message.upgradeConfigs, `${path}.upgrade_configs`, check)
  if (chain === null || routes === null || check.problems.length > 0) return { ok: false, problems: check.problems }
  const underscores = compileUnderscores(message, host.stats)
  const recordsStreams = localReplies?.needsRecord || accessLogs.some(({ needsRecord }) => needsRecord)
  const compiled = {
    chain,
    accessLogs,
    recordsStreams,
    localReplies,
    earlyLines,
    limits,
    http1,
    http2,
    allowsTunnel,
    underscores,
    routeTable: routes.get,
  }
  const config = { ...settingsOf(message), ...toolsOf(host, scope), ...compiled }
  return { ok: true, value: { config, routeConfigurations: routes.names } }
}

type Tools = Pick<
  ConnectionManagerConfig,
  | 'clock'
  | 'random'
  | 'clusters'
  | 'wheel'
  | 'date'
  | 'requestIds'
  | 'stats'
  | 'reasonHeader'
  | 'overload'
  | 'drainHealth'
  | 'gradualDrainMs'
  | 'bufferLimit'
>
type Compiled =
  | 'chain'
  | 'accessLogs'
  | 'recordsStreams'
  | 'localReplies'
  | 'earlyLines'
  | 'limits'
  | 'http1'
  | 'http2'
  | 'allowsTunnel'
  | 'underscores'
  | 'routeTable'

function toolsOf(host: NetworkFilterHost, scope: StatsScope): Tools {
  return {
    clock: host.clock,
    random: host.random,
    clusters: host.clusters,
    wheel: TimerWheel.of(host.clock),
    date: new HttpDate(host.clock),
    requestIds: new UuidSource(host.random),
    stats: connectionManagerStats(scope, host.stats),
    reasonHeader: host.reasonHeader,
    overload: host.overload,
    drainHealth: host.drainHealth,
    gradualDrainMs: host.gradualDrainMs,
    bufferLimit: host.bufferLimit,
  }
}

function settingsOf(message: HttpConnectionManager): Omit<ConnectionManagerConfig, keyof Tools | Compiled> {
  return {
    codec: CODECS[message.codecType] ?? 'auto',
    timeouts: timeoutsOf(message),
    forwarded: {
      useRemoteAddress: message.useRemoteAddress ?? false,
      trustedHops: message.xffNumTrustedHops,
      skipForwardedForAppend: message.skipXffAppend,
      appendForwardedPort: message.appendXForwardedPort,
      scheme: message.schemeHeaderTransformation?.transformation.value ?? '',
    },
    forwardClientCert: FORWARD_CLIENT_CERT[message.forwardClientCertDetails] ?? 'sanitize',
    clientCertDetails: clientCertDetailsOf(message),
    serverName: message.serverName || 'envoy',
    via: toByteString(message.via),
    serverHeader: SERVER_HEADER[message.serverHeaderTransformation] ?? 'overwrite',
    generateRequestId: message.generateRequestId ?? true,
    preserveRequestId: message.preserveExternalRequestId,
    requestIdInResponse: message.alwaysSetRequestIdInResponse,
    forwardsInterimResponses: message.proxy100Continue,
    path: pathNormalizationOf(message),
    stripPort: stripPortOf(message),
    stripTrailingDot: message.stripTrailingHostDot,
    maxRequestsPerConnection: message.commonHttpProtocolOptions?.maxRequestsPerConnection ?? 0,
  }
}

function earlyLinesOf(message: HttpConnectionManager, path: string, check: ResourceCheck) {
  const options = message.accessLogOptions
  const said = options && {
    interval: options.accessLogFlushInterval,
    onBegin: options.flushAccessLogOnNewRequest,
    onConnected: options.flushLogOnTunnelSuccessfullyEstablished,
  }
  const { accessLogFlushInterval: interval, flushAccessLogOnNewRequest: onBegin } = message
  return compileEarlyLines(said, { interval, onBegin, onConnected: false }, path, check)
}

interface Routes {
  readonly names: readonly string[]
  get(): RouteTable | null
}

function compileRoutes(
  message: HttpConnectionManager,
  path: string,
  host: NetworkFilterHost,
  check: ResourceCheck,
): Routes | null {
  const specifier = message.routeSpecifier
  if (specifier.case === 'rds') {
    const name = specifier.value.routeConfigName
    const held = host.routeTables.hold(name)
    return { names: [name], get: () => held.table }
  }
  if (specifier.case !== 'routeConfig') {
    if (specifier.case === undefined) check.error(`${path}.route_specifier`, 'is required')
    return null
  }
  const table = host.compileRouteTable(specifier.value, host.limits)
  if (table.ok) return { names: [], get: () => table.value }
  check.adopt(`${path}.route_config`, table.problems)
  return null
}

/** Envoy's bound. */
const MAX_HEAD_KB = 8192

/** Envoy's defaults: 60 KiB and 100 fields. */
function compileLimits(
  message: HttpConnectionManager,
  http1: Http1Config,
  path: string,
  check: ResourceCheck,
): ParserLimits {
  const maxFieldCount = message.commonHttpProtocolOptions?.maxHeadersCount ?? 100
  if (maxFieldCount < 1 || maxFieldCount > MAX_FIELD_COUNT) {
    check.error(`${path}.common_http_protocol_options.max_headers_count`, `must be from 1 to ${MAX_FIELD_COUNT}`)
  }
  const headKb = message.maxRequestHeadersKb ?? 60
  if (headKb < 1 || headKb > MAX_HEAD_KB)
    check.error(`${path}.max_request_headers_kb`, `must be from 1 to ${MAX_HEAD_KB}`)
  return {
    maxHeadBytes: headKb * 1024,
    maxFieldCount,
    trailers: http1.trailers,
    keepsSpelling: keepsSpelling(http1.headerCase),
  }
}

function compileHttp1(options: Http1ProtocolOptions | undefined, path: string, check: ResourceCheck): Http1Config {
  return {
    trailers: options?.enableTrailers ?? false,
    headerCase: readHeaderCase(options, path, check),
    acceptsHttp10: options?.acceptHttp10 ?? false,
    defaultHost: options?.defaultHostForHttp10 ?? '',
  }
}

function compileHttp2(message: HttpConnectionManager, limits: ParserLimits, path: string, check: ResourceCheck) {
  const { maxHeadBytes: maxHeaderListBytes, maxFieldCount } = limits
  const at = `${path}.http2_protocol_options`
  return readHttp2Options(message.http2ProtocolOptions, { maxHeaderListBytes, maxFieldCount }, at, check)
}

function compileUnderscores(message: HttpConnectionManager, stats: StatsScope): UnderscorePolicy | null {
  const action = message.commonHttpProtocolOptions?.headersWithUnderscoresAction ?? UnderscoresAction.ALLOW
  if (action === UnderscoresAction.ALLOW) return null
  const rejects = action === UnderscoresAction.REJECT_REQUEST
  return { rejects, http1: underscoreStats(stats.scope('http1')), http2: underscoreStats(stats.scope('http2')) }
}

/** Envoy's defaults where nothing is set. */
function timeoutsOf(message: HttpConnectionManager): ConnectionManagerTimeouts {
  const common = message.commonHttpProtocolOptions
  const request = durationMs(message.requestTimeout, 0)
  const headers = durationMs(message.requestHeadersTimeout, 0)
  const head = shorter(headers, request)
  return {
    streamIdle: durationMs(message.streamIdleTimeout, 300_000),
    request,
    head,
    headIsOfRequest: head !== headers,
    streamDuration: durationMs(common?.maxStreamDuration, 0),
    idle: durationMs(common?.idleTimeout, 3_600_000),
    connectionDuration: durationMs(common?.maxConnectionDuration, 0),
    delayedClose: durationMs(message.delayedCloseTimeout, 1000),
    drain: message.drainTimeout === undefined ? null : durationMs(message.drainTimeout, 0),
  }
}

function clientCertDetailsOf(message: HttpConnectionManager): ClientCertDetails {
  const details = message.setCurrentClientCertDetails
  return {
    subject: details?.subject ?? false,
    cert: details?.cert ?? false,
    dns: details?.dns ?? false,
    uri: details?.uri ?? false,
  }
}

function pathNormalizationOf(message: HttpConnectionManager): PathNormalization | null {
  const normalize = message.normalizePath ?? false
  const escapedSlashes = ESCAPED_SLASHES[message.pathWithEscapedSlashesAction] ?? 'keep'
  if (!normalize && !message.mergeSlashes && escapedSlashes === 'keep') return null
  return { normalize, mergeSlashes: message.mergeSlashes, escapedSlashes }
}

function stripPortOf(message: HttpConnectionManager): StripPort {
  if (message.stripPortMode.case === 'stripAnyHostPort' && message.stripPortMode.value) return 'any'
  return message.stripMatchingHostPort ? 'matching' : 'none'
}

const CODECS: Readonly<Record<number, ConnectionManagerConfig['codec']>> = {
  [CodecType.AUTO]: 'auto',
  [CodecType.HTTP1]: 'http1',
  [CodecType.HTTP2]: 'http2',
}

const FORWARD_CLIENT_CERT: Readonly<Record<number, ForwardClientCert>> = {
  [ForwardDetails.SANITIZE]: 'sanitize',
  [ForwardDetails.FORWARD_ONLY]: 'forward-only',
  [ForwardDetails.APPEND_FORWARD]: 'append-forward',
  [ForwardDetails.SANITIZE_SET]: 'sanitize-set',
  [ForwardDetails.ALWAYS_FORWARD_ONLY]: 'always-forward-only',
}

const SERVER_HEADER: Readonly<Record<number, ServerHeader>> = {
  [ServerTransformation.OVERWRITE]: 'overwrite',
  [ServerTransformation.APPEND_IF_ABSENT]: 'append-if-absent',
  [ServerTransformation.PASS_THROUGH]: 'pass-through',
}

const ESCAPED_SLASHES: Readonly<Record<number, EscapedSlashes>> = {
  [EscapedSlashesAction.IMPLEMENTATION_SPECIFIC_DEFAULT]: 'keep',
  [EscapedSlashesAction.KEEP_UNCHANGED]: 'keep',
  [EscapedSlashesAction.REJECT_REQUEST]: 'reject',
  [EscapedSlashesAction.UNESCAPE_AND_REDIRECT]: 'redirect',
  [EscapedSlashesAction.UNESCAPE_AND_FORWARD]: 'forward',
}

/** 0: no limit. */
function shorter(one: number, other: number): number {
  return one > 0 && other > 0 ? Math.min(one, other) : one + other
}
