// Envoy's HttpConnectionManager, compiled: every problem with it, or what connections and streams read.
import type { Duration } from '@bufbuild/protobuf/wkt'
import { HttpDate } from '../../../../base/http-date.ts'
import type { Parsed, Problem } from '../../../../base/problem.ts'
import { TimerWheel } from '../../../../base/timer-wheel.ts'
import { UuidSource } from '../../../../base/uuid-source.ts'
import { MAX_FIELD_COUNT } from '../../../../transport/http1/field-parser.ts'
import type { ParserLimits } from '../../../../transport/http1/message-parser.ts'
import {
  HttpConnectionManager_PathWithEscapedSlashesAction as EscapedSlashesAction,
  HttpConnectionManager_ForwardClientCertDetails as ForwardDetails,
  type HttpConnectionManager,
  HttpConnectionManager_ServerHeaderTransformation as ServerTransformation,
} from '../../../../xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import type { StripPort } from '../../../http/authority.ts'
import type { ForwardClientCert } from '../../../http/client-certificate-header.ts'
import type {
  ConnectionManagerConfig,
  ConnectionManagerTimeouts,
  ServerHeader,
} from '../../../http/connection-manager-config.ts'
import { connectionManagerStats } from '../../../http/connection-manager-stats.ts'
import type { EscapedSlashes, PathNormalization } from '../../../http/path-normalization.ts'
import type { RouteTable } from '../../../route/route-entry.ts'
import type { AccessLog } from '../../../stream-info.ts'
import type { NetworkFilterHost } from '../contract/network-filter.ts'
import { compileFilterChain } from './http-filters.ts'
import { unsupportedFields } from './unsupported-fields.ts'

export interface CompiledConnectionManager {
  readonly config: ConnectionManagerConfig
  /** Names to be asked of RDS. */
  readonly routeConfigurations: readonly string[]
}

/** Envoy's per_connection_buffer_limit_bytes. */
const BUFFER_LIMIT = 1024 * 1024

export function compileConnectionManager(
  message: HttpConnectionManager,
  path: string,
  host: NetworkFilterHost,
): Parsed<CompiledConnectionManager> {
  const problems: Problem[] = unsupportedFields(message).map(field => ({
    code: 'WEFT-4001',
    severity: 'error',
    path: `${path}.${field}`,
    message: 'not supported yet',
  }))
  const scope = host.stats.scope('http', { envoy_http_conn_manager_prefix: message.statPrefix })
  const chain = keep(problems, compileFilterChain(message.httpFilters, `${path}.http_filters`, host, scope))
  const accessLogs = compileAccessLogs(message, path, host, problems)
  const routes = compileRoutes(message, path, host, problems)
  const limits = compileLimits(message, path, problems)
  if (problems.length > 0 || chain === null || routes === null) return { ok: false, problems }
  const config: ConnectionManagerConfig = {
    clock: host.clock,
    wheel: TimerWheel.of(host.clock),
    date: new HttpDate(host.clock),
    requestIds: new UuidSource(host.random),
    limits,
    chain,
    stats: connectionManagerStats(scope),
    accessLogs,
    routeTable: routes.get,
    timeouts: timeoutsOf(message),
    forwarded: {
      useRemoteAddress: message.useRemoteAddress ?? false,
      trustedHops: message.xffNumTrustedHops,
      skipForwardedForAppend: message.skipXffAppend,
      appendForwardedPort: message.appendXForwardedPort,
    },
    forwardClientCert: FORWARD_CLIENT_CERT[message.forwardClientCertDetails] ?? 'sanitize',
    clientCertDetails: {
      subject: message.setCurrentClientCertDetails?.subject ?? false,
      dns: message.setCurrentClientCertDetails?.dns ?? false,
      uri: message.setCurrentClientCertDetails?.uri ?? false,
    },
    serverName: message.serverName || 'envoy',
    serverHeader: SERVER_HEADER[message.serverHeaderTransformation] ?? 'overwrite',
    generateRequestId: message.generateRequestId ?? true,
    preserveRequestId: message.preserveExternalRequestId,
    requestIdInResponse: message.alwaysSetRequestIdInResponse,
    path: pathNormalizationOf(message),
    stripPort: stripPortOf(message),
    stripTrailingDot: message.stripTrailingHostDot,
    maxRequestsPerConnection: message.commonHttpProtocolOptions?.maxRequestsPerConnection ?? 0,
    bufferLimit: BUFFER_LIMIT,
    reasonHeader: host.reasonHeader,
  }
  return { ok: true, value: { config, routeConfigurations: routes.names } }
}

