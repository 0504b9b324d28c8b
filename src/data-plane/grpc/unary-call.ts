// One gRPC call with one message either way, made by the proxy itself over one of its clusters.
import { type TimerWheel, WheelTimer } from '../../base/timer-wheel.ts'
import { getHeader, type HeaderList } from '../../transport/header-list.ts'
import { closeBatch, openBatch } from '../../transport/http/write-batch.ts'
import type { RequestHead, ResponseHead } from '../../transport/request-head.ts'
import type { Cluster, ClusterSource, Endpoint, PickContext } from '../cluster/cluster.ts'
import { isGrpcContentType } from '../http/grpc-status.ts'
import { ClusterPools } from '../pool/cluster-pools.ts'
import type { HttpPool, PoolWaiter, RequestEncoder, UpstreamStream } from '../pool/request-encoder.ts'
import { RESET, type ResetReason } from '../pool/reset-reason.ts'
import { frameMessage, onlyMessage } from './message-frame.ts'

/** Where calls of a kind go, the same for all of them. */
export interface GrpcTarget {
  readonly clusters: ClusterSource
  readonly wheel: TimerWheel
  readonly random: () => number
  readonly cluster: string
  /** `/package.Service/Method` */
  readonly path: string
  readonly authority: string
  /** Name, value, name, value: sent with each call. */
  readonly metadata: HeaderList
  /** 0: none. */
  readonly timeoutMs: number
}

export interface GrpcCallOwner {
  /** Status 0, and this message. May come before `start` returns, as may the other. */
  onGrpcMessage(message: Buffer): void
  /** No cluster, no endpoint, no connection, a reset, too late, another status, or no message. */
  onGrpcFailure(): void
}

const MAX_ANSWER_BYTES = 65_536

export class GrpcUnaryCall implements PoolWaiter, UpstreamStream, PickContext {
  readonly previous = null
  readonly authority = ''
  readonly attempt = 0
  readonly #target: GrpcTarget
  readonly #owner: GrpcCallOwner
  readonly #request: Buffer
  readonly #timer = new WheelTimer(this, 0)
  #cluster: Cluster | null = null
  #endpoint: Endpoint | null = null
  #pool: HttpPool | null = null
  #encoder: RequestEncoder | null = null
  #answer: Buffer | null = null
  #triedFresh = false
  #over = false

  constructor(target: GrpcTarget, owner: GrpcCallOwner, message: Uint8Array) {
    this.#target = target
    this.#owner = owner
    this.#request = frameMessage(message)
  }

  start(): void {
    const { clusters, cluster, timeoutMs, wheel } = this.#target
    this.#cluster = clusters.get(cluster) ?? null
    if (timeoutMs > 0) wheel.set(this.#timer, timeoutMs)
    this.#try(false)
  }

  /** The owner wants to hear no more. */
  cancel(): void {
    if (this.#over) return
    this.#end()
    this.#giveUp()
  }

  random(): number {
    return this.#target.random()
  }

  /** Nothing keeps calls together. */
  hash(): null {
    return null
  }

  onTimer(): void {
    openBatch()
    this.#giveUp()
    this.#fail()
    closeBatch()
  }

  onPoolReady(encoder: RequestEncoder): void {
    const { path, authority, metadata, timeoutMs } = this.#target
    this.#encoder = encoder
    this.#endpoint!.stats.requestsTotal++
    this.#cluster!.stats.upstreamRqTotal.value++
    encoder.assign(this)
    const headers = ['te', 'trailers', 'content-type', 'application/grpc']
    if (timeoutMs > 0) headers.push('grpc-timeout', `${Math.ceil(timeoutMs)}m`)
    for (let i = 0; i < metadata.length; i++) headers.push(metadata[i]!)
    const head: RequestHead = { method: 'POST', path, authority, scheme: 'http', protocol: '', headers }
    encoder.sendHead(head, path, authority, false)
    encoder.sendBody(this.#request, true)
  }

  onPoolFailure(): void {
    if (this.#over) return
    this.#release()
    this.#fail()
  }

  onResponseHead(head: ResponseHead, _fields: number, endStream: boolean): void {
    if (this.#over) return
    if (head.status === 200) this.#cluster!.stats.upstreamRq2xx.value++
    if (head.status !== 200 || !isGrpcContentType(getHeader(head.headers, 'content-type'))) this.#refuse(endStream)
    else if (endStream) this.#finish(head.headers)
  }

  onResponseBody(chunk: Buffer, endStream: boolean): void {
    if (this.#over) return
    const known = this.#answer
    if ((known?.length ?? 0) + chunk.length > MAX_ANSWER_BYTES) this.#refuse(endStream)
    else {
      // The chunk is the codec's, which may use its bytes again.
      this.#answer = known === null ? Buffer.from(chunk) : Buffer.concat([known, chunk])
      if (endStream) this.#refuse(true) // no status came
    }
  }

  onResponseTrailers(trailers: HeaderList): void {
    if (!this.#over) this.#finish(trailers)
  }

  onInterimResponse(): void {}

  onEncoderDrained(): void {}

  onReset(reason: ResetReason): void {
    if (this.#over) return
    const stale = this.#encoder?.isReused === true && reason === RESET.connectionTermination
    this.#release()
    // Closed for being idle, or not looked at (RFC 9113 8.7): once more, on a connection of its own.
    if ((stale || reason === RESET.remoteRefused) && !this.#triedFresh && this.#answer === null) {
      this.#triedFresh = true
      this.#try(true)
    } else this.#fail()
  }

  #try(fresh: boolean): void {
    const cluster = this.#cluster
    const endpoint = cluster === null ? null : cluster.picker.pick(this)
    if (cluster === null || endpoint === null) {
      if (cluster !== null) cluster.stats.upstreamCxNoneHealthy.value++
      this.#fail()
      return
    }
    const { stats, limits, resources } = cluster
    if (!resources.requests.claim(limits.maxRequests)) {
      stats.upstreamRqActiveOverflow.value++
      this.#fail()
      return
    }
    this.#endpoint = endpoint
    endpoint.activeRequests++
    stats.triesBegun.value++
    this.#pool = ClusterPools.of(cluster, this.#target.wheel).get(endpoint, true, null)
    const encoder = this.#pool.acquire(this, fresh)
    if (encoder !== null) this.onPoolReady(encoder)
  }

  #finish(fields: HeaderList): void {
    const message = onlyMessage(this.#answer)
    this.#release()
    if (message === null || getHeader(fields, 'grpc-status') !== '0') {
      this.#fail()
      return
    }
    this.#endpoint!.stats.requestsSuccess++
    this.#end()
    this.#owner.onGrpcMessage(message)
  }

  /** What came is no answer to the call. */
  #refuse(complete: boolean): void {
    if (complete) this.#release()
    else this.#giveUp()
    this.#fail()
  }

  #fail(): void {
    if (this.#over) return
    if (this.#endpoint !== null) this.#endpoint.stats.requestsError++
    this.#end()
    this.#owner.onGrpcFailure()
  }

  #end(): void {
    this.#over = true
    this.#target.wheel.cancel(this.#timer)
  }

  /** Lets go of what still works on the call. */
  #giveUp(): void {
    const encoder = this.#encoder
    const pool = this.#pool
    this.#release()
    if (encoder !== null) {
      this.#cluster!.stats.upstreamRqTxReset.value++
      encoder.abandon()
    } else pool?.cancel(this)
  }

  #release(): void {
    if (this.#pool === null) return
    this.#pool = null
    this.#encoder = null
    this.#endpoint!.activeRequests--
    this.#cluster!.resources.requests.release()
  }
}
