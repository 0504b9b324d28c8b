// How far a stream has come with its route's retries: Envoy's RetryState. Made when the first of them is asked for: most
// streams never have one.
import { WheelTimer } from '../../../../base/timer-wheel.ts'
import { closeBatch, openBatch } from '../../../../transport/http/write-batch.ts'
import type { RequestHead, ResponseHead } from '../../../../transport/request-head.ts'
import { retryLimit } from '../../../cluster/circuit-limits.ts'
import type { Cluster, Picker } from '../../../cluster/cluster.ts'
import { RESPONSE_FLAG } from '../../../response-flag.ts'
import type { RetryPolicy } from '../../../route/route-entry.ts'
import type { RouterConfig } from './config.ts'
import { PreviousPriorities } from './previous-priorities.ts'
import { retryDelayMs } from './retry-backoff.ts'
import { allowsRequest } from './retry-decision.ts'
import type { UpstreamRequest } from './upstream-request.ts'

export interface RetryOwner {
  readonly head: RequestHead
  /** The time between two tries is over. */
  onRetry(): void
}

export class RetryState {
  /** The request is one of those that the policy lets repeat at all. */
  readonly isAllowed: boolean
  /** Retries that the policy has left. */
  remaining: number
  readonly #owner: RetryOwner
  readonly #policy: RetryPolicy
  readonly #cluster: Cluster
  readonly #config: RouterConfig
  readonly #timer = new WheelTimer(this, 0)
  readonly #priorities: PreviousPriorities | null
  #active = false

  constructor(owner: RetryOwner, policy: RetryPolicy, cluster: Cluster, config: RouterConfig) {
    this.#owner = owner
    this.#policy = policy
    this.#cluster = cluster
    this.#config = config
    this.remaining = policy.attempts
    this.isAllowed = allowsRequest(policy, owner.head)
    const frequency = policy.priorityUpdateFrequency
    this.#priorities = frequency > 0 ? new PreviousPriorities(frequency) : null
  }

  /** For the next try. */
  get picker(): Picker {
    return this.#priorities?.pickerOf(this.#cluster) ?? this.#cluster.picker
  }

  /** Another try is to come. */
  get isWaiting(): boolean {
    return this.#timer.isSet
  }

  /**
   * 0: another try follows the one that failed, when its time has come; else the response flag of what stands against it.
   * `head`: of the response that is not taken, which may say when to come back.
   */
  schedule(failed: UpstreamRequest, head: ResponseHead | null): number {
    const { stats, resources } = this.#cluster
    if (this.remaining === 0) {
      stats.upstreamRqRetryLimitExceeded.value++
      return RESPONSE_FLAG.URX
    }
    this.end()
    if (!resources.retries.claim(retryLimit(this.#cluster, failed.isOver ? 1 : 0))) {
      stats.upstreamRqRetryOverflow.value++
      return RESPONSE_FLAG.UO
    }
    this.remaining--
    this.#priorities?.add(failed.endpoint)
    stats.upstreamRqRetry.value++
    this.#active = true
    const done = this.#policy.attempts - this.remaining
    this.#config.wheel.set(this.#timer, retryDelayMs(this.#policy, head, done, this.#config, stats))
    return 0
  }

  /** A retry counts from its decision until its answer is taken, or another retry follows (Envoy's max_retries). */
  end(): void {
    if (!this.#active) return
    this.#active = false
    this.#cluster.resources.retries.release()
    this.#config.wheel.cancel(this.#timer)
  }

  onTimer(): void {
    openBatch()
    this.#owner.onRetry()
    closeBatch()
  }
}
