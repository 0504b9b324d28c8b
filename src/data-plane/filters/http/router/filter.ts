// The filter that ends every chain: finds the route, sends the request upstream, tries again where it may, and hands the
// response back.
import { WheelTimer } from '../../../../base/timer-wheel.ts'
import type { Uint64 } from '../../../../base/uint64.ts'
import { type HeaderList, removeHeader, setHeader } from '../../../../transport/header-list.ts'
import { FIELD } from '../../../../transport/http/field-name.ts'
import { closeBatch, openBatch } from '../../../../transport/http/write-batch.ts'
import { isTunnel, type RequestHead, type ResponseHead } from '../../../../transport/request-head.ts'
import { retryLimit } from '../../../cluster/circuit-limits.ts'
import type { Cluster, Endpoint } from '../../../cluster/cluster.ts'
import type { LocalReply } from '../../../http/local-reply.ts'
import type { ResetReason } from '../../../pool/reset-reason.ts'
import { RESPONSE_FLAG } from '../../../response-flag.ts'
import type { ClusterChoice, ForwardRoute } from '../../../route/route-entry.ts'
import type { DataStatus, HeadersStatus, TerminalFilter, TerminalStream } from '../contract/http-filter.ts'
import type { RouterConfig } from './config.ts'
import { directReply } from './direct-reply.ts'
import { failureOf, standIn, takesOver } from './fallback.ts'
import { type FinalizedRequest, finalizeRequestHeaders } from './finalize-request.ts'
import { countStatus, finalizeReply, finalizeResponseHeaders } from './finalize-response.ts'
import { isFull, pickEndpoint, poolForTry, type RepeatedPick, refusal, remembered } from './pick-endpoint.ts'
import { RequestBuffer } from './request-buffer.ts'
import { retryDelayMs } from './retry-backoff.ts'
import { isIdempotent, retriesPerTryTimeout, retriesReset, retriesResponse, wasUnprocessed } from './retry-decision.ts'
import {
  clusterNotFound,
  PER_TRY_IDLE_TIMEOUT,
  PER_TRY_TIMEOUT,
  printable,
  RESPONSE_TIMEOUT,
  ROUTE_NOT_FOUND,
  upstreamReset,
  withAttemptCount,
} from './router-reply.ts'
import { Shadows } from './shadows.ts'
import { UpstreamRequest, type UpstreamRequestOwner } from './upstream-request.ts'

const NO_BYTES = Buffer.alloc(0)
const TIMER = { route: 0, perTry: 1, backoff: 2 } as const

export class RouterFilter implements TerminalFilter, UpstreamRequestOwner, RepeatedPick, FinalizedRequest {
  readonly head: RequestHead
  previous: Endpoint[] | null = null
  attempt = 0
  setCookies: string[] | null = null
  /** To send to and for, after rewrites. */
  authority = ''
  path = ''
  readonly #stream: TerminalStream
  readonly #config: RouterConfig
  #route: ForwardRoute | null = null
  /** Of the request; undefined until a picker asks for it. */
  #hash: Uint64 | null | undefined
  #choice: ClusterChoice | null = null
  #cluster: Cluster | null = null
  #upstream: UpstreamRequest | null = null
  #body: RequestBuffer | null = null
  /** The request's, kept for a connection to come or another try. */
  #trailers: HeaderList | null = null
  #shadows: Shadows | null = null
  #requestEnded = false
  #requestPaused = false
  #responseStarted = false
  /** Of the try under way: Envoy tries none again that has begun to answer, be it with a 1xx. */
  #interimSeen = false
  #attempts = 0
  #retriesLeft = 0
  #retryActive = false
  /** One unpaid try on a fresh connection, after a pooled one was found dead. */
  #freshTryUsed = false
  #fallbackUsed = false
  #routeTimer: WheelTimer | null = null
  #perTryTimer: WheelTimer | null = null
  #backoffTimer: WheelTimer | null = null

  constructor(stream: TerminalStream, config: RouterConfig) {
    this.#stream = stream
    this.#config = config
    this.head = stream.request
  }

  random(): number {
    return this.#config.random.next()
  }

