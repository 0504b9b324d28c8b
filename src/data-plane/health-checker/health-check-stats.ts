// Envoy's names below `cluster.<name>.health_check.`.
import type { Counter, Gauge, StatsScope } from '../stats/stats-scope.ts'

export interface HealthCheckStats {
  readonly attempt: Counter
  readonly success: Counter
  readonly failure: Counter
  readonly passiveFailure: Counter
  readonly networkFailure: Counter
  readonly verifyCluster: Counter
  /** Endpoints, as the last checks leave them. */
  readonly healthy: Gauge
  readonly degraded: Gauge
}

/** `scope`: the cluster's. */
export function healthCheckStats(scope: StatsScope): HealthCheckStats {
  return {
    attempt: scope.counter('health_check.attempt'),
    success: scope.counter('health_check.success'),
    failure: scope.counter('health_check.failure'),
    passiveFailure: scope.counter('health_check.passive_failure'),
    networkFailure: scope.counter('health_check.network_failure'),
    verifyCluster: scope.counter('health_check.verify_cluster'),
    healthy: scope.gauge('health_check.healthy'),
    degraded: scope.gauge('health_check.degraded'),
  }
}
