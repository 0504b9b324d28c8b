// Envoy's counters of injected faults, below `http.<stat prefix>.fault.`.
import type { Counter, Gauge, StatsScope } from '../../../stats/stats-scope.ts'

export interface FaultStats {
  readonly delaysInjected: Counter
  readonly abortsInjected: Counter
  readonly responseLimitsInjected: Counter
  readonly faultsOverflow: Counter
  readonly activeFaults: Gauge
}

export function faultStats(connectionManager: StatsScope): FaultStats {
  const scope = connectionManager.scope('fault')
  return {
    delaysInjected: scope.counter('delays_injected'),
    abortsInjected: scope.counter('aborts_injected'),
    responseLimitsInjected: scope.counter('response_rl_injected'),
    faultsOverflow: scope.counter('faults_overflow'),
    activeFaults: scope.gauge('active_faults'),
  }
}
