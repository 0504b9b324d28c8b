// The HTTP/2 connections to one endpoint: one, until it carries as many streams as the endpoint allows; then another.
import type { TimerWheel } from '../../base/timer-wheel.ts'
import type { Cluster, Endpoint } from '../cluster/cluster.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'
import { type Http2ConnectionOwner, Http2UpstreamConnection } from './http2-upstream-connection.ts'
import type { HttpPool, PoolWaiter, RequestEncoder } from './request-encoder.ts'
import { RESET, type ResetReason } from './reset-reason.ts'

export class Http2Pool implements HttpPool, Http2ConnectionOwner {
  readonly #cluster: Cluster
  readonly #endpoint: Endpoint
  readonly #transport: UpstreamTransport
  readonly #wheel: TimerWheel
  readonly #onEmpty: () => void
  readonly #open: Http2UpstreamConnection[] = []
  #connecting: Http2UpstreamConnection | null = null
  #pending: PoolWaiter[] = []
  #draining = false

  constructor(
    cluster: Cluster,
    endpoint: Endpoint,
    wheel: TimerWheel,
    onEmpty: () => void,
    transport: UpstreamTransport,
  ) {
    this.#transport = transport
    this.#cluster = cluster
    this.#endpoint = endpoint
    this.#wheel = wheel
    this.#onEmpty = onEmpty
  }

  acquire(waiter: PoolWaiter, fresh: boolean): RequestEncoder | null {
    const connection = fresh ? null : this.#available()
    if (connection !== null) return this.#openStream(connection)
    const { stats, limits } = this.#cluster
    if (stats.upstreamRqPendingActive.value >= limits.maxPendingRequests) {
      stats.upstreamRqPendingOverflow.value++
      waiter.onPoolFailure(RESET.overflow, '')
      return null
    }
    stats.upstreamRqPendingTotal.value++
    stats.upstreamRqPendingActive.value++
    this.#pending.push(waiter)
    this.#connectAsNeeded()
    return null
  }

  cancel(waiter: PoolWaiter): void {
    const index = this.#pending.indexOf(waiter)
    if (index < 0) return
    this.#pending.splice(index, 1)
    this.#cluster.stats.upstreamRqPendingActive.value--
  }

  drain(): void {
    this.#draining = true
    for (let i = this.#open.length - 1; i >= 0; i--) this.#open[i]!.drain()
    this.#checkEmpty()
  }

  get openCount(): number {
    return this.#open.length
  }

  onConnected(connection: Http2UpstreamConnection): void {
    this.#connecting = null
    this.#wheel.cancel(connection.timer)
    this.#open.push(connection)
    this.onCapacity(connection)
  }

  onConnectFailed(connection: Http2UpstreamConnection, reason: ResetReason, failure: string): void {
    const { stats } = this.#cluster
    this.#connecting = null
    stats.upstreamCxConnectFail.value++
    this.#endpoint.stats.connectFailures++
    if (reason === RESET.connectionTimeout) stats.upstreamCxConnectTimeout.value++
    this.#forget(connection)
    // All who wait, as in Envoy: let each decide on another endpoint rather than sit out one time-out after the other.
    const waiting = this.#pending
    this.#pending = []
    stats.upstreamRqPendingActive.value -= waiting.length
    for (const waiter of waiting) waiter.onPoolFailure(reason, failure)
    this.#checkEmpty()
  }

  onCapacity(connection: Http2UpstreamConnection): void {
    while (this.#pending.length > 0 && connection.canOpenStream) {
      const waiter = this.#pending.shift()!
      this.#cluster.stats.upstreamRqPendingActive.value--
      waiter.onPoolReady(this.#openStream(connection))
    }
    if (!connection.isClosed && connection.isIdle) this.#rest(connection)
    this.#connectAsNeeded()
  }

  onClosed(connection: Http2UpstreamConnection): void {
    const index = this.#open.indexOf(connection)
    if (index >= 0) this.#open.splice(index, 1)
    this.#forget(connection)
    this.#connectAsNeeded()
    this.#checkEmpty()
  }

  /** A stream that waited for its retry may come to a cluster that was replaced meanwhile, and has drained. */
  #rest(connection: Http2UpstreamConnection): void {
    if (this.#draining || !this.#cluster.live) connection.drain()
    else if (this.#cluster.idleTimeoutMs > 0) this.#wheel.set(connection.timer, this.#cluster.idleTimeoutMs)
  }

  #available(): Http2UpstreamConnection | null {
    const open = this.#open
    for (let i = 0; i < open.length; i++) if (open[i]!.canOpenStream) return open[i]!
    return null
  }

  #openStream(connection: Http2UpstreamConnection): RequestEncoder {
    if (connection.isIdle) this.#wheel.cancel(connection.timer)
    return connection.openStream()
  }

  /** One connection under way at a time: it will take many of those that wait. */
  #connectAsNeeded(): void {
    if (this.#pending.length === 0 || this.#connecting !== null) return
    const { stats, limits } = this.#cluster
    // A pool without any connection may have one in spite of the limit, or its waiters would wait for ever (Envoy).
    if (stats.upstreamCxActive.value >= limits.maxConnections && this.#open.length > 0) return
    stats.upstreamCxTotal.value++
    stats.upstreamCxActive.value++
    this.#endpoint.stats.connectionsTotal++
    this.#endpoint.stats.connectionsActive++
    const connection = new Http2UpstreamConnection(this, this.#cluster, this.#endpoint, this.#transport)
    if (!connection.isConnecting) return
    this.#connecting = connection
    this.#wheel.set(connection.timer, this.#cluster.connectTimeoutMs)
  }

  #forget(connection: Http2UpstreamConnection): void {
    this.#wheel.cancel(connection.timer)
    this.#cluster.stats.upstreamCxActive.value--
    this.#endpoint.stats.connectionsActive--
  }

  #checkEmpty(): void {
    if (!this.#draining || this.#connecting !== null || this.#open.length > 0 || this.#pending.length > 0) return
    this.#onEmpty()
  }
}
