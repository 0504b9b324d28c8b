// Where a connection of its own would be one more than the cluster's max_connections.
import type { ClusterStats } from '../cluster/cluster.ts'
import type { HttpPool, PoolWaiter, RequestEncoder } from './request-encoder.ts'
import { RESET } from './reset-reason.ts'

export class FullPool implements HttpPool {
  readonly #stats: ClusterStats

  constructor(stats: ClusterStats) {
    this.#stats = stats
  }

  acquire(waiter: PoolWaiter): RequestEncoder | null {
    this.#stats.upstreamCxOverflow.value++
    waiter.onPoolFailure(RESET.overflow, '')
    return null
  }

  cancel(): void {}

  drain(): void {}
}
