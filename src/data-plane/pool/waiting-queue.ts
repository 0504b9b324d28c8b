// The streams that wait for a connection to one endpoint, within the cluster's max_pending_requests.
import type { Cluster } from '../cluster/cluster.ts'
import type { PoolWaiter } from './request-encoder.ts'
import { RESET, type ResetReason } from './reset-reason.ts'

export class WaitingQueue {
  readonly #cluster: Cluster
  #waiting: PoolWaiter[] = []

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  get length(): number {
    return this.#waiting.length
  }

  /** False when the queue is full: the waiter has been told so. */
  add(waiter: PoolWaiter): boolean {
    const { stats, limits, resources } = this.#cluster
    if (!resources.pendingRequests.claim(limits.maxPendingRequests)) {
      stats.upstreamRqPendingOverflow.value++
      waiter.onPoolFailure(RESET.overflow, '')
      return false
    }
    stats.upstreamRqPendingTotal.value++
    this.#waiting.push(waiter)
    return true
  }

  /** The waiter is not called any more. */
  cancel(waiter: PoolWaiter): void {
    const index = this.#waiting.indexOf(waiter)
    if (index < 0) return
    this.#waiting.splice(index, 1)
    this.#cluster.resources.pendingRequests.release()
  }

  /** A queue of all who wait: here nobody does any more. */
  handOver(): WaitingQueue {
    const heir = new WaitingQueue(this.#cluster)
    heir.#waiting = this.#waiting
    this.#waiting = []
    return heir
  }

  /** Who has waited longest. */
  shift(): PoolWaiter | undefined {
    const waiter = this.#waiting.shift()
    if (waiter !== undefined) this.#cluster.resources.pendingRequests.release()
    return waiter
  }

  /** All who wait, as in Envoy: let each decide on another endpoint rather than sit out one time-out after the other. */
  failAll(reason: ResetReason, failure: string): void {
    // One that is told may end others, which are not told any more.
    for (let left = this.#waiting.length; left > 0 && this.#waiting.length > 0; left--) {
      this.shift()!.onPoolFailure(reason, failure)
    }
  }
}
