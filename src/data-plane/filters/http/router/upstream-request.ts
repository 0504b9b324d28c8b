// One try of a request: its endpoint, its place in the pool's queue, its connection.
import type { RequestHead, ResponseHead } from '../../../../transport/request-head.ts'
import type { Cluster, Endpoint } from '../../../cluster/cluster.ts'
import type { EndpointPool, PoolWaiter } from '../../../pool/endpoint-pool.ts'
import type { ResetReason } from '../../../pool/reset-reason.ts'
import type { UpstreamConnection, UpstreamStream } from '../../../pool/upstream-connection.ts'

/** The router, told how the try fares. */
export interface UpstreamRequestOwner {
  /** Bytes may be sent. */
  onUpstreamReady(request: UpstreamRequest): void
  onUpstreamHead(head: ResponseHead, fields: number, endStream: boolean): void
  onUpstreamBody(chunk: Buffer, endStream: boolean): void
  onUpstreamInterim(head: ResponseHead): void
  onUpstreamDrained(): void
  /** `failure`: the transport's reason. The try is over. */
  onUpstreamReset(reason: ResetReason, failure: string, reusedConnection: boolean): void
}

export class UpstreamRequest implements PoolWaiter, UpstreamStream {
  readonly endpoint: Endpoint
  readonly #owner: UpstreamRequestOwner
  readonly #cluster: Cluster
  readonly #pool: EndpointPool
  #connection: UpstreamConnection | null = null
  #over = false

  constructor(owner: UpstreamRequestOwner, cluster: Cluster, endpoint: Endpoint, pool: EndpointPool) {
    this.#owner = owner
    this.#cluster = cluster
    this.endpoint = endpoint
    this.#pool = pool
  }

  /** `fresh`: not on a connection that was used before. */
  start(fresh: boolean): void {
    this.endpoint.activeRequests++
    this.endpoint.stats.requestsTotal++
    this.#cluster.stats.upstreamRqTotal.value++
    this.#cluster.stats.upstreamRqActive.value++
    const connection = this.#pool.acquire(this, fresh)
    if (connection !== null) this.onPoolReady(connection)
  }

  get localAddress(): string {
    return this.#connection?.localAddress ?? ''
  }

  get isConnected(): boolean {
    return this.#connection !== null
  }

  get isBlocked(): boolean {
    return this.#connection?.isBlocked === true
  }

  sendHead(head: RequestHead, path: string, authority: string, endStream: boolean): void {
    this.#connection?.sendHead(head, path, authority, endStream)
  }

  sendBody(chunk: Buffer, endStream: boolean): void {
    this.#connection?.sendBody(chunk, endStream)
  }

  pause(): void {
    this.#connection?.pause()
  }

  resume(): void {
    this.#connection?.resume()
  }

  /** Ends the try for good. A connection whose response has not ended is closed. */
  cancel(): void {
    if (this.#over) return
    const connection = this.#connection
    this.#finish()
    if (connection === null) {
      this.#pool.cancel(this)
      return
    }
    this.#cluster.stats.upstreamRqTxReset.value++
    connection.abandon()
  }

  /** The response has ended before the request: what is left of that is not sent, and the connection is of no more use. */
  abandonRest(): void {
    this.#connection?.abandon()
  }

  onPoolReady(connection: UpstreamConnection): void {
    this.#connection = connection
    connection.assign(this)
    this.#owner.onUpstreamReady(this)
  }

  onPoolFailure(reason: ResetReason, failure: string): void {
    this.#finish()
    this.endpoint.stats.requestsError++
    this.#owner.onUpstreamReset(reason, failure, false)
  }

  onResponseHead(head: ResponseHead, fields: number, endStream: boolean): void {
    if (head.status < 500) this.endpoint.stats.requestsSuccess++
    else this.endpoint.stats.requestsError++
    if (endStream) this.#finish()
    this.#owner.onUpstreamHead(head, fields, endStream)
  }

  onResponseBody(chunk: Buffer, endStream: boolean): void {
    if (endStream) this.#finish()
    this.#owner.onUpstreamBody(chunk, endStream)
  }

  onInterimResponse(head: ResponseHead): void {
    this.#owner.onUpstreamInterim(head)
  }

  onConnectionLost(reason: ResetReason): void {
    if (this.#over) return
    const reused = (this.#connection?.requests ?? 0) > 1
    this.#finish()
    this.endpoint.stats.requestsError++
    this.#cluster.stats.upstreamRqRxReset.value++
    this.#owner.onUpstreamReset(reason, '', reused)
  }

  onConnectionDrained(): void {
    this.#owner.onUpstreamDrained()
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    this.endpoint.activeRequests--
    this.#cluster.stats.upstreamRqActive.value--
  }
}
