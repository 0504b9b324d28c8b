// An endpoint whose protocol is not known before the handshake (auto_config): the first connection finds out, and the pool
// for what it agreed on takes it and all who wait.
import type { Socket } from 'node:net'
import { type TimerWheel, WheelTimer } from '../../base/timer-wheel.ts'
import { closeBatch, openBatch } from '../../transport/http/write-batch.ts'
import type { Cluster, Endpoint } from '../cluster/cluster.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'
import { countConnectFailure, countConnection, countConnectionEnd } from './connection-counts.ts'
import { EndpointPool } from './endpoint-pool.ts'
import { Http2Pool } from './http2-pool.ts'
import { NegotiatedTransport, type NegotiationOwner, negotiatedProtocol } from './negotiated-transport.ts'
import type { PoolSetup } from './pool-setup.ts'
import type { HttpPool, PoolWaiter, RequestEncoder } from './request-encoder.ts'
import { RESET, type ResetReason } from './reset-reason.ts'
import { WaitingQueue } from './waiting-queue.ts'

export class AlpnPool implements HttpPool, NegotiationOwner {
  readonly #cluster: Cluster
  readonly #endpoint: Endpoint
  readonly #transport: UpstreamTransport
  readonly #wheel: TimerWheel
  readonly #onEmpty: () => void
  readonly #timer = new WheelTimer(this, 0)
  /** The pool's own, too: whoever waits here waits there once there is one. */
  #waiting: WaitingQueue
  /** Null while the protocol is not known. */
  #pool: HttpPool | null = null
  /** Of that pool. */
  #negotiated: NegotiatedTransport | null = null
  /** The connection that finds out. */
  #probe: Socket | null = null
  #draining = false

  constructor({ cluster, endpoint, wheel, transport, onEmpty }: PoolSetup) {
    this.#cluster = cluster
    this.#endpoint = endpoint
    this.#wheel = wheel
    this.#onEmpty = onEmpty
    this.#transport = transport
    this.#waiting = new WaitingQueue(cluster)
  }

  acquire(waiter: PoolWaiter, fresh: boolean): RequestEncoder | null {
    if (this.#pool !== null) return this.#pool.acquire(waiter, fresh)
    if (this.#waiting.add(waiter) && this.#probe === null) this.#findOut()
    return null
  }

  cancel(waiter: PoolWaiter): void {
    this.#waiting.cancel(waiter)
  }

  drain(): void {
    this.#draining = true
    if (this.#pool !== null) this.#pool.drain()
    else this.#checkEmpty()
  }

  /** The endpoint was replaced by another, it seems. */
  onOtherProtocol(transport: NegotiatedTransport): void {
    if (transport !== this.#negotiated) return
    const former = this.#pool
    this.#pool = null
    // That pool's end is not the end of this one.
    this.#negotiated = null
    this.#waiting = this.#waiting.handOver()
    former?.drain()
    if (this.#waiting.length > 0) this.#findOut()
  }

  onTimer(): void {
    const probe = this.#probe
    if (probe !== null) this.#onFailed(probe, RESET.connectionTimeout, '')
  }

  #findOut(): void {
    const { address, port } = this.#endpoint
    const probe = this.#transport.connect(address, port, failure => {
      if (this.#probe !== probe) return
      if (failure === null) this.#onKnown(probe)
      else this.#onFailed(probe, RESET.remoteConnectionFailure, failure)
    })
    this.#probe = probe
    // What there is to say comes by the callback.
    probe.on('error', () => {})
    // The pool's only one: see EndpointPool.
    this.#cluster.resources.connections.add()
    countConnection(this.#cluster, this.#endpoint)
    this.#wheel.set(this.#timer, this.#cluster.connectTimeoutMs)
  }

  #onKnown(probe: Socket): void {
    this.#probe = null
    this.#wheel.cancel(this.#timer)
    const protocol = negotiatedProtocol(probe)
    const transport = new NegotiatedTransport(this, this.#transport, protocol, probe)
    this.#negotiated = transport
    const Pool = protocol === 'http2' ? Http2Pool : EndpointPool
    const onEmpty = (): void => {
      if (transport === this.#negotiated) this.#onEmpty()
    }
    const pool = new Pool({ cluster: this.#cluster, endpoint: this.#endpoint, wheel: this.#wheel, transport, onEmpty })
    this.#pool = pool
    openBatch()
    pool.takeOver(this.#waiting)
    closeBatch()
    if (this.#draining) pool.drain()
  }

  #onFailed(probe: Socket, reason: ResetReason, failure: string): void {
    this.#probe = null
    this.#wheel.cancel(this.#timer)
    probe.destroy()
    countConnectFailure(this.#cluster, this.#endpoint, reason, failure)
    countConnectionEnd(this.#cluster, this.#endpoint)
    openBatch()
    this.#waiting.failAll(reason, failure)
    closeBatch()
    this.#checkEmpty()
  }

  #checkEmpty(): void {
    if (this.#draining && this.#pool === null && this.#probe === null && this.#waiting.length === 0) this.#onEmpty()
  }
}