  hash(): Uint64 | null {
    if (this.#hash === undefined) this.#hash = this.#route!.hashPolicy?.generate(this, this.#stream.info) ?? null
    return this.#hash
  }

  decodeHeaders(_head: RequestHead, endStream: boolean): HeadersStatus {
    this.#requestEnded = endStream
    const route = this.#stream.route()
    if (route === null) {
      this.#config.stats.noRoute.value++
      this.#stream.localReply(ROUTE_NOT_FOUND)
    } else if (route.kind === 'forward') this.#forward(route, this.#stream.clusterChoice()!)
    else this.#stream.localReply(directReply(this, route, this.#stream.info, this.#config))
    return 'stop'
  }

  decodeData(chunk: Buffer, endStream: boolean): DataStatus {
    if (endStream) this.#requestEnded = true
    this.#shadows?.sendBody(chunk, endStream)
    const upstream = this.#upstream
    const body = this.#body
    const sends = upstream?.takesBody === true
    if (body !== null) this.#buffer(body, chunk, sends)
    // Sending may end the stream, and its timers with it.
    if (endStream) this.#startTimers()
    if (sends) {
      upstream.sendBody(chunk, endStream)
      if (this.#upstream === upstream && upstream.isBlocked) this.#pauseRequest()
    }
    return 'continue'
  }

  decodeTrailers(trailers: HeaderList): HeadersStatus {
    this.#requestEnded = true
    this.#trailers = trailers
    this.#shadows?.sendTrailers(trailers)
    this.#startTimers()
    if (this.#upstream?.takesBody === true) this.#upstream.sendTrailers(trailers)
    return 'continue'
  }

  onDownstreamDrained(): void {
    this.#upstream?.resume()
  }

  onDestroy(): void {
    const upstream = this.#upstream
    this.#upstream = null
    this.#endRetry()
    const { wheel } = this.#config
    if (this.#routeTimer !== null) wheel.cancel(this.#routeTimer)
    if (this.#perTryTimer !== null) wheel.cancel(this.#perTryTimer)
    if (this.#backoffTimer !== null) wheel.cancel(this.#backoffTimer)
    this.#body = null
    this.#shadows?.onRequestOver()
    upstream?.cancel()
  }

  onUpstreamReady(request: UpstreamRequest): void {
    // Before the caller could keep it, when the pool had a connection at hand.
    this.#upstream = request
    this.#stream.info.upstreamLocalAddress = request.localAddress
    if (this.#requestEnded) this.#watchIdle(request)
    const hasBody = this.#trailers !== null || (this.#body !== null && this.#body.bytes > 0)
    request.sendHead(this.head, this.path, this.authority, this.#requestEnded && !hasBody)
    if (!isTunnel(this.head)) this.#sendBody(request)
  }

  onUpstreamTunnel(request: UpstreamRequest): void {
    this.#sendBody(request)
  }

  onUpstreamHead(head: ResponseHead, fields: number, endStream: boolean): void {
    const route = this.#route!
    const stats = this.#cluster!.stats
    // An application that claims not to have been reached would have requests repeated that it has processed.
    const givesReason = (fields & FIELD.reason) !== 0
    const trusted = givesReason && this.#upstream?.endpoint.transport.name === 'tls'
    if (givesReason && !trusted) removeHeader(head.headers, 'x-weft-reason')
    countStatus(stats, head.status)
    const { retry } = route
    if (retry !== null && retriesResponse(retry, head, fields, isIdempotent(this.head.method))) {
      if (this.#retry(head)) return
    } else if (this.#attempts > 1) stats.upstreamRqRetrySuccess.value++
    // A sidecar that did not reach its application is a destination that is down.
    if (trusted && head.status >= 500 && this.#fallBack(failureOf(head))) return
    this.#respond(head, fields)
    // Behind the end of the response nothing of the request can be ended any more.
    if (endStream) this.#onUpstreamComplete(null)
    this.#stream.encodeHeaders(head, endStream)
  }

  onUpstreamTrailers(trailers: HeaderList): void {
    this.#onUpstreamComplete(trailers)
    this.#stream.encodeTrailers(trailers)
  }

  onUpstreamInterim(head: ResponseHead): void {
    this.#interimSeen = true
    this.#stream.encodeInterim(head)
  }

  onUpstreamBody(chunk: Buffer, endStream: boolean): void {
    const upstream = this.#upstream
    if (upstream === null) return
    this.#shadows?.onAnswerBody(chunk)
    if (endStream) this.#onUpstreamComplete(null)
    if (!this.#stream.encodeData(chunk, endStream) && !endStream) upstream.pause()
  }

  onUpstreamDrained(): void {
    this.#resumeRequest()
  }

  onUpstreamReset(reason: ResetReason, transportFailure: string, reusedConnection: boolean): void {
    const stream = this.#stream
    const failure = printable(transportFailure)
    if (this.#responseStarted) {
      this.#upstream = null
      this.#config.stats.resetAfterResponseStarted.value++
      stream.resetResponse(`upstream_reset_after_response_started{${reason.details}}`, reason.flag)
      return
    }
    stream.info.upstreamTransportFailureReason = failure
    const idempotent = isIdempotent(this.head.method)
    if (wasUnprocessed(reason, reusedConnection, idempotent) && this.#tryFresh()) return
    const retry = this.#route!.retry
    if (retry !== null && retriesReset(retry, reason, idempotent) && this.#retry(null)) return
    this.#cluster!.stats.upstreamRq5xx.value++
    this.#fail(upstreamReset(reason, failure, this.#attempts > 1))
  }

  onTimer(timer: WheelTimer): void {
    openBatch()
    if (timer.purpose === TIMER.backoff) this.#tryUpstream(false)
    else if (timer.purpose === TIMER.perTry) this.#onPerTryTimeout(PER_TRY_TIMEOUT)
    else this.#onRouteTimeout()
    closeBatch()
  }

  #forward(route: ForwardRoute, choice: ClusterChoice): void {
    const config = this.#config
    const cluster = config.clusters.get(choice.cluster)
    if (cluster === undefined) {
      config.stats.noCluster.value++
      this.#refuse(route, choice, clusterNotFound(route.clusterNotFoundStatus))
      return
    }
    config.stats.requests.value++
    this.#stream.info.upstreamCluster = cluster.name
    this.#route = route
    this.#choice = choice
    this.#cluster = cluster
    this.#retriesLeft = route.retry?.attempts ?? 0
    if (route.idleTimeoutMs >= 0) this.#stream.setIdleTimeout(route.idleTimeoutMs)
    finalizeRequestHeaders(this, route, choice, this.#stream.info, !config.suppressEnvoyHeaders)
    if (this.#requestEnded) this.#startTimers()
    this.#tryUpstream(false)
  }

  /** `fresh`: on a connection of its own. */
  #tryUpstream(fresh: boolean): void {
    const cluster = this.#cluster!
    const route = this.#route!
    this.#attempts++
    // What comes while there is no connection has to be kept, even where no policy asks for another try.
    if (!this.#requestEnded) {
      this.#body ??= RequestBuffer.within(this.#config.bufferLimit, this.#retriesLeft > 0 || this.#mayTurn)
    }
    const { info } = this.#stream
    info.attemptCount = this.#attempts
    if (route.attemptCountInRequest) setHeader(this.head.headers, 'x-envoy-attempt-count', String(this.#attempts))
    const endpoint = pickEndpoint(cluster, this, route.retry)
    if (endpoint !== null) info.upstreamHost = endpoint.key
    if (endpoint === null || isFull(cluster)) {
      this.#fail(refusal(cluster, endpoint, this.#attempts > 1))
      return
    }
    if (route.retry?.avoidPreviousHosts) this.previous = remembered(this.previous, endpoint)
    if (this.#attempts === 1 && !fresh)
      this.#shadows = Shadows.open(route, this, this.#requestEnded, info, this.#config)
    const pool = poolForTry(cluster, endpoint, this, route, info, this.#config.wheel)
    const request = new UpstreamRequest(this, cluster, endpoint, pool, this.#config.clock)
    this.#upstream = request
    if (this.#requestEnded) this.#startPerTryTimer()
    request.start(fresh)
  }

  /**
   * A pooled connection that died before a byte of the response: most likely the other side closed it for being idle just
   * as the request left. Nothing was answered and the method may be repeated, so a connection made for it is tried, once,
   * without counting as one of the route's retries.
   */
  #tryFresh(): boolean {
    if (this.#freshTryUsed || this.#interimSeen || !this.#isReplayable()) return false
    this.#freshTryUsed = true
    this.#attempts--
    this.#tryUpstream(true)
    return true
  }

  get #mayTurn(): boolean {
    return this.#route!.fallback?.kind === 'cluster' && !this.#fallbackUsed
  }

  /** Whether all that was taken of the request's body is still here. */
  #isReplayable(): boolean {
    const body = this.#body
    if (body === null) return this.#stream.info.bytesReceived === 0
    return !body.isOverLimit
  }

  /** Another try if the policy has one left; false leaves the outcome as it is. */
  #retry(head: ResponseHead | null): boolean {
    const cluster = this.#cluster!
    const retry = this.#route!.retry!
    const { stats } = cluster
    if (this.#interimSeen) return false
    if (this.#retriesLeft === 0) {
      stats.upstreamRqRetryLimitExceeded.value++
      this.#stream.info.responseFlags |= RESPONSE_FLAG.URX
      return false
    }
    if (!this.#isReplayable()) return false
    this.#endRetry()
    const requests = stats.upstreamRqActive.value + (this.#upstream?.isOver === false ? 0 : 1)
    if (stats.retriesActive.value >= retryLimit(cluster.limits, requests)) {
      stats.upstreamRqRetryOverflow.value++
      this.#stream.info.responseFlags |= RESPONSE_FLAG.UO
      return false
    }
    this.#retriesLeft--
    stats.upstreamRqRetry.value++
    stats.retriesActive.value++
    this.#retryActive = true
    this.#dropTry()
    this.#backoffTimer ??= new WheelTimer(this, TIMER.backoff)
    const done = retry.attempts - this.#retriesLeft
    this.#config.wheel.set(this.#backoffTimer, retryDelayMs(retry, head, done, this.#config, stats))
    return true
  }

  /** A retry counts from its decision until its answer is taken, or another retry follows (Envoy's max_retries). */
  #endRetry(): void {
    if (!this.#retryActive) return
    this.#retryActive = false
    this.#cluster!.stats.retriesActive.value--
  }

  #respond(head: ResponseHead, fields: number): void {
    const stream = this.#stream
    this.#shadows?.onAnswerHead(head)
    this.#responseStarted = true
    this.#body = null
    this.#endRetry()
    if (this.#perTryTimer !== null) this.#config.wheel.cancel(this.#perTryTimer)
    const tells = !this.#config.suppressEnvoyHeaders && stream.isRequestComplete
    const elapsedMs = tells ? this.#config.clock.now() - stream.requestCompletedAt : -1
    finalizeResponseHeaders(head, fields, this.#route!, this.#choice!, stream.info, elapsedMs)
    if (this.setCookies !== null) for (const cookie of this.setCookies) head.headers.push('set-cookie', cookie)
  }

  #onUpstreamComplete(trailers: HeaderList | null): void {
    this.#shadows?.onAnswerEnd(trailers)
    const upstream = this.#upstream
    this.#cluster!.stats.upstreamRqTime.record(this.#config.clock.now() - this.#stream.info.startedAt)
    if (this.#routeTimer !== null) this.#config.wheel.cancel(this.#routeTimer)
    if (!this.#requestEnded) upstream?.abandonRest()
  }

  #fail(reply: LocalReply): void {
    if (this.#fallBack(reply)) return
    this.#upstream = null
    const counted = this.#route!.attemptCountInResponse
    this.#refuse(this.#route!, this.#choice!, counted ? withAttemptCount(reply, this.#attempts) : reply)
  }

  /** The destination has failed for good: whether the route has another, or an answer, in its place. */
  #fallBack(failed: LocalReply): boolean {
    const fallback = this.#route!.fallback
    if (fallback === null || this.#fallbackUsed || !takesOver(fallback, failed, isIdempotent(this.head.method)))
      return false
    const other = fallback.kind === 'cluster' ? this.#config.clusters.get(fallback.cluster) : null
    if (other === undefined || (other !== null && !this.#isReplayable())) return false
    this.#fallbackUsed = true
    this.#cluster!.stats.upstreamRqFallback.value++
    this.#dropTry()
    if (fallback.kind === 'answer') this.#refuse(this.#route!, this.#choice!, standIn(fallback, failed))
    else this.#turnTo(other!)
    return true
  }

  #turnTo(cluster: Cluster): void {
    this.#endRetry()
    if (this.#backoffTimer !== null) this.#config.wheel.cancel(this.#backoffTimer)
    this.#stream.info.upstreamCluster = cluster.name
    this.#cluster = cluster
    this.previous = null
    this.#freshTryUsed = false
    this.#interimSeen = false
    this.#retriesLeft = this.#route!.retry?.attempts ?? 0
    // It has the route's time anew.
    if (this.#requestEnded) this.#startTimers()
    this.#tryUpstream(false)
  }

  /** The try under way is given up for another, or for an answer. */
  #dropTry(): void {
    const upstream = this.#upstream
    this.#upstream = null
    upstream?.cancel()
    if (!this.#requestEnded) upstream?.abandonRest()
    if (this.#perTryTimer !== null) this.#config.wheel.cancel(this.#perTryTimer)
  }

  #refuse(route: ForwardRoute, choice: ClusterChoice, reply: LocalReply): void {
    this.#stream.localReply(finalizeReply(reply, route, choice, this.#stream.info))
  }

  /** From the moment the request is complete: a slow client is not the upstream's fault (Envoy). */
  #startTimers(): void {
    const route = this.#route
    if (route === null) return
    if (route.timeoutMs > 0) {
      this.#routeTimer ??= new WheelTimer(this, TIMER.route)
      this.#config.wheel.set(this.#routeTimer, route.timeoutMs)
    }
    if (this.#upstream === null) return
    this.#startPerTryTimer()
    this.#watchIdle(this.#upstream)
  }

  #watchIdle(request: UpstreamRequest): void {
    const timeoutMs = this.#route!.retry?.perTryIdleTimeoutMs ?? 0
    if (timeoutMs > 0) request.watchIdle(this.#config.wheel, timeoutMs)
  }

  #startPerTryTimer(): void {
    const timeout = this.#route!.retry?.perTryTimeoutMs ?? 0
    if (timeout <= 0 || this.#responseStarted) return
    this.#perTryTimer ??= new WheelTimer(this, TIMER.perTry)
    this.#config.wheel.set(this.#perTryTimer, timeout)
  }

  onUpstreamIdle(): void {
    if (this.#responseStarted) this.#stream.resetResponse(PER_TRY_IDLE_TIMEOUT.details, RESPONSE_FLAG.UT)
    else this.#onPerTryTimeout(PER_TRY_IDLE_TIMEOUT)
  }

  #onPerTryTimeout(reply: LocalReply): void {
    const { stats } = this.#cluster!
    if (reply === PER_TRY_TIMEOUT) stats.upstreamRqPerTryTimeout.value++
    else stats.upstreamRqPerTryIdleTimeout.value++
    const upstream = this.#upstream
    this.#upstream = null
    upstream?.timeOut()
    const retry = this.#route!.retry!
    if (retriesPerTryTimeout(retry) && this.#retry(null)) return
    stats.upstreamRq5xx.value++
    this.#fail(reply)
  }

  #onRouteTimeout(): void {
    const { stats } = this.#cluster!
    stats.upstreamRqTimeout.value++
    if (this.#responseStarted) {
      this.#stream.resetResponse('response_timeout', RESPONSE_FLAG.UT)
      return
    }
    stats.upstreamRq5xx.value++
    const upstream = this.#upstream
    this.#upstream = null
    upstream?.timeOut()
    this.#fail(RESPONSE_TIMEOUT)
  }

  /** Bytes that cannot be sent yet, or may have to be sent again. */
  #buffer(body: RequestBuffer, chunk: Buffer, connected: boolean): void {
    body.add(chunk)
    if (!body.isOverLimit) return
    // Too much to keep for another try; before the first, the client has to wait.
    if (connected) this.#body = null
    else this.#pauseRequest()
  }

  /** What came before it could be sent. Any of it may reset the try, and another may be under way when that returns. */
  #sendBody(request: UpstreamRequest): void {
    const body = this.#body
    const trailers = this.#trailers
    const ends = this.#requestEnded && trailers === null
    if (this.#upstream !== request) return
    if (body !== null && body.bytes > 0) body.sendTo(request, ends)
    else if (ends && isTunnel(this.head)) request.sendBody(NO_BYTES, true)
    if (this.#upstream === request && trailers !== null) request.sendTrailers(trailers)
    if (this.#upstream !== request) return
    // Kept only for another try: the route's, its fallback's, or the one that a pooled connection found dead is worth.
    const mayRepeat = this.#retriesLeft > 0 || this.#mayTurn || (request.isReused && !this.#freshTryUsed)
    if (body !== null && (!mayRepeat || body.isOverLimit)) this.#body = null
    if (request.isBlocked) this.#pauseRequest()
    else this.#resumeRequest()
  }

  #pauseRequest(): void {
    if (this.#requestPaused) return
    this.#requestPaused = true
    this.#stream.pauseRequest()
  }

  #resumeRequest(): void {
    if (!this.#requestPaused) return
    this.#requestPaused = false
    this.#stream.resumeRequest()
  }
}
