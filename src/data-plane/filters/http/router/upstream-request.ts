// One try of a request: its endpoint, its place in the pool's queue, its connection.
import type { HeaderList } from '../../../../transport/header-list.ts'
import { isTunnel, opensTunnel, type RequestHead, type ResponseHead } from '../../../../transport/request-head.ts'
import type { Cluster, Endpoint } from '../../../cluster/cluster.ts'
import type { HttpPool, PoolWaiter, RequestEncoder, UpstreamStream } from '../../../pool/request-encoder.ts'
import { RESET, type ResetReason } from '../../../pool/reset-reason.ts'

/** The router, told how the try fares. */
export interface UpstreamRequestOwner {
  /** The head may be sent. */
  onUpstreamReady(request: UpstreamRequest): void
  /** The endpoint agrees to the tunnel that was asked for: its bytes may be sent. */
  onUpstreamTunnel(request: UpstreamRequest): void
  onUpstreamHead(head: ResponseHead, fields: number, endStream: boolean): void
  onUpstreamBody(chunk: Buffer, endStream: boolean): void
  onUpstreamTrailers(trailers: HeaderList): void
  onUpstreamInterim(head: ResponseHead): void
  onUpstreamDrained(): void
  /** `failure`: the transport's reason. The try is over. */
  onUpstreamReset(reason: ResetReason, failure: string, reusedConnection: boolean): void
}

export class UpstreamRequest implements PoolWaiter, UpstreamStream {
  readonly endpoint: Endpoint
  readonly #owner: UpstreamRequestOwner
  readonly #cluster: Cluster
  readonly #pool: HttpPool
  #encoder: RequestEncoder | null = null
  #over = false
  /**
   * The request for a tunnel, until the endpoint has agreed: to one that does not, the tunnel's bytes would be the next
   * request, which no route and no policy has seen.
   */
  #tunnelAsked: RequestHead | null = null

  constructor(owner: UpstreamRequestOwner, cluster: Cluster, endpoint: Endpoint, pool: HttpPool) {
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
    const encoder = this.#pool.acquire(this, fresh)
    if (encoder !== null) this.onPoolReady(encoder)
  }

  get localAddress(): string {
    return this.#encoder?.localAddress ?? ''
  }

  /** What follows the head may be sent. */
  get takesBody(): boolean {
    return this.#encoder !== null && this.#tunnelAsked === null
  }

  /** On a connection that has carried requests before. */
  get isReused(): boolean {
    return this.#encoder?.isReused === true
  }

  get isBlocked(): boolean {
    return this.#encoder?.isBlocked === true
  }

  sendHead(head: RequestHead, path: string, authority: string, endStream: boolean): void {
    if (isTunnel(head)) this.#tunnelAsked = head
    this.#encoder?.sendHead(head, path, authority, endStream && this.#tunnelAsked === null)
  }

  sendBody(chunk: Buffer, endStream: boolean): void {
    this.#encoder?.sendBody(chunk, endStream)
  }

  sendTrailers(trailers: HeaderList): void {
    this.#encoder?.sendTrailers(trailers)
  }

  pause(): void {
    this.#encoder?.pause()
  }

  resume(): void {
    // The connection may carry another's response by now.
    if (!this.#over) this.#encoder?.resume()
  }

  /** Ends the try for good; what the endpoint still works on is abandoned. */
  cancel(): void {
    if (this.#over) return
    const encoder = this.#encoder
    this.#finish()
    if (encoder === null) {
      this.#pool.cancel(this)
      return
    }
    this.#cluster.stats.upstreamRqTxReset.value++
    encoder.abandon()
  }

  /** The response has ended before the request: what is left of that is not sent. */
  abandonRest(): void {
    this.#encoder?.abandon()
  }

  onPoolReady(encoder: RequestEncoder): void {
    this.#encoder = encoder
    encoder.assign(this)
    this.#owner.onUpstreamReady(this)
  }

  onPoolFailure(reason: ResetReason, failure: string): void {
    if (this.#over) return
    this.#finish()
    this.endpoint.stats.requestsError++
    this.#owner.onUpstreamReset(reason, failure, false)
  }

  onResponseHead(head: ResponseHead, fields: number, endStream: boolean): void {
    const asked = this.#tunnelAsked
    if (asked !== null && opensTunnel(asked, head.status)) {
      this.#tunnelAsked = null
      this.#owner.onUpstreamTunnel(this)
      if (this.#over) return
    }
    if (head.status < 500) this.endpoint.stats.requestsSuccess++
    else this.endpoint.stats.requestsError++
    if (endStream) this.#finish()
    this.#owner.onUpstreamHead(head, fields, endStream)
  }

  onResponseBody(chunk: Buffer, endStream: boolean): void {
    if (endStream) this.#finish()
    this.#owner.onUpstreamBody(chunk, endStream)
  }

  onResponseTrailers(trailers: HeaderList): void {
    this.#finish()
    this.#owner.onUpstreamTrailers(trailers)
  }

  onInterimResponse(head: ResponseHead): void {
    this.#owner.onUpstreamInterim(head)
  }

  onReset(reason: ResetReason): void {
    if (this.#over) return
    const reused = this.isReused
    this.#finish()
    this.endpoint.stats.requestsError++
    if (reason === RESET.remoteReset) this.#cluster.stats.upstreamRqRxReset.value++
    this.#owner.onUpstreamReset(reason, '', reused)
  }

  onEncoderDrained(): void {
    this.#owner.onUpstreamDrained()
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    this.endpoint.activeRequests--
    this.#cluster.stats.upstreamRqActive.value--
  }
}
