// The connection pool of a DestinationRule's traffic policy, and of a Sidecar.
import type { ConnectionPool } from '../../../model/traffic-policy.ts'
import type { TcpKeepalive } from '../../../model/upstream-policy.ts'
import type { ObjectReader } from '../../document/object-reader.ts'

const MAX_INT32 = 0x7fff_ffff
const MAX_UINT32 = 0xffff_ffff

export function readConnectionPool(reader: ObjectReader): ConnectionPool {
  const tcp = reader.object('tcp')
  const http = reader.object('http')
  if (!tcp && !http) reader.sink.error('WEFT-1006', reader, 'a connection pool needs tcp or http')
  reader.done()
  const keepalive = tcp?.object('tcpKeepalive')
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
    ...(upgrade === 'UPGRADE' ? { upgradesToHttp2: true } : {}),
    ...(http?.boolean('useClientProtocol') ? { usesClientProtocol: true } : {}),
  }
  http?.unsupported('http2KeepAlive')
  tcp?.done()
  http?.done()
  return pool
}

/** In Istio 0 stands for unset, save where `zeroCounts`. */
function defined(
  name: Exclude<keyof ConnectionPool, 'tcpKeepalive' | 'upgradesToHttp2' | 'usesClientProtocol'>,
  value: number | undefined,
  zeroCounts = false,
): ConnectionPool {
  return value === undefined || (value === 0 && !zeroCounts) ? {} : { [name]: value }
}

function readTcpKeepalive(reader: ObjectReader): TcpKeepalive {
  const probes = reader.integer('probes', 0, MAX_UINT32)
  const time = reader.duration('time', 1000)
  const interval = reader.duration('interval', 1000)
  reader.done()
  // In Istio 0 probes stand for unset, and fractions of a second are dropped.
  return { probes: probes || undefined, time: seconds(time), interval: seconds(interval) }
}

function seconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : Math.floor(milliseconds / 1000)
}
