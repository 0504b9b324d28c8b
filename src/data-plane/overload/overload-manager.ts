// Watches what the process has left, and says what is to be given up while it has too little (Envoy's overload manager).
import type { Clock, Timer } from '../../base/clock.ts'
import type { Gauge, StatsScope } from '../stats/stats-scope.ts'
import type { OverloadActionName, OverloadConfig } from './overload-config.ts'

/** Read for every request and connection: one flag each. */
export type OverloadActions = Readonly<Record<OverloadActionName, boolean>>

export const NO_OVERLOAD: OverloadActions = {
  stopAcceptingRequests: false,
  disableHttpKeepalive: false,
  rejectIncomingConnections: false,
}

/** What is due at this much of the heap. */
export function actionsAt(config: OverloadConfig, residentBytes: number): OverloadActions {
  const pressure = residentBytes / config.maxHeapBytes
  const { thresholds } = config
  return {
    stopAcceptingRequests: pressure >= thresholds.stopAcceptingRequests,
    disableHttpKeepalive: pressure >= thresholds.disableHttpKeepalive,
    rejectIncomingConnections: pressure >= thresholds.rejectIncomingConnections,
  }
}

export class OverloadManager {
  readonly actions: Record<OverloadActionName, boolean> = { ...NO_OVERLOAD }
  readonly #clock: Clock
  readonly #config: OverloadConfig
  readonly #residentBytes: () => number
  readonly #pressure: Gauge
  readonly #active: Readonly<Record<OverloadActionName, Gauge>>
  #timer: Timer | null = null

  constructor(config: OverloadConfig, clock: Clock, residentBytes: () => number, stats: StatsScope) {
    this.#config = config
    this.#clock = clock
    this.#residentBytes = residentBytes
    const scope = stats.scope('overload')
    this.#pressure = scope.gauge('envoy.resource_monitors.fixed_heap.pressure')
    this.#active = {
      stopAcceptingRequests: scope.gauge('envoy.overload_actions.stop_accepting_requests.active'),
      disableHttpKeepalive: scope.gauge('envoy.overload_actions.disable_http_keepalive.active'),
      rejectIncomingConnections: scope.gauge('envoy.overload_actions.reject_incoming_connections.active'),
    }
    this.#refresh()
  }

  close(): void {
    this.#timer?.cancel()
  }

  #refresh(): void {
    const bytes = this.#residentBytes()
    const due = actionsAt(this.#config, bytes)
    // In place: whoever was given the flags keeps them.
    Object.assign(this.actions, due)
    this.#pressure.value = Math.round((bytes / this.#config.maxHeapBytes) * 100)
    for (const [name, gauge] of Object.entries(this.#active)) {
      gauge.value = due[name as OverloadActionName] ? 1 : 0
    }
    this.#timer = this.#clock.setTimer(this.#config.refreshMs, () => this.#refresh())
  }
}
