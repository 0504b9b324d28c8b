// Istio's MeshConfig: what of it is honoured.

import type { HttpRetry } from '../../../model/http-retry.ts'
import {
  DEFAULT_MESH_CONFIG,
  type DefaultExportTo,
  type MeshConfig,
  type PathNormalization,
} from '../../../model/mesh-config.ts'
import { isDnsLabel, isDnsSubdomain } from '../../document/label-rules.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { checkOperators } from '../contract/command-operators.ts'
import { readConnectionPool } from '../contract/connection-pool.ts'
import { readHttpRetry } from '../contract/http-retry.ts'
import { readLocalityLoadBalancing, readZoneAwareLoadBalancing } from '../contract/locality-load-balancing.ts'
import { readOutlierDetection } from '../contract/outlier-detection.ts'
import { readTcpKeepalive } from '../contract/tcp-keepalive.ts'
import { readProxyConfig } from './proxy-config.ts'
import { readMeshTls, readTlsDefaults } from './tls-config.ts'

const NOT_YET = [
  'inboundTrafficPolicy',
  'trustDomainAliases',
  'caCertificates',
  'discoverySelectors',
  'extensionProviders',
  'defaultProviders',
  'serviceEntryVisibility',
  'enableTracing',
  'configSources',
  'certificates',
  'ca',
  'verifyCertificateAtClient',
  'ingressClass',
  'ingressService',
  'ingressControllerMode',
  'ingressSelector',
  'hboneIdleTimeout',
  'enableEnvoyAccessLogService',
  'proxyInboundListenPort',
  'proxyListenPort',
  'serviceScopeConfigs',
  'enablePrometheusMerge',
  'thriftConfig',
]

/** Fields that are wrong keep their default; the problems are in the reader's sink. */
export function readMeshConfig(reader: ObjectReader): MeshConfig {
  const fallback = DEFAULT_MESH_CONFIG
  const trustDomain = reader.string('trustDomain') ?? fallback.trustDomain
  if (!isDnsSubdomain(trustDomain))
    reader.sink.badValue(reader.place('trustDomain'), `"${trustDomain.slice(0, 80)}" is not a trust domain`)
  const rootNamespace = reader.string('rootNamespace') ?? fallback.rootNamespace
  if (!isDnsLabel(rootNamespace))
    reader.sink.badValue(reader.place('rootNamespace'), `"${rootNamespace.slice(0, 80)}" is not a namespace`)
  const accessLogEncoding = reader.enumeration('accessLogEncoding', ['TEXT', 'JSON']) ?? fallback.accessLogEncoding
  const retry = reader.object('defaultHttpRetryPolicy')
  const defaultConfig = reader.object('defaultConfig')
  const inboundRetry = reader.object('defaultInboundHttpRetryPolicy')
  const keepalive = reader.object('tcpKeepalive')
  const tlsDefaults = reader.object('tlsDefaults')
  const trafficPolicy = reader.object('defaultTrafficPolicy')
  const locality = reader.object('localityLbSetting')
  const zoneAware = reader.object('zoneAwareLbSetting')
  if (locality && zoneAware)
    reader.sink.contradiction(
      reader.place('zoneAwareLbSetting'),
      'zoneAwareLbSetting does not go with localityLbSetting',
    )
  const meshConfig: MeshConfig = {
    trustDomain,
    rootNamespace,
    domainSuffix: fallback.domainSuffix,
    outboundTrafficPolicy: readOutboundPolicy(reader),
    accessLogFile: reader.string('accessLogFile') ?? fallback.accessLogFile,
    accessLogEncoding,
    accessLogFormat: readLogFormat(reader, accessLogEncoding),
    defaultHttpRetryPolicy: retry ? readHttpRetry(retry) : null,
    defaultInboundHttpRetryPolicy: inboundRetry ? readInboundRetry(inboundRetry) : null,
    defaultTrafficPolicy: trafficPolicy ? readDefaultTrafficPolicy(trafficPolicy) : fallback.defaultTrafficPolicy,
    upgradesToHttp2: reader.enumeration('h2UpgradePolicy', ['DO_NOT_UPGRADE', 'UPGRADE']) === 'UPGRADE',
    tlsDefaults: tlsDefaults ? readTlsDefaults(tlsDefaults) : fallback.tlsDefaults,
    inboundClusterStatName: readStatName(reader, 'inboundClusterStatName'),
    outboundClusterStatName: readStatName(reader, 'outboundClusterStatName'),
    tcpKeepalive: keepalive ? readTcpKeepalive(keepalive) : null,
    proxyHttpPort: reader.integer('proxyHttpPort', 0, 65_535) ?? fallback.proxyHttpPort,
    connectTimeoutMs: reader.duration('connectTimeout', 1) ?? fallback.connectTimeoutMs,
    enableAutoMtls: reader.boolean('enableAutoMtls') ?? fallback.enableAutoMtls,
    protocolDetectionTimeoutMs: reader.duration('protocolDetectionTimeout', 0) ?? fallback.protocolDetectionTimeoutMs,
    dnsRefreshRateMs: reader.duration('dnsRefreshRate', 1) ?? fallback.dnsRefreshRateMs,
    localityLoadBalancing: locality ? readLocalityLoadBalancing(locality) : fallback.localityLoadBalancing,
    zoneAwareLoadBalancing: zoneAware ? readZoneAwareLoadBalancing(zoneAware) : fallback.zoneAwareLoadBalancing,
    pathNormalization: readPathNormalization(reader),
    defaultServiceExportTo: readDefaultExportTo(reader, 'defaultServiceExportTo'),
    defaultVirtualServiceExportTo: readDefaultExportTo(reader, 'defaultVirtualServiceExportTo'),
    defaultDestinationRuleExportTo: readDefaultExportTo(reader, 'defaultDestinationRuleExportTo'),
    defaultConfig: defaultConfig ? readProxyConfig(defaultConfig) : fallback.defaultConfig,
  }
  readWithoutEffect(reader)
  reader.unsupported(...NOT_YET)
  reader.done()
  return meshConfig
}

