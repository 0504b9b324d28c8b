// Envoy's names below `tcp.<stat prefix>.`.
import type { Counter, Gauge, StatsScope } from '../../../stats/stats-scope.ts'

export interface TcpProxyStats {
  readonly connections: Counter
  readonly noRoute: Counter
  readonly receivedBytes: Counter
  readonly sentBytes: Counter
  readonly pausedReading: Counter
  readonly resumedReading: Counter
  readonly idleTimeouts: Counter
  readonly maxDurationReached: Counter
  /** Bytes for the upstream outlived their downstream. */
  readonly upstreamFlushes: Counter
  readonly upstreamFlushesActive: Gauge
}

export function tcpProxyStats(scope: StatsScope): TcpProxyStats {
  return {
    connections: scope.counter('downstream_cx_total'),
    noRoute: scope.counter('downstream_cx_no_route'),
    receivedBytes: scope.counter('downstream_cx_rx_bytes_total'),
    sentBytes: scope.counter('downstream_cx_tx_bytes_total'),
    pausedReading: scope.counter('downstream_flow_control_paused_reading_total'),
    resumedReading: scope.counter('downstream_flow_control_resumed_reading_total'),
    idleTimeouts: scope.counter('idle_timeout'),
    maxDurationReached: scope.counter('max_downstream_connection_duration'),
    upstreamFlushes: scope.counter('upstream_flush_total'),
    upstreamFlushesActive: scope.gauge('upstream_flush_active'),
  }
}