function keep<T>(problems: Problem[], parsed: Parsed<T>): T | null {
  if (parsed.ok) return parsed.value
  problems.push(...parsed.problems)
  return null
}

function compileAccessLogs(
  message: HttpConnectionManager,
  path: string,
  host: NetworkFilterHost,
  problems: Problem[],
): readonly AccessLog[] {
  const logs: AccessLog[] = []
  for (const [index, entry] of message.accessLog.entries()) {
    const at = `${path}.access_log[${index}]`
    if (entry.filter) {
      problems.push({ code: 'WEFT-4001', severity: 'error', path: `${at}.filter`, message: 'not supported yet' })
    }
    if (entry.configType.case !== 'typedConfig') {
      problems.push({ code: 'WEFT-4002', severity: 'error', path: `${at}.typed_config`, message: 'missing' })
      continue
    }
    const log = keep(problems, host.compileAccessLog(entry.configType.value))
    if (log) logs.push(log)
  }
  return logs
}

interface Routes {
  readonly names: readonly string[]
  get(): RouteTable | null
}

function compileRoutes(
  message: HttpConnectionManager,
  path: string,
  host: NetworkFilterHost,
  problems: Problem[],
): Routes | null {
  const specifier = message.routeSpecifier
  if (specifier.case === 'routeConfig') {
    const table = keep(problems, host.compileRouteTable(specifier.value))
    return table && { names: [], get: () => table }
  }
  if (specifier.case === 'rds') {
    const name = specifier.value.routeConfigName
    return { names: [name], get: () => host.routeTables.get(name) ?? null }
  }
  if (specifier.case === undefined) {
    problems.push({ code: 'WEFT-4002', severity: 'error', path: `${path}.route_specifier`, message: 'missing' })
  }
  return null
}

/** Envoy's defaults: 60 KiB and 100 fields. */
function compileLimits(message: HttpConnectionManager, path: string, problems: Problem[]): ParserLimits {
  const maxFieldCount = message.commonHttpProtocolOptions?.maxHeadersCount ?? 100
  if (maxFieldCount > MAX_FIELD_COUNT) {
    problems.push({
      code: 'WEFT-4002',
      severity: 'error',
      path: `${path}.common_http_protocol_options.max_headers_count`,
      message: `${maxFieldCount} is more than the ${MAX_FIELD_COUNT} that a message may have`,
    })
  }
  return { maxHeadBytes: (message.maxRequestHeadersKb ?? 60) * 1024, maxFieldCount }
}

/** Envoy's defaults where nothing is set. */
function timeoutsOf(message: HttpConnectionManager): ConnectionManagerTimeouts {
  const common = message.commonHttpProtocolOptions
  return {
    streamIdle: milliseconds(message.streamIdleTimeout, 300_000),
    request: milliseconds(message.requestTimeout, 0),
    requestHeaders: milliseconds(message.requestHeadersTimeout, 0),
    idle: milliseconds(common?.idleTimeout, 3_600_000),
    connectionDuration: milliseconds(common?.maxConnectionDuration, 0),
    delayedClose: milliseconds(message.delayedCloseTimeout, 1000),
  }
}

function milliseconds(duration: Duration | undefined, fallback: number): number {
  if (duration === undefined) return fallback
  return Number(duration.seconds) * 1000 + duration.nanos / 1e6
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
