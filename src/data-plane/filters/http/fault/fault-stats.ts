// Envoy's counters of injected faults, below `http.<stat prefix>.fault.`.
import type { ProcessLimits, Resource } from '../../../process-limits/process-limits.ts'
import type { Counter, StatsScope } from '../../../stats/stats-scope.ts'

export interface FaultStats {
  readonly delaysInjected: Counter
  readonly abortsInjected: Counter
  readonly responseLimitsInjected: Counter
  readonly faultsOverflow: Counter
  /** Of all connection managers of that prefix, as in Envoy. */
  readonly activeFaults: Resource
}

export function faultStats(connectionManager: StatsScope, limits: ProcessLimits): FaultStats {
  const scope = connectionManager.scope('fault')
  return {
    delaysInjected: scope.counter('delays_injected'),
    abortsInjected: scope.counter('aborts_injected'),
    responseLimitsInjected: scope.counter('response_rl_injected'),
    faultsOverflow: scope.counter('faults_overflow'),
    activeFaults: limits.resource(`${scope.prefix}active_faults`, scope.gauge('active_faults')),
  }
}
