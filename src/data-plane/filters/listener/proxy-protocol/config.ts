// Envoy's ProxyProtocol listener filter, compiled.
import type { Parsed } from '../../../../base/problem.ts'
import type { ProxyVersion } from '../../../../transport/proxy-protocol/header-parser.ts'
import {
  ProxyProtocolPassThroughTLVs_PassTLVsMatchType as MatchType,
  ProxyProtocolConfig_Version as Version,
} from '../../../../xds/generated/envoy/config/core/v3/proxy_protocol_pb.ts'
import {
  type ProxyProtocol,
  ProxyProtocolSchema,
} from '../../../../xds/generated/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb.ts'
import { ResourceCheck } from '../../../../xds/resource-check.ts'
import type { Counter, StatsScope } from '../../../stats/stats-scope.ts'

export interface VersionStats {
  readonly found: Counter
  readonly disallowed: Counter
  readonly error: Counter
}

export interface ProxyProtocolConfig {
  /** Connections without a header pass, and so do headers of a version disallowed, as bytes like any other. */
  readonly headerOptional: boolean
  readonly disallowed: ReadonlySet<ProxyVersion>
  /** Types of the TLVs kept for the upstream; null: all. */
  readonly passedTlvs: ReadonlySet<number> | null
  readonly notFoundAllowed: Counter
  readonly notFoundDisallowed: Counter
  readonly connectionError: Counter
  readonly versions: Readonly<Record<ProxyVersion, VersionStats>>
}

// `rules` would put TLVs into dynamic metadata, which nothing here reads.
const FIELDS = new Set([
  'allow_requests_without_proxy_protocol',
  'pass_through_tlvs',
  'disallowed_versions',
  'stat_prefix',
])
const NO_TYPES: ReadonlySet<number> = new Set()

export function compileProxyProtocol(
  message: ProxyProtocol,
  path: string,
  stats: StatsScope,
): Parsed<ProxyProtocolConfig> {
  const check = new ResourceCheck('')
  check.honour(ProxyProtocolSchema, message, path, FIELDS)
  const passed = message.passThroughTlvs
  for (const [index, type] of (passed?.tlvType ?? []).entries()) {
    if (type > 255) check.error(`${path}.pass_through_tlvs.tlv_type[${index}]`, 'must be below 256')
  }
  const scope = stats.scope(message.statPrefix === '' ? 'proxy_proto' : `proxy_proto.${message.statPrefix}`)
  return check.result<ProxyProtocolConfig>({
    headerOptional: message.allowRequestsWithoutProxyProtocol,
    disallowed: new Set(message.disallowedVersions.map(version => (version === Version.V1 ? 1 : 2))),
    passedTlvs:
      passed === undefined ? NO_TYPES : passed.matchType === MatchType.INCLUDE ? new Set(passed.tlvType) : null,
    notFoundAllowed: scope.counter('not_found_allowed'),
    notFoundDisallowed: scope.counter('not_found_disallowed'),
    connectionError: stats.counter('downstream_cx_proxy_proto_error'),
    versions: { 1: versionStats(scope, 1), 2: versionStats(scope, 2) },
  })
}

function versionStats(scope: StatsScope, version: ProxyVersion): VersionStats {
  const own = scope.scope(`versions.v${version}`)
  return { found: own.counter('found'), disallowed: own.counter('disallowed'), error: own.counter('error') }
}
