// DestinationRule trafficPolicy: of the rule, of a subset, of a port.
import type {
  ClientTls,
  ConnectionPool,
  Http2Keepalive,
  PortTrafficPolicy,
  TrafficPolicy,
  TrafficPolicyBlocks,
} from '../../../model/traffic-policy.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { readTcpKeepalive } from '../contract/tcp-keepalive.ts'
import { readLoadBalancer } from './load-balancer.ts'
import { readOutlierDetection } from './outlier-detection.ts'
import { readUpstreamPolicy } from './upstream-policy.ts'

const MAX_PORTS = 4096
const MAX_INT32 = 0x7fff_ffff

export function readTrafficPolicy(parent: ObjectReader): TrafficPolicy | null {
  const reader = parent.object('trafficPolicy')
  if (!reader) return null
  const blocks = readBlocks(reader)
  const upstream = readUpstreamPolicy(reader)
  const portReaders = reader.objectList('portLevelSettings')
  if (portReaders.length > MAX_PORTS)
    reader.sink.error('WEFT-1010', reader.place('portLevelSettings'), `more than ${MAX_PORTS} ports`)
  const portLevelSettings = portReaders.slice(0, MAX_PORTS).map(readPortPolicy)
  const seen = new Set<number>()
  for (const [index, { port }] of portLevelSettings.entries()) {
    if (seen.has(port) && port !== 0)
      reader.sink.report('WEFT-1012', 'warning', portReaders[index]!, `port ${port} is set before, and that holds`)
    seen.add(port)
  }
  requireOne(reader, [...BLOCKS, 'portLevelSettings', 'tunnel', 'proxyProtocol', 'retryBudget'])
  reader.done()
  return { ...blocks, ...upstream, portLevelSettings }
}

const BLOCKS = ['loadBalancer', 'connectionPool', 'outlierDetection', 'tls']

function readPortPolicy(reader: ObjectReader): PortTrafficPolicy {
  const portReader = reader.object('port')
  if (!portReader && !reader.has('port')) reader.missing('port')
  const port = portReader?.integer('number', 1, 65_535)
  if (portReader && !portReader.has('number')) portReader.missing('number')
  portReader?.done()
  const blocks = readBlocks(reader)
  requireOne(reader, BLOCKS)
  reader.done()
  return { port: port ?? 0, ...blocks }
}

function requireOne(reader: ObjectReader, names: readonly string[]): void {
  if (!names.some(name => reader.has(name)))
    reader.sink.error('WEFT-1006', reader, `a traffic policy needs at least one of ${BLOCKS.join(', ')}`)
}

function readBlocks(reader: ObjectReader): TrafficPolicyBlocks {
  const loadBalancer = reader.object('loadBalancer')
  const connectionPool = reader.object('connectionPool')
  const tls = reader.object('tls')
  const outlierDetection = reader.object('outlierDetection')
  const clientTls = tls && readClientTls(tls)
  return {
    ...(loadBalancer ? { loadBalancer: readLoadBalancer(loadBalancer) } : {}),
    ...(connectionPool ? { connectionPool: readConnectionPool(connectionPool) } : {}),
    ...(outlierDetection ? { outlierDetection: readOutlierDetection(outlierDetection) } : {}),
    ...(clientTls ? { tls: clientTls } : {}),
  }
}

function readConnectionPool(reader: ObjectReader): ConnectionPool {
  const tcp = reader.object('tcp')
  const http = reader.object('http')
  if (!tcp && !http) reader.sink.error('WEFT-1006', reader, 'a connection pool needs tcp or http')
  reader.done()
  const keepalive = tcp?.object('tcpKeepalive')
  const http2 = http?.object('http2KeepAlive')
  const upgrade = http?.enumeration('h2UpgradePolicy', ['DEFAULT', 'DO_NOT_UPGRADE', 'UPGRADE'])
  const pool: ConnectionPool = {
    ...defined('maxConnections', tcp?.integer('maxConnections', 0, MAX_INT32)),
    ...defined('connectTimeoutMs', tcp?.duration('connectTimeout', 1)),
    ...defined('tcpIdleTimeoutMs', tcp?.duration('idleTimeout', 0), true),
    ...(keepalive ? { tcpKeepalive: readTcpKeepalive(keepalive) } : {}),
    ...defined('maxConnectionDurationMs', tcp?.duration('maxConnectionDuration', 1)),
    ...defined('http1MaxPendingRequests', http?.integer('http1MaxPendingRequests', 0, MAX_INT32)),
    ...defined('http2MaxRequests', http?.integer('http2MaxRequests', 0, MAX_INT32)),
    ...defined('maxRequestsPerConnection', http?.integer('maxRequestsPerConnection', 0, MAX_INT32)),
    ...defined('maxRetries', http?.integer('maxRetries', 0, MAX_INT32)),
    ...defined('httpIdleTimeoutMs', http?.duration('idleTimeout', 0), true),
    ...defined('maxConcurrentStreams', http?.integer('maxConcurrentStreams', 0, MAX_INT32)),
    ...(http2 ? { http2Keepalive: readHttp2Keepalive(http2) } : {}),
    ...(upgrade === 'UPGRADE' ? { upgradesToHttp2: true } : {}),
    ...(http?.boolean('useClientProtocol') ? { usesClientProtocol: true } : {}),
  }
  tcp?.done()
  http?.done()
  return pool
}

/** Neither has a default. */
function readHttp2Keepalive(reader: ObjectReader): Http2Keepalive {
  const intervalMs = reader.duration('interval', 1)
  const timeoutMs = reader.duration('timeout', 1)
  for (const field of ['interval', 'timeout']) if (!reader.has(field)) reader.missing(field)
  reader.done()
  return { intervalMs: intervalMs ?? 0, timeoutMs: timeoutMs ?? 0 }
}

/** In Istio 0 stands for unset, save where `zeroCounts`. */
function defined(
  name: Exclude<keyof ConnectionPool, 'tcpKeepalive' | 'http2Keepalive' | 'upgradesToHttp2' | 'usesClientProtocol'>,
  value: number | undefined,
  zeroCounts = false,
): ConnectionPool {
  return value === undefined || (value === 0 && !zeroCounts) ? {} : { [name]: value }
}

function readClientTls(reader: ObjectReader): ClientTls | undefined {
  const mode = reader.enumeration('mode', ['DISABLE', 'ISTIO_MUTUAL'], ['SIMPLE', 'MUTUAL'])
  const failed = mode === undefined && reader.has('mode')
  const sni = reader.string('sni')
  const names = reader.stringList('subjectAltNames').map(entry => entry.value)
  for (const field of ['clientCertificate', 'privateKey', 'caCertificates', 'credentialName', 'caCrl'])
    if (reader.has(field) && !failed)
      reader.sink.contradiction(reader.place(field), `${field} does not go with mode ${mode ?? 'DISABLE'}`)
  reader.unsupported('insecureSkipVerify')
  reader.done()
  // The zero value: a tls block without a mode switches TLS off.
  return failed ? undefined : { mode: mode ?? 'DISABLE', ...(sni ? { sni } : {}), subjectAltNames: names }
}
