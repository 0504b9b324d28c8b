// Global limits as one part of the control plane: what config allows, the counters, and the service that proxies ask.
import type { UntypedServiceImplementation } from '@grpc/grpc-js'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { ConfigObject } from '../../model/config-object.ts'
import type { Metrics } from '../status/metrics.ts'
import type { CounterStore } from './counter-store.ts'
import { LimitTable } from './limit-table.ts'
import { MemoryCounters } from './memory-counters.ts'
import { rateLimitService } from './rate-limit-service.ts'

export interface GlobalRateLimitParts {
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** Absent: in memory. */
  readonly counters?: CounterStore
}

export class GlobalRateLimits {
  readonly service: UntypedServiceImplementation
  /** Where it is served, once it is. */
  address: { readonly address: string; readonly port: number } | null = null
  readonly #counters: CounterStore
  #limits = new LimitTable([])

  constructor({ clock, log, metrics, counters }: GlobalRateLimitParts) {
    this.#counters = counters ?? new MemoryCounters(clock)
    this.service = rateLimitService({ limits: () => this.#limits, counters: this.#counters, log, metrics })
  }

  /** Config as it is from now on. */
  take(objects: readonly ConfigObject[]): void {
    this.#limits = new LimitTable(objects)
  }

  async close(): Promise<void> {
    await this.#counters.close()
  }
}
