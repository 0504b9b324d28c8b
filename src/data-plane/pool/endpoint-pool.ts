// The HTTP/1.1 connections to one endpoint: the one used last is used first, so that those no longer needed grow idle.
import type { TimerWheel } from '../../base/timer-wheel.ts'
import type { Cluster, Endpoint } from '../cluster/cluster.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'
import { countConnectFailure, countConnection, countConnectionEnd } from './connection-counts.ts'
import { IdleAllowance, trustedMs } from './idle-allowance.ts'
import type { PoolSetup } from './pool-setup.ts'
import type { HttpPool, PoolWaiter } from './request-encoder.ts'
import type { ResetReason } from './reset-reason.ts'
import { type ConnectionOwner, UpstreamConnection } from './upstream-connection.ts'
import { WaitingQueue } from './waiting-queue.ts'

/** Where config sets no idle time-out: the age of a connection is watched all the same. */
const MAX_IDLE_MS = 24 * 3_600_000

export class EndpointPool implements HttpPool, ConnectionOwner {
  readonly #cluster: Cluster
  readonly #endpoint: Endpoint
  readonly #transport: UpstreamTransport
  readonly #wheel: TimerWheel
  #waiting: WaitingQueue
  readonly #onEmpty: () => void
  readonly #idle: UpstreamConnection[] = []
  readonly #allowance = new IdleAllowance()
  #connecting = 0
  #open = 0
  #draining = false

  constructor({ cluster, endpoint, wheel, transport, onEmpty }: PoolSetup) {
    this.#transport = transport
    this.#cluster = cluster
    this.#waiting = new WaitingQueue(cluster)
    this.#endpoint = endpoint
    this.#wheel = wheel
    this.#onEmpty = onEmpty
  }

  acquire(waiter: PoolWaiter, fresh: boolean): UpstreamConnection | null {
    const idle = fresh ? undefined : this.#idle.pop()
    if (idle !== undefined) return idle
    if (this.#waiting.add(waiter)) this.#connectAsNeeded()
    return null
  }

  cancel(waiter: PoolWaiter): void {
    this.#waiting.cancel(waiter)
  }

  drain(): void {
    this.#draining = true
    while (this.#idle.length > 0) this.#idle[this.#idle.length - 1]!.close()
    this.#checkEmpty()
  }

  /** `waiting`: who is served from here on; `transport` has a connection that is counted already. */
  takeOver(waiting: WaitingQueue): void {
    this.#waiting = waiting
    this.#connect()
    this.#connectAsNeeded()
  }

  get idleCount(): number {
    return this.#idle.length
  }

  get openCount(): number {
    return this.#open
  }

  onConnected(connection: UpstreamConnection): void {
    this.#connecting--
    this.#wheel.cancel(connection.timer)
    const { maxConnectionDurationMs } = this.#cluster
    if (maxConnectionDurationMs > 0) connection.expiresAt = this.#wheel.now() + maxConnectionDurationMs
    this.#offer(connection)
  }

  onConnectFailed(connection: UpstreamConnection, reason: ResetReason, failure: string): void {
    this.#connecting--
    countConnectFailure(this.#cluster, this.#endpoint, reason, failure)
    this.#forget(connection)
    this.#waiting.failAll(reason, failure)
    this.#checkEmpty()
  }

  onReleased(connection: UpstreamConnection): void {
    const max = this.#cluster.maxRequestsPerConnection
    // A stream that waited for its retry may come to a cluster that was replaced meanwhile, and has drained.
    if (this.#draining || !this.#cluster.live || (max > 0 && connection.requests >= max)) connection.close()
    else if (this.#wheel.now() >= connection.expiresAt) this.#expire(connection)
    else this.#offer(connection)
  }

  onClosed(connection: UpstreamConnection): void {
    const index = this.#idle.lastIndexOf(connection)
    if (index >= 0) {
      this.#idle.splice(index, 1)
      this.#learnIdleTime(connection)
    }
    this.#forget(connection)
    if (this.#waiting.length > 0) this.#connectAsNeeded()
    else this.#checkEmpty()
  }

  onIdleTimeout(connection: UpstreamConnection): void {
    connection.idleLimitMs = 0
    if (this.#wheel.now() >= connection.expiresAt) this.#expire(connection)
    else connection.close()
  }

  #expire(connection: UpstreamConnection): void {
    this.#cluster.stats.upstreamCxMaxDurationReached.value++
    connection.close()
  }

  #offer(connection: UpstreamConnection): void {
    const waiter = this.#waiting.shift()
    if (waiter !== undefined) {
      waiter.onPoolReady(connection)
      // The limit may have let go since (Envoy).
      if (this.#waiting.length > 0) this.#connectAsNeeded()
      return
    }
    if (this.#draining || !this.#cluster.live) {
      connection.close()
      return
    }
    this.#idle.push(connection)
    const configured = this.#cluster.idleTimeoutMs
    const now = this.#wheel.now()
    const allowed = Math.min(trustedMs(connection.keepAliveMs), this.#allowance.limitMs(now))
    const idle = Math.min(configured > 0 ? configured : MAX_IDLE_MS, allowed)
    const limit = Math.min(idle, Math.max(0, connection.expiresAt - now))
    connection.idleLimitMs = limit
    this.#wheel.set(connection.timer, limit)
  }

  /** An idle connection is gone. */
  #learnIdleTime(connection: UpstreamConnection): void {
    if (this.#draining || connection.idleLimitMs === 0 || !connection.timer.isSet) return
    const now = this.#wheel.now()
    this.#allowance.show(connection.idleLimitMs - (connection.timer.deadline - now), now)
  }

  /** One connection under way for each that waits; at the cluster's limit they wait for one to come free. */
  #connectAsNeeded(): void {
    const { stats, resources, limits } = this.#cluster
    while (this.#connecting < this.#waiting.length) {
      if (!resources.connections.claim(limits.maxConnections)) {
        stats.upstreamCxOverflow.value++
        if (this.#open > 0) {
          // Who waits for a fresh one gets the place of an idle one: nothing else need ever come free.
          if (this.#idle.length > 0) this.onIdleTimeout(this.#idle[0]!)
          return
        }
        // A pool without any connection may have one in spite of the limit, or its waiters would wait for ever (Envoy).
        resources.connections.add()
      }
      countConnection(this.#cluster, this.#endpoint)
      this.#connect()
    }
  }

  #connect(): void {
    this.#connecting++
    this.#open++
    const connection = new UpstreamConnection(this, this.#endpoint, this.#cluster, this.#transport, this.#wheel)
    if (connection.isConnecting) this.#wheel.set(connection.timer, this.#cluster.connectTimeoutMs)
  }

  #forget(connection: UpstreamConnection): void {
    this.#wheel.cancel(connection.timer)
    this.#open--
    countConnectionEnd(this.#cluster, this.#endpoint)
  }

  #checkEmpty(): void {
    if (this.#draining && this.#open === 0 && this.#waiting.length === 0) this.#onEmpty()
  }
}
