// Where CONNECT ends (connect_config): each stream has a TCP connection of its own to the endpoint.
import type { TimerWheel } from '../../base/timer-wheel.ts'
import type { Cluster, Endpoint } from '../cluster/cluster.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'
import { countConnectFailure, countConnection, countConnectionEnd } from './connection-counts.ts'
import type { PoolSetup } from './pool-setup.ts'
import type { HttpPool, PoolWaiter, RequestEncoder } from './request-encoder.ts'
import { RESET, type ResetReason } from './reset-reason.ts'
import { TcpUpstream, type TcpUpstreamOwner } from './tcp-upstream.ts'

export class TcpPool implements HttpPool, TcpUpstreamOwner {
  readonly #cluster: Cluster
  readonly #endpoint: Endpoint
  readonly #transport: UpstreamTransport
  readonly #wheel: TimerWheel
  readonly #onEmpty: () => void
  readonly #waiting = new Map<PoolWaiter, TcpUpstream>()
  #open = 0
  #draining = false

  constructor({ cluster, endpoint, wheel, transport, onEmpty }: PoolSetup) {
    this.#transport = transport
    this.#cluster = cluster
    this.#endpoint = endpoint
    this.#wheel = wheel
    this.#onEmpty = onEmpty
  }

  acquire(waiter: PoolWaiter, _fresh: boolean): RequestEncoder | null {
    const { stats, limits, resources } = this.#cluster
    const mayConnect = resources.connections.claim(limits.maxConnections)
    if (!mayConnect || !resources.pendingRequests.claim(limits.maxPendingRequests)) {
      if (mayConnect) resources.connections.release()
      ;(mayConnect ? stats.upstreamRqPendingOverflow : stats.upstreamCxOverflow).value++
      waiter.onPoolFailure(RESET.overflow, '')
      return null
    }
    stats.upstreamRqPendingTotal.value++
    countConnection(this.#cluster, this.#endpoint)
    this.#open++
    const upstream = new TcpUpstream(this, this.#endpoint, this.#transport, this.#cluster, waiter, this.#wheel)
    this.#waiting.set(waiter, upstream)
    this.#wheel.set(upstream.timer, this.#cluster.connectTimeoutMs)
    return null
  }

  cancel(waiter: PoolWaiter): void {
    this.#waiting.get(waiter)?.abandon()
  }

  drain(): void {
    this.#draining = true
    this.#checkEmpty()
  }

  onConnected(upstream: TcpUpstream, waiter: PoolWaiter): void {
    this.#settle(upstream, waiter)
    waiter.onPoolReady(upstream)
  }

  onConnectFailed(upstream: TcpUpstream, waiter: PoolWaiter, reason: ResetReason, failure: string): void {
    this.#settle(upstream, waiter)
    countConnectFailure(this.#cluster, this.#endpoint, reason, failure)
    this.onClosed()
    waiter.onPoolFailure(reason, failure)
  }

  /** Given up while it was connecting. */
  onAbandoned(upstream: TcpUpstream, waiter: PoolWaiter): void {
    this.#settle(upstream, waiter)
    this.onClosed()
  }

  onClosed(): void {
    this.#open--
    countConnectionEnd(this.#cluster, this.#endpoint)
    this.#checkEmpty()
  }

  #settle(upstream: TcpUpstream, waiter: PoolWaiter): void {
    this.#waiting.delete(waiter)
    this.#wheel.cancel(upstream.timer)
    this.#cluster.resources.pendingRequests.release()
  }

  #checkEmpty(): void {
    if (this.#draining && this.#open === 0) this.#onEmpty()
  }
}
