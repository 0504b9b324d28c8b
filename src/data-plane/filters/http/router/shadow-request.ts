// A copy of a request on its way to another cluster. Nobody waits for it, and nothing that becomes of it is told to the
// client: it has one try, and is given up where it does not keep up with the request.

import { WheelTimer } from '../../../../base/timer-wheel.ts'
import type { HeaderList } from '../../../../transport/header-list.ts'
import { closeBatch, openBatch } from '../../../../transport/http/write-batch.ts'
import type { RequestHead, ResponseHead } from '../../../../transport/request-head.ts'
import type { Cluster, PickContext } from '../../../cluster/cluster.ts'
import { ClusterPools } from '../../../pool/cluster-pools.ts'
import { serverIdentityFor } from '../../../pool/server-identity.ts'
import type { ForwardRoute } from '../../../route/route-entry.ts'
import type { AnswerComparison } from './answer-comparison.ts'
import type { RouterConfig } from './config.ts'
import { countStatus } from './finalize-response.ts'
import { claimRequest } from './pick-endpoint.ts'
import { RequestBuffer } from './request-buffer.ts'
import { UpstreamRequest, type UpstreamRequestOwner } from './upstream-request.ts'

const NO_BYTES = Buffer.alloc(0)

export class ShadowRequest implements UpstreamRequestOwner, PickContext {
  readonly head: RequestHead
  readonly path: string
  readonly authority: string
  readonly previous = null
  readonly attempt = 0
  /** Null: its answer is not looked at. */
  comparison: AnswerComparison | null = null
  readonly #config: RouterConfig
  readonly #cluster: Cluster
  readonly #route: ForwardRoute
  readonly #startedAt: number
  #upstream: UpstreamRequest | null = null
  /** What the endpoint does not take yet. */
  #body: RequestBuffer
  #trailers: HeaderList | null = null
  #requestEnded = false
  #timer: WheelTimer | null = null

  /** The route's time bounds its copies too. */
  constructor(
    config: RouterConfig,
    cluster: Cluster,
    head: RequestHead,
    path: string,
    authority: string,
    route: ForwardRoute,
  ) {
    this.#config = config
    this.#cluster = cluster
    this.head = head
    this.path = path
    this.authority = authority
    this.#route = route
    this.#startedAt = config.clock.now()
    this.#body = RequestBuffer.within(config, route, true)
  }

  random(): number {
    return this.#config.random.next()
  }

  /** Copies keep to no endpoint, as in Envoy. */
  hash(): null {
    return null
  }

  /** `http2`: the request came by HTTP/2, for clusters that keep to the downstream's protocol. */
  start(endStream: boolean, http2: boolean): void {
    const cluster = this.#cluster
    const { stats } = cluster
    const endpoint = cluster.picker.pick(this)
    if (endpoint === null) {
      stats.upstreamCxNoneHealthy.value++
      stats.upstreamRq5xx.value++
    } else if (!claimRequest(cluster)) {
      stats.upstreamRqActiveOverflow.value++
      stats.upstreamRq5xx.value++
    } else {
      const server = serverIdentityFor(cluster, this.head.headers, this.authority)
      const pool = ClusterPools.of(cluster, this.#config.wheel).get(endpoint, http2, null, server)
      const request = new UpstreamRequest(this, cluster, endpoint, pool, this.#config, null)
      this.#upstream = request
      if (endStream) this.#end()
      request.start(false)
      return
    }
    this.#lose()
  }

  sendBody(chunk: Buffer, endStream: boolean): void {
    const upstream = this.#upstream
    if (upstream === null) return
    if (endStream) this.#end()
    if (upstream.takesBody && !upstream.isBlocked && this.#body.bytes === 0) {
      upstream.sendBody(chunk, endStream)
      return
    }
    this.#body.add(chunk)
    if (!this.#body.isOverLimit) return
    this.#config.stats.shadowOverflow.value++
    this.cancel()
  }

  sendTrailers(trailers: HeaderList): void {
    const upstream = this.#upstream
    if (upstream === null) return
    this.#trailers = trailers
    this.#end()
    if (upstream.takesBody && !upstream.isBlocked && this.#body.bytes === 0) upstream.sendTrailers(trailers)
  }

  /** The request it copies is over. What is whole goes on alone. */
  onRequestOver(): void {
    if (!this.#requestEnded) this.cancel()
  }

  cancel(): void {
    const upstream = this.#upstream
    this.#finish()
    upstream?.cancel()
  }

  onUpstreamReady(request: UpstreamRequest): void {
    this.#upstream = request
    const isWhole = this.#requestEnded && this.#trailers === null && this.#body.bytes === 0
    request.sendHead(this.head, this.path, this.authority, isWhole)
    if (!isWhole && this.#upstream === request) this.#flush(request)
  }

  onUpstreamTunnel(): void {}

  onUpstreamHead(_request: UpstreamRequest, head: ResponseHead, _fields: number, endStream: boolean): void {
    countStatus(this.#cluster.stats, head.status)
    this.comparison?.mirror.onHead(head, this.#cluster.name)
    if (endStream) this.#onResponseEnd(null)
  }

  onUpstreamBody(chunk: Buffer, endStream: boolean): void {
    this.comparison?.mirror.onBody(chunk)
    if (endStream) this.#onResponseEnd(null)
  }

  onUpstreamTrailers(trailers: HeaderList): void {
    this.#onResponseEnd(trailers)
  }

  onUpstreamInterim(): void {}

  onUpstreamIdle(): void {}

  onUpstreamDrained(): void {
    if (this.#upstream !== null) this.#flush(this.#upstream)
  }

  onUpstreamReset(): void {
    this.#cluster.stats.upstreamRq5xx.value++
    this.#finish()
  }

  onTimer(): void {
    openBatch()
    const { stats } = this.#cluster
    stats.upstreamRqTimeout.value++
    stats.upstreamRq5xx.value++
    const upstream = this.#upstream
    this.#finish()
    upstream?.timeOut(0)
    closeBatch()
  }

  #flush(request: UpstreamRequest): void {
    const body = this.#body
    const trailers = this.#trailers
    if (body.bytes > 0) {
      this.#body = RequestBuffer.within(this.#config, this.#route, true)
      body.sendTo(request, this.#requestEnded && trailers === null)
    } else if (this.#requestEnded && trailers === null) request.sendBody(NO_BYTES, true)
    if (trailers !== null && this.#upstream === request) request.sendTrailers(trailers)
  }

  #end(): void {
    this.#requestEnded = true
    const { timeoutMs } = this.#route
    if (timeoutMs === 0) return
    this.#timer = new WheelTimer(this, 0)
    this.#config.wheel.set(this.#timer, timeoutMs)
  }

  #onResponseEnd(trailers: HeaderList | null): void {
    const upstream = this.#upstream
    this.comparison?.mirror.end(trailers)
    this.#cluster.stats.upstreamRqTime.record(this.#config.clock.now() - this.#startedAt)
    this.#finish()
    if (!this.#requestEnded) upstream?.abandonRest()
  }

  #finish(): void {
    this.#upstream = null
    if (this.#timer !== null) this.#config.wheel.cancel(this.#timer)
    this.#lose()
  }

  /** There is no more of its answer than has come. */
  #lose(): void {
    this.comparison?.mirror.lose()
    this.comparison?.settle()
  }
}
