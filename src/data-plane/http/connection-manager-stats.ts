// Envoy's names below `http.<stat prefix>.`.
import type { Counter, Gauge, Histogram, StatsScope } from '../stats/stats-scope.ts'
import { Http2CodecStats } from './http2-codec-stats.ts'

export interface ConnectionManagerStats {
  readonly connections: Counter
  readonly connectionsActive: Gauge
  readonly connectionsHttp2: Counter
  readonly connectionsDestroyed: Counter
  readonly connectionsDestroyedWithActiveRequest: Counter
  readonly connectionProtocolErrors: Counter
  readonly connectionIdleTimeouts: Counter
  readonly connectionMaxDurationReached: Counter
  readonly connectionMaxRequestsReached: Counter
  readonly connectionDrainClose: Counter
  readonly connectionOverloadDisableKeepalive: Counter
  readonly receivedBytes: Counter
  readonly sentBytes: Counter
  readonly requests: Counter
  readonly requestsHttp1: Counter
  readonly requestsHttp2: Counter
  readonly requestsActive: Gauge
  readonly requestsCompleted: Counter
  readonly requestsByClass: readonly Counter[]
  readonly requestsReset: Counter
  readonly requestsTooLarge: Counter
  readonly requestsTooManyPrematureResets: Counter
  readonly requestIdleTimeouts: Counter
  readonly requestTimeouts: Counter
  readonly requestHeaderTimeouts: Counter
  readonly requestMaxDurationReached: Counter
  readonly requestsNotRelativePath: Counter
  readonly requestsFailedPathNormalization: Counter
  readonly requestsRedirectedWithNormalizedPath: Counter
  readonly requestsWithRefusedUpgrade: Counter
  readonly requestsOverloadClose: Counter
  readonly responsesBeforeRequestComplete: Counter
  readonly requestTime: Histogram
  readonly http2: Http2CodecStats
  readonly http2KeepaliveTimeouts: Counter
  readonly http2FlushTimeouts: Counter
}

/** `scope` is the connection manager's own; `root`: the codecs' are of all listeners. */
export function connectionManagerStats(scope: StatsScope, root: StatsScope): ConnectionManagerStats {
  const counter = (name: string): Counter => scope.counter(`downstream_${name}`)
  return {
    connections: counter('cx_total'),
    connectionsActive: scope.gauge('downstream_cx_active'),
    connectionsHttp2: counter('cx_http2_total'),
    connectionsDestroyed: counter('cx_destroy'),
    connectionsDestroyedWithActiveRequest: counter('cx_destroy_active_rq'),
    connectionProtocolErrors: counter('cx_protocol_error'),
    connectionIdleTimeouts: counter('cx_idle_timeout'),
    connectionMaxDurationReached: counter('cx_max_duration_reached'),
    connectionMaxRequestsReached: counter('cx_max_requests_reached'),
    connectionDrainClose: counter('cx_drain_close'),
    connectionOverloadDisableKeepalive: counter('cx_overload_disable_keepalive'),
    receivedBytes: counter('cx_rx_bytes_total'),
    sentBytes: counter('cx_tx_bytes_total'),
    requests: counter('rq_total'),
    requestsHttp1: counter('rq_http1_total'),
    requestsHttp2: counter('rq_http2_total'),
    requestsActive: scope.gauge('downstream_rq_active'),
    requestsCompleted: counter('rq_completed'),
    requestsByClass: [1, 2, 3, 4, 5].map(digit => counter(`rq_${digit}xx`)),
    requestsReset: counter('rq_rx_reset'),
    requestsTooLarge: counter('rq_too_large'),
    requestsTooManyPrematureResets: counter('rq_too_many_premature_resets'),
    requestIdleTimeouts: counter('rq_idle_timeout'),
    requestTimeouts: counter('rq_timeout'),
    requestMaxDurationReached: counter('rq_max_duration_reached'),
    requestHeaderTimeouts: counter('rq_header_timeout'),
    requestsOverloadClose: counter('rq_overload_close'),
    requestsNotRelativePath: counter('rq_non_relative_path'),
    requestsFailedPathNormalization: counter('rq_failed_path_normalization'),
    requestsRedirectedWithNormalizedPath: counter('rq_redirected_with_normalized_path'),
    requestsWithRefusedUpgrade: counter('rq_ws_on_non_ws_route'),
    responsesBeforeRequestComplete: counter('rq_response_before_rq_complete'),
    requestTime: scope.histogram('downstream_rq_time'),
    http2: new Http2CodecStats(root),
    http2KeepaliveTimeouts: root.scope('http2').counter('keepalive_timeout'),
    http2FlushTimeouts: root.scope('http2').counter('tx_flush_timeout'),
  }
}

/** A request is over; `status` is 0 where it had no response. */
export function countEnd(stats: ConnectionManagerStats, status: number, durationMs: number): void {
  stats.requestsActive.value--
  stats.requestsCompleted.value++
  stats.requestTime.record(durationMs)
  const byClass = stats.requestsByClass[Math.floor(status / 100) - 1]
  if (byClass !== undefined) byClass.value++
}