function readOutboundPolicy(reader: ObjectReader): 'ALLOW_ANY' | 'REGISTRY_ONLY' {
  const policy = reader.object('outboundTrafficPolicy')
  if (!policy) return DEFAULT_MESH_CONFIG.outboundTrafficPolicy
  const mode = policy.enumeration('mode', ['ALLOW_ANY', 'REGISTRY_ONLY'], ['ALLOW_ANY_DYNAMIC_DNS'])
  policy.done()
  // The block without a mode has the zero value, which is REGISTRY_ONLY; the absent block is ALLOW_ANY.
  return mode ?? (policy.has('mode') ? DEFAULT_MESH_CONFIG.outboundTrafficPolicy : 'REGISTRY_ONLY')
}

/** There is one application, and Istio reads no more of the policy than this. */
function readInboundRetry(reader: ObjectReader): HttpRetry {
  reader.unsupported('perTryTimeout', 'retryRemoteLocalities', 'retryIgnorePreviousHosts')
  return readHttpRetry(reader)
}

const STAT_NAME_PARTS = [
  ...['SERVICE', 'SERVICE_NAME', 'SERVICE_FQDN', 'SERVICE_PORT', 'SERVICE_PORT_NAME', 'SUBSET_NAME', 'TARGET_PORT'],
]

function readStatName(reader: ObjectReader, field: string): string {
  const name = reader.string(field) ?? ''
  for (const [, part = ''] of name.matchAll(/%(\w*)%/g))
    if (!STAT_NAME_PARTS.includes(part))
      reader.sink.badValue(reader.place(field), `%${part}% is not one of %${STAT_NAME_PARTS.join('%, %')}%`)
  return name
}

/** What a mesh of one cluster, whose proxies have no listener's log and speak TLS 1.3, does anyway. */
function readWithoutEffect(reader: ObjectReader): void {
  if (reader.boolean('disableEnvoyListenerLog') === false)
    reader.sink.unsupported(reader.place('disableEnvoyListenerLog'), 'disableEnvoyListenerLog: false')
  for (const service of reader.objectList('serviceSettings')) {
    const settings = service.object('settings')
    settings?.boolean('clusterLocal')
    settings?.done()
    service.stringList('hosts')
    service.done()
  }
  const meshTls = reader.object('meshMTLS')
  if (meshTls) readMeshTls(meshTls)
}

function readDefaultTrafficPolicy(reader: ObjectReader): MeshConfig['defaultTrafficPolicy'] {
  const pool = reader.object('connectionPool')
  const detection = reader.object('outlierDetection')
  reader.done()
  return {
    ...(pool ? { connectionPool: readConnectionPool(pool) } : {}),
    ...(detection ? { outlierDetection: readOutlierDetection(detection) } : {}),
  }
}

/** Istio takes any list, and heeds these two alone. */
function readDefaultExportTo(reader: ObjectReader, field: string): DefaultExportTo {
  const entries = reader.stringList(field)
  for (const { value, place } of entries)
    if (value !== '*' && value !== '.')
      reader.sink.badValue(
        place,
        `"${value.slice(0, 80)}" is neither "." nor "*"`,
        'name namespaces in exportTo itself',
      )
  if (entries.length > 1) reader.sink.contradiction(reader.place(field), 'only one of "." and "*" may be given')
  return entries[0]?.value === '.' ? '.' : '*'
}

function readPathNormalization(reader: ObjectReader): PathNormalization {
  const block = reader.object('pathNormalization')
  const mode = block?.enumeration('normalization', [
    'DEFAULT',
    'NONE',
    'BASE',
    'MERGE_SLASHES',
    'DECODE_AND_MERGE_SLASHES',
  ])
  block?.done()
  return mode === undefined || mode === 'DEFAULT' ? DEFAULT_MESH_CONFIG.pathNormalization : mode
}

function readLogFormat(reader: ObjectReader, encoding: 'TEXT' | 'JSON'): string {
  const format = reader.string('accessLogFormat') ?? ''
  checkOperators(format, 'log', reader.place('accessLogFormat'), reader.sink)
  if (format === '' || encoding === 'TEXT') return format
  try {
    const parsed: unknown = JSON.parse(format)
    if (parsed !== null && typeof parsed === 'object' && !Array.isArray(parsed)) return format
  } catch {
    // Said below.
  }
  reader.sink.badValue(reader.place('accessLogFormat'), 'with accessLogEncoding JSON the format must be a JSON object')
  return ''
}
