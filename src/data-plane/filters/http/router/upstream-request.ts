// One try of a request: its endpoint, its place in the pool's queue, its connection.
import type { Clock } from '../../../../base/clock.ts'
import { type TimerWheel, WheelTimer } from '../../../../base/timer-wheel.ts'
import { getHeader, type HeaderList } from '../../../../transport/header-list.ts'
import { FIELD } from '../../../../transport/http/field-name.ts'
import { closeBatch, openBatch } from '../../../../transport/http/write-batch.ts'
import { isTunnel, opensTunnel, type RequestHead, type ResponseHead } from '../../../../transport/request-head.ts'
import type { Cluster, Endpoint, EndpointMonitor } from '../../../cluster/cluster.ts'
import { grpcToHttpStatus, isGrpcRequest } from '../../../http/grpc-status.ts'
import type { HttpPool, PoolWaiter, RequestEncoder, UpstreamStream } from '../../../pool/request-encoder.ts'
import { RESET, type ResetReason } from '../../../pool/reset-reason.ts'
import type { StreamInfo } from '../../../stream-info.ts'
import type { StreamRecord } from '../../../stream-record.ts'
import type { UpstreamConnectionInfo } from '../../../upstream-connection-info.ts'
import { UpstreamLog, type UpstreamLogTools } from './upstream-log.ts'

/** The router, told how the try fares. */
export interface UpstreamRequestOwner {
  readonly head: RequestHead
  /** The head may be sent. */
  onUpstreamReady(request: UpstreamRequest): void
  /** The endpoint agrees to the tunnel that was asked for: its bytes may be sent. */
  onUpstreamTunnel(request: UpstreamRequest): void
  onUpstreamHead(request: UpstreamRequest, head: ResponseHead, fields: number, endStream: boolean): void
  onUpstreamBody(chunk: Buffer, endStream: boolean): void
  onUpstreamTrailers(trailers: HeaderList): void
  onUpstreamInterim(request: UpstreamRequest, head: ResponseHead): void
  onUpstreamDrained(): void
  /** Nothing has come for as long as the policy bears it. */
  onUpstreamIdle(request: UpstreamRequest): void
  /** `failure`: the transport's reason. The try is over. */
  onUpstreamReset(request: UpstreamRequest, reason: ResetReason, failure: string, reusedConnection: boolean): void
}

export class UpstreamRequest implements PoolWaiter, UpstreamStream {
  readonly endpoint: Endpoint
  readonly #owner: UpstreamRequestOwner
  readonly #cluster: Cluster
  readonly #pool: HttpPool
  readonly #clock: Clock
  /** Null: nobody wants to know when what happened. */
  readonly #record: StreamRecord | null
  /** Null: tries have no lines of their own. */
  readonly #log: UpstreamLog | null
  /** Read only where the endpoint's balancing policy wants to know of it. */
  #startedAt = 0
  /** The endpoint's fault: a response that says so, or none though it was asked. A try given up is judged by its time alone. */
  #failed = false
  #encoder: RequestEncoder | null = null
  #over = false
  #awaitsHead = true
  /** A time-out that did not end the try has been told to the endpoint's monitor. */
  #outlasted = false
  /** It is known how the endpoint did, and counted. */
  #counted = false
  /** The endpoint is on probation, and this is one of the requests that it has to prove itself with. */
  #isProbe = false
  /** Null: not asked yet. */
  #isGrpc: boolean | null = null
  #idleTimer: WheelTimer | null = null
  #wheel: TimerWheel | null = null
  #idleTimeoutMs = 0
  /**
   * The request for a tunnel, until the endpoint has agreed: to one that does not, the tunnel's bytes would be the next
   * request, which no route and no policy has seen.
   */
  #tunnelAsked: RequestHead | null = null

  constructor(
    owner: UpstreamRequestOwner,
    cluster: Cluster,
    endpoint: Endpoint,
    pool: HttpPool,
    tools: UpstreamLogTools,
    info: StreamInfo | null,
  ) {
    this.#record = info?.record ?? null
    this.#log = info === null || tools.upstreamLogs.length === 0 ? null : new UpstreamLog(info, endpoint, tools)
    this.#owner = owner
    this.#cluster = cluster
    this.endpoint = endpoint
    this.#pool = pool
    this.#clock = tools.clock
  }

