// ConnectionPoolSettings: of a DestinationRule's traffic policy, of a Sidecar and of MeshConfig.defaultTrafficPolicy.
import type { ConnectionPool, Http2Keepalive } from '../../../model/traffic-policy.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { readTcpKeepalive } from './tcp-keepalive.ts'

const MAX_INT32 = 0x7fff_ffff

export function readConnectionPool(reader: ObjectReader): ConnectionPool {
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
    ...(upgrade === undefined || upgrade === 'DEFAULT' ? {} : { upgradesToHttp2: upgrade === 'UPGRADE' }),
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
