// The HTTP/2 connections to one endpoint: one, until it carries as many streams as the endpoint allows; then another.
import type { TimerWheel } from '../../base/timer-wheel.ts'
import type { Cluster, Endpoint } from '../cluster/cluster.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'
import { countConnectFailure, countConnection, countConnectionEnd } from './connection-counts.ts'
import { type Http2ConnectionOwner, Http2UpstreamConnection } from './http2-upstream-connection.ts'
import type { PoolSetup } from './pool-setup.ts'
import type { HttpPool, PoolWaiter, RequestEncoder } from './request-encoder.ts'
import type { ResetReason } from './reset-reason.ts'
import { WaitingQueue } from './waiting-queue.ts'

export class Http2Pool implements HttpPool, Http2ConnectionOwner {
  readonly #cluster: Cluster
  readonly #endpoint: Endpoint
  readonly #transport: UpstreamTransport
  readonly #wheel: TimerWheel
  #waiting: WaitingQueue
  readonly #onEmpty: () => void
  readonly #open: Http2UpstreamConnection[] = []
  #connecting: Http2UpstreamConnection | null = null
  #draining = false

  constructor({ cluster, endpoint, wheel, transport, onEmpty }: PoolSetup) {
    this.#transport = transport
    this.#cluster = cluster
    this.#waiting = new WaitingQueue(cluster)
    this.#endpoint = endpoint
    this.#wheel = wheel
    this.#onEmpty = onEmpty
  }

  acquire(waiter: PoolWaiter, fresh: boolean): RequestEncoder | null {
    const connection = fresh ? null : this.#available()
    if (connection !== null) return this.#openStream(connection)
    if (this.#waiting.add(waiter)) this.#connectAsNeeded()
    return null
  }

  cancel(waiter: PoolWaiter): void {
    this.#waiting.cancel(waiter)
  }

  drain(): void {
    this.#draining = true
    for (let i = this.#open.length - 1; i >= 0; i--) this.#open[i]!.drain()
    this.#checkEmpty()
  }

  /** `waiting`: who is served from here on; `transport` has a connection that is counted already. */
  takeOver(waiting: WaitingQueue): void {
    this.#waiting = waiting
    this.#connect()
  }

  get openCount(): number {
    return this.#open.length
  }

  onConnected(connection: Http2UpstreamConnection): void {
    this.#connecting = null
    this.#wheel.cancel(connection.timer)
    const { maxConnectionDurationMs } = this.#cluster
    if (maxConnectionDurationMs > 0) this.#wheel.set(connection.lifetime, maxConnectionDurationMs)
    this.#open.push(connection)
    this.onCapacity(connection)
  }

  onConnectFailed(connection: Http2UpstreamConnection, reason: ResetReason, failure: string): void {
    this.#connecting = null
    countConnectFailure(this.#cluster, this.#endpoint, reason, failure)
    this.#forget(connection)
    this.#waiting.failAll(reason, failure)
    this.#checkEmpty()
  }

  onCapacity(connection: Http2UpstreamConnection): void {
    while (this.#waiting.length > 0 && connection.canOpenStream) {
      this.#waiting.shift()!.onPoolReady(this.#openStream(connection))
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
    if (this.#waiting.length === 0 || this.#connecting !== null) return
    const { stats, resources, limits } = this.#cluster
    if (!resources.connections.claim(limits.maxConnections)) {
      stats.upstreamCxOverflow.value++
      if (this.#open.length > 0) {
        // Who waits for a fresh one takes what there is: nothing else need ever come free.
        const connection = this.#available()
        if (connection !== null) this.onCapacity(connection)
        return
      }
      // A pool without any connection may have one in spite of the limit, or its waiters would wait for ever (Envoy).
      resources.connections.add()
    }
    countConnection(this.#cluster, this.#endpoint)
    this.#connect()
  }

  #connect(): void {
    const connection = new Http2UpstreamConnection(this, this.#cluster, this.#endpoint, this.#transport, this.#wheel)
    if (!connection.isConnecting) return
    this.#connecting = connection
    this.#wheel.set(connection.timer, this.#cluster.connectTimeoutMs)
  }

  #forget(connection: Http2UpstreamConnection): void {
    this.#wheel.cancel(connection.timer)
    this.#wheel.cancel(connection.lifetime)
    countConnectionEnd(this.#cluster, this.#endpoint)
  }

  #checkEmpty(): void {
    if (!this.#draining || this.#connecting !== null || this.#open.length > 0 || this.#waiting.length > 0) return
    this.#onEmpty()
  }
}