  /** With a place among the cluster's requests. `fresh`: not on a connection that was used before. */
  start(fresh: boolean): void {
    if (this.endpoint.tracker !== null) this.#startedAt = this.#clock.now()
    const { monitor } = this.endpoint
    if (monitor !== null) this.#isProbe = monitor.begin()
    this.endpoint.activeRequests++
    this.#cluster.stats.triesBegun.value++
    this.#cluster.stats.requestWindow?.add()
    this.#record?.beginTry(this.#clock.now())
    const encoder = this.#pool.acquire(this, fresh)
    if (encoder !== null) this.onPoolReady(encoder)
  }

  get connection(): UpstreamConnectionInfo | null {
    return this.#encoder?.connection ?? null
  }

  /** It does not count among the requests under way any more. */
  get isOver(): boolean {
    return this.#over
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
    const isWhole = endStream && this.#tunnelAsked === null
    this.#record?.sentUpstream(this.#clock.now(), isWhole)
    this.#encoder?.sendHead(head, path, authority, isWhole)
  }

  sendBody(chunk: Buffer, endStream: boolean): void {
    this.#log?.onSent(chunk.length)
    if (endStream) this.#record?.sentUpstream(this.#clock.now(), true)
    this.#encoder?.sendBody(chunk, endStream)
  }

  sendTrailers(trailers: HeaderList): void {
    this.#record?.sentUpstream(this.#clock.now(), true)
    this.#encoder?.sendTrailers(trailers)
  }

  pause(): void {
    this.#encoder?.pause()
  }

