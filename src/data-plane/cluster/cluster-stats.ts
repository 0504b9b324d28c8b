// The counters of one cluster, under Envoy's names.
import type { StatsScope } from '../stats/stats-scope.ts'
import type { ClusterStats } from './cluster.ts'
import type { ClusterTraffic } from './cluster-traffic.ts'
import { type ComparisonStats, comparisonStats } from './comparison-stats.ts'
import type { RequestWindow } from './request-window.ts'

/** `scope` is the cluster's own: `stats.scope('cluster', { envoy_cluster_name: name })`. */
export function createClusterStats(
  scope: StatsScope,
  requestWindow: RequestWindow | null = null,
  traffic: ClusterTraffic | null = null,
): ClusterStats {
  let comparison: ComparisonStats | null = null
  return {
    upstreamRqTotal: scope.counter('upstream_rq_total'),
    upstreamRqActive: scope.gauge('upstream_rq_active'),
    upstreamRq2xx: scope.counter('upstream_rq_2xx'),
    upstreamRq3xx: scope.counter('upstream_rq_3xx'),
    upstreamRq4xx: scope.counter('upstream_rq_4xx'),
    upstreamRq5xx: scope.counter('upstream_rq_5xx'),
    upstreamRqTimeout: scope.counter('upstream_rq_timeout'),
    upstreamRqPerTryTimeout: scope.counter('upstream_rq_per_try_timeout'),
    upstreamRqPerTryIdleTimeout: scope.counter('upstream_rq_per_try_idle_timeout'),
    upstreamRqRetryExponential: scope.counter('upstream_rq_retry_backoff_exponential'),
    upstreamRqRetryRateLimited: scope.counter('upstream_rq_retry_backoff_ratelimited'),
    upstreamRqRetry: scope.counter('upstream_rq_retry'),
    upstreamRqRetrySuccess: scope.counter('upstream_rq_retry_success'),
    upstreamRqRetryLimitExceeded: scope.counter('upstream_rq_retry_limit_exceeded'),
    upstreamRqRetryOverflow: scope.counter('upstream_rq_retry_overflow'),
    upstreamCxMaxDurationReached: scope.counter('upstream_cx_max_duration_reached'),
    upstreamRqFallback: scope.counter('upstream_rq_fallback'),
    upstreamInternalRedirectSucceeded: scope.counter('upstream_internal_redirect_succeeded_total'),
    upstreamInternalRedirectFailed: scope.counter('upstream_internal_redirect_failed_total'),
    requestWindow,
    traffic,
    triesBegun: { value: 0 },
    triesSucceeded: { value: 0 },
    triesFailed: { value: 0 },
    upstreamRqRxReset: scope.counter('upstream_rq_rx_reset'),
    upstreamRqTxReset: scope.counter('upstream_rq_tx_reset'),
    upstreamRqPendingTotal: scope.counter('upstream_rq_pending_total'),
    upstreamRqPendingActive: scope.gauge('upstream_rq_pending_active'),
    upstreamRqPendingOverflow: scope.counter('upstream_rq_pending_overflow'),
    upstreamRqActiveOverflow: scope.counter('upstream_rq_active_overflow'),
    upstreamCxTotal: scope.counter('upstream_cx_total'),
    upstreamCxActive: scope.gauge('upstream_cx_active'),
    upstreamCxConnectFail: scope.counter('upstream_cx_connect_fail'),
    upstreamCxConnectTimeout: scope.counter('upstream_cx_connect_timeout'),
    upstreamCxProtocolError: scope.counter('upstream_cx_protocol_error'),
    upstreamCxCloseNotify: scope.counter('upstream_cx_close_notify'),
    upstreamCxRxBytesTotal: scope.counter('upstream_cx_rx_bytes_total'),
    upstreamCxTxBytesTotal: scope.counter('upstream_cx_tx_bytes_total'),
    upstreamCxDestroyRemoteWithActiveRq: scope.counter('upstream_cx_destroy_remote_with_active_rq'),
    upstreamCxDestroyLocalWithActiveRq: scope.counter('upstream_cx_destroy_local_with_active_rq'),
    upstreamCxNoneHealthy: scope.counter('upstream_cx_none_healthy'),
    upstreamCxOverflow: scope.counter('upstream_cx_overflow'),
    upstreamCxConnectAttemptsExceeded: scope.counter('upstream_cx_connect_attempts_exceeded'),
    http2KeepaliveTimeout: scope.counter('http2.keepalive_timeout'),
    upstreamRqTime: scope.histogram('upstream_rq_time'),
    get mirrorComparison() {
      comparison ??= comparisonStats(scope)
      return comparison
    },
  }
}
