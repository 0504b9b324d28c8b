// Envoy's counters of health checks, below `http.<stat prefix>.health_check.`.
import type { Counter, StatsScope } from '../../../stats/stats-scope.ts'

export interface HealthCheckStats {
  readonly requests: Counter
  readonly ok: Counter
  readonly failed: Counter
  readonly cached: Counter
  readonly degraded: Counter
  readonly clusterNotFound: Counter
  readonly clusterEmpty: Counter
  readonly clusterUnhealthy: Counter
}

export function healthCheckStats(connectionManager: StatsScope): HealthCheckStats {
  const scope = connectionManager.scope('health_check')
  return {
    requests: scope.counter('request_total'),
    ok: scope.counter('ok'),
    failed: scope.counter('failed'),
    cached: scope.counter('cached_response'),
    degraded: scope.counter('degraded'),
    clusterNotFound: scope.counter('failed_cluster_not_found'),
    clusterEmpty: scope.counter('failed_cluster_empty'),
    clusterUnhealthy: scope.counter('failed_cluster_unhealthy'),
  }
}