  resume(): void {
    // The connection may carry another's response by now.
    if (!this.#over) this.#encoder?.resume()
  }

  /** From the moment the whole request could be sent: bytes of the response are waited for so long (Envoy). */
  watchIdle(wheel: TimerWheel, timeoutMs: number): void {
    if (this.#encoder === null || this.#over) return
    this.#idleTimer ??= new WheelTimer(this, 0)
    this.#wheel = wheel
    this.#idleTimeoutMs = timeoutMs
    wheel.set(this.#idleTimer, timeoutMs)
  }

  onTimer(): void {
    openBatch()
    this.#owner.onUpstreamIdle(this)
    closeBatch()
  }

  /** It has taken too long: the endpoint is judged by it, and may answer yet. */
  outlast(): void {
    if (this.#outlasted) return
    this.#outlasted = true
    this.#fail(true)
  }

  /**
   * It has taken too long: ends the try, too. `flag`, of RESPONSE_FLAG, is its line's: none where the route's time is over
   * (Envoy).
   */
  timeOut(flag: number): void {
    this.#log?.onTimeout(flag)
    if (this.#awaitsHead && !this.#outlasted) this.#fail(true)
    this.#count(false)
    this.cancel()
  }

  /** Ends the try for good; what the endpoint still works on is abandoned. */
  cancel(): void {
    if (this.#over) return
    const encoder = this.#encoder
    this.endpoint.monitor?.abandoned(this.#isProbe)
    this.#isProbe = false
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
    this.endpoint.stats.requestsTotal++
    this.#cluster.stats.upstreamRqTotal.value++
    if (this.#record !== null) this.#record.poolReady = this.#clock.now()
    this.endpoint.monitor?.connected()
    this.#log?.onConnection(encoder.connection)
    encoder.assign(this)
    this.#owner.onUpstreamReady(this)
  }

  onPoolFailure(reason: ResetReason, failure: string): void {
    if (this.#over) return
    if (this.#record !== null) this.#record.poolReady = this.#clock.now()
    this.#log?.onReset(reason, failure)
    // The cluster's limit, not the endpoint's fault.
    if (reason === RESET.overflow) this.#abandon()
    else this.#fail(false)
    this.#finish()
    this.#count(false)
    this.#owner.onUpstreamReset(this, reason, failure, false)
  }

  onResponseHead(head: ResponseHead, fields: number, endStream: boolean): void {
    const asked = this.#tunnelAsked
    if (asked !== null && opensTunnel(asked, head.status)) {
      this.#tunnelAsked = null
      this.#owner.onUpstreamTunnel(this)
      if (this.#over) return
    }
    this.#awaitsHead = false
    this.#log?.onHead(head)
    this.#record?.receivedUpstream(this.#clock.now(), endStream)
    this.#failed = head.status >= 500
    this.#touch()
    if (this.endpoint.monitor !== null) this.#judge(this.endpoint.monitor, head, fields)
    const { checkMonitor } = this.endpoint
    if (checkMonitor !== null && getHeader(head.headers, 'x-envoy-immediate-health-check-fail') !== undefined)
      checkMonitor.onImmediateFailure()
    if (head.status >= 500) this.#count(false)
    else this.#countHead(head, fields, endStream)
    if (endStream) this.#finish()
    this.#owner.onUpstreamHead(this, head, fields, endStream)
  }

  onResponseBody(chunk: Buffer, endStream: boolean): void {
    this.#touch()
    this.#log?.onReceived(chunk.length)
    this.#record?.receivedBody(this.#clock.now(), endStream)
    if (endStream) {
      this.#count(false) // where it is not yet known: gRPC without a status
      this.#finish()
    }
    this.#owner.onUpstreamBody(chunk, endStream)
  }

  onResponseTrailers(trailers: HeaderList): void {
    this.#log?.onTrailers(trailers)
    this.#record?.receivedUpstream(this.#clock.now(), true)
    if (!this.#counted) this.#count(saysWell(trailers))
    this.#finish()
    this.#owner.onUpstreamTrailers(trailers)
  }

  onInterimResponse(head: ResponseHead): void {
    this.#owner.onUpstreamInterim(this, head)
  }

  onReset(reason: ResetReason): void {
    if (this.#over) return
    const reused = this.isReused
    this.#log?.onReset(reason, '')
    // A pooled connection that turns out to be dead tells of its age; the endpoint's own death shows at the next one.
    if (this.#awaitsHead && reused && reason === RESET.connectionTermination) this.#abandon()
    else this.#fail(false)
    this.#finish()
    this.#count(false)
    if (reason === RESET.remoteReset) this.#cluster.stats.upstreamRqRxReset.value++
    this.#owner.onUpstreamReset(this, reason, '', reused)
  }

  onEncoderDrained(): void {
    this.#owner.onUpstreamDrained()
  }

  #asksGrpc(): boolean {
    this.#isGrpc ??= isGrpcRequest(this.#owner.head.headers)
    return this.#isGrpc
  }

  /** What a gRPC endpoint thinks of a request stands in grpc-status (Envoy, Filter::onUpstreamHeaders). */
  #judge(monitor: EndpointMonitor, head: ResponseHead, fields: number): void {
    const { errors } = monitor
    const says = fields & FIELD.grpcStatus ? getHeader(head.headers, 'grpc-status') : undefined
    const isGrpc = (says !== undefined || errors !== null) && this.#asksGrpc()
    let { status } = head
    if (isGrpc && says !== undefined) status = grpcToHttpStatus(Number(says))
    // Whatever was asked for is an error of the endpoint's, and nothing else is.
    else if (!isGrpc && errors !== null) status = errors.test(head) ? Math.max(500, status) : 200
    monitor.answered(status, this.#isProbe)
    this.#isProbe = false
  }

  /** Of gRPC the status says it, which comes in the trailers (Envoy, Filter::handleNon5xxResponseHeaders). */
  #countHead(head: ResponseHead, fields: number, endStream: boolean): void {
    const isGrpc = this.#cluster.httpProtocol !== 'http1' && this.#asksGrpc()
    if (!isGrpc) this.#count(true)
    else if (endStream) this.#count((fields & FIELD.grpcStatus) !== 0 && saysWell(head.headers))
  }

  /** Once: Envoy's rq_success and rq_error. */
  #count(succeeded: boolean): void {
    if (this.#counted) return
    this.#counted = true
    const { stats } = this.endpoint
    if (succeeded) {
      stats.requestsSuccess++
      this.#cluster.stats.triesSucceeded.value++
    } else {
      stats.requestsError++
      this.#cluster.stats.triesFailed.value++
    }
  }

  /** Over, and its endpoint is not judged by it. A limit's refusal is told as that, a dead connection's request is sent again. */
  #abandon(): void {
    this.endpoint.monitor?.abandoned(this.#isProbe)
    this.endpoint.stats.requestsError++
    this.#counted = true
  }

  #fail(timedOut: boolean): void {
    this.#failed = true
    this.endpoint.monitor?.failed(timedOut, this.#isProbe)
    this.#isProbe = false
  }

  #touch(): void {
    if (this.#idleTimer !== null) this.#wheel!.set(this.#idleTimer, this.#idleTimeoutMs)
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    if (this.#idleTimer !== null) this.#wheel!.cancel(this.#idleTimer)
    this.endpoint.activeRequests--
    const { tracker } = this.endpoint
    if (tracker !== null) {
      const now = this.#clock.now()
      tracker.onRequestEnd(now, now - this.#startedAt, this.#failed)
    }
    this.#cluster.resources.requests.release()
    this.#log?.end()
  }
}

/** Of a gRPC response: a status for which HTTP has none of the 5xx. */
function saysWell(fields: HeaderList): boolean {
  const status = getHeader(fields, 'grpc-status')
  return status !== undefined && grpcToHttpStatus(Number(status)) < 500
}
