// Envoy's counters of config subscriptions: cluster_manager.cds., listener_manager.lds. and their like.
import type { ResourceType } from '../../xds/type-url.ts'
import type { Counter, Gauge, StatsScope } from '../stats/stats-scope.ts'

interface SubscriptionStats {
  readonly attempt: Counter
  readonly success: Counter
  readonly rejected: Counter
}

export interface XdsStats {
  /** 1 while a control plane answers. */
  readonly connected: Gauge
  readonly types: Readonly<Record<ResourceType, SubscriptionStats>>
}

export function createXdsStats(root: StatsScope): XdsStats {
  const subscription = (prefix: string): SubscriptionStats => {
    const scope = root.scope(prefix)
    return {
      attempt: scope.counter('update_attempt'),
      success: scope.counter('update_success'),
      rejected: scope.counter('update_rejected'),
    }
  }
  return {
    connected: root.scope('control_plane').gauge('connected_state'),
    types: {
      cluster: subscription('cluster_manager.cds'),
      listener: subscription('listener_manager.lds'),
      // Envoy has one scope per cluster and route configuration here; one over all says enough.
      endpoint: subscription('cluster_manager.eds'),
      route: subscription('http.rds'),
      secret: subscription('sds'),
    },
  }
}
