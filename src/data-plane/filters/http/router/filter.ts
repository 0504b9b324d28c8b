// The filter that ends every chain: finds the route, sends the request upstream, tries again where it may, and hands the
// response back.
import { WheelTimer } from '../../../../base/timer-wheel.ts'
import { type HeaderList, removeHeader, setHeader } from '../../../../transport/header-list.ts'
import { FIELD } from '../../../../transport/http/field-name.ts'
import { closeBatch, openBatch } from '../../../../transport/http/write-batch.ts'
import { isTunnel, type RequestHead, type ResponseHead } from '../../../../transport/request-head.ts'
import type { Cluster, Endpoint, PickContext } from '../../../cluster/cluster.ts'
import type { LocalReply } from '../../../http/local-reply.ts'
import { ClusterPools } from '../../../pool/cluster-pools.ts'
import type { HttpPool } from '../../../pool/request-encoder.ts'
import { RESET, type ResetReason } from '../../../pool/reset-reason.ts'
import { RESPONSE_FLAG } from '../../../response-flag.ts'
import type { ClusterChoice, ForwardRoute, RouteEntry } from '../../../route/route-entry.ts'
import type { DataStatus, HeadersStatus, TerminalFilter, TerminalStream } from '../contract/http-filter.ts'
import type { RouterConfig } from './config.ts'
import { directReply } from './direct-reply.ts'
import { type FinalizedRequest, finalizeRequestHeaders } from './finalize-request.ts'
import { RequestBuffer } from './request-buffer.ts'
import { backoffMs } from './retry-backoff.ts'
import { isIdempotent, retriesPerTryTimeout, retriesReset, retriesResponse } from './retry-decision.ts'
import {
  clusterNotFound,
  NO_HEALTHY_UPSTREAM,
  PER_TRY_TIMEOUT,
  RESPONSE_TIMEOUT,
  ROUTE_NOT_FOUND,
  upstreamReset,
  withAttemptCount,
} from './router-reply.ts'
import { Shadows } from './shadows.ts'
import { UpstreamRequest, type UpstreamRequestOwner } from './upstream-request.ts'

const NO_BYTES = Buffer.alloc(0)
const UNPRINTABLE = /[^\x21-\x7e]/g

/** Without a policy of retries, so much of a body is kept for the one unpaid try. */
const FRESH_TRY_BYTES = 64 * 1024

const TIMER = { route: 0, perTry: 1, backoff: 2 } as const

export class RouterFilter implements TerminalFilter, UpstreamRequestOwner, PickContext, FinalizedRequest {
  readonly head: RequestHead
  previous: Endpoint[] | null = null
  /** To send to and for, after rewrites. */
  authority = ''
  path = ''
  readonly #stream: TerminalStream
  readonly #config: RouterConfig
  #route: ForwardRoute | null = null
  #choice: ClusterChoice | null = null
  #cluster: Cluster | null = null
  #pools: ClusterPools | null = null
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

  decodeHeaders(_head: RequestHead, endStream: boolean): HeadersStatus {
    this.#requestEnded = endStream
    const route = this.#stream.route()
    if (route === null) {
      this.#config.stats.noRoute.value++
      this.#stream.localReply(ROUTE_NOT_FOUND)
    } else if (route.kind === 'forward') this.#forward(route, this.#stream.clusterChoice()!)
    else this.#answer(route)
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
    const { status } = head
    // An application that claims not to have been reached would have requests repeated that it has processed.
    if (fields & FIELD.reason && this.#upstream?.endpoint.transport.name !== 'tls') {
      removeHeader(head.headers, 'x-weft-reason')
    }
    if (status < 300) stats.upstreamRq2xx.value++
    else if (status < 400) stats.upstreamRq3xx.value++
    else if (status < 500) stats.upstreamRq4xx.value++
    else stats.upstreamRq5xx.value++
    const { retry } = route
    if (retry !== null && (status >= 400 || fields & FIELD.grpcStatus || retry.retriableStatusCodes.length > 0)) {
      if (retriesResponse(retry, head, isIdempotent(this.head.method)) && this.#retry()) return
    } else if (this.#attempts > 1) stats.upstreamRqRetrySuccess.value++
    this.#respond(head, fields)
    // Behind the end of the response nothing of the request can be ended any more.
    if (endStream) this.#onUpstreamComplete()
    this.#stream.encodeHeaders(head, endStream)
  }

  onUpstreamTrailers(trailers: HeaderList): void {
    this.#onUpstreamComplete()
    this.#stream.encodeTrailers(trailers)
  }

  onUpstreamInterim(head: ResponseHead): void {
    this.#interimSeen = true
    this.#stream.encodeInterim(head)
  }

  onUpstreamBody(chunk: Buffer, endStream: boolean): void {
    const upstream = this.#upstream
    if (upstream === null) return
    if (endStream) this.#onUpstreamComplete()
    if (!this.#stream.encodeData(chunk, endStream) && !endStream) upstream.pause()
  }

  onUpstreamDrained(): void {
    this.#resumeRequest()
  }

  onUpstreamReset(reason: ResetReason, transportFailure: string, reusedConnection: boolean): void {
    const stream = this.#stream
    // It may quote the peer's certificate, and ends up in logs and, by header mutations, in responses.
    const failure = transportFailure.replaceAll(UNPRINTABLE, '_')
    if (this.#responseStarted) {
      this.#upstream = null
      this.#config.stats.resetAfterResponseStarted.value++
      stream.resetResponse(`upstream_reset_after_response_started{${reason.details}}`, reason.flag)
      return
    }
    stream.info.upstreamTransportFailureReason = failure
    const idempotent = isIdempotent(this.head.method)
    if (this.#wasUnprocessed(reason, reusedConnection, idempotent) && this.#tryFresh()) return
    const retry = this.#route!.retry
    if (retry !== null && retriesReset(retry, reason, idempotent) && this.#retry()) return
    this.#cluster!.stats.upstreamRq5xx.value++
    this.#fail(upstreamReset(reason, failure, this.#attempts > 1))
  }

  onTimer(timer: WheelTimer): void {
    openBatch()
    if (timer.purpose === TIMER.backoff) this.#tryUpstream(false)
    else if (timer.purpose === TIMER.perTry) this.#onPerTryTimeout()
    else this.#onRouteTimeout()
    closeBatch()
  }

  #answer(route: Exclude<RouteEntry, ForwardRoute>): void {
    const { stats, suppressEnvoyHeaders } = this.#config
    const counter = route.kind === 'redirect' ? stats.redirects : stats.directResponses
    counter.value++
    this.#stream.localReply(directReply(this, route, this.#stream.info, !suppressEnvoyHeaders))
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
    this.#pools = ClusterPools.of(cluster, config.wheel)
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
      const { bufferLimit } = this.#config
      const limit = this.#retriesLeft > 0 ? bufferLimit : Math.min(bufferLimit, FRESH_TRY_BYTES)
      this.#body ??= new RequestBuffer(limit)
    }
    const { info } = this.#stream
    info.attemptCount = this.#attempts
    if (route.attemptCountInRequest) setHeader(this.head.headers, 'x-envoy-attempt-count', String(this.#attempts))
    const endpoint = this.#pick(cluster)
    if (endpoint === null) {
      cluster.stats.upstreamCxNoneHealthy.value++
      this.#fail(NO_HEALTHY_UPSTREAM)
      return
    }
    info.upstreamHost = endpoint.key
    if (cluster.stats.upstreamRqActive.value >= cluster.limits.maxRequests) {
      cluster.stats.upstreamRqPendingOverflow.value++
      this.#fail(upstreamReset(RESET.overflow, '', this.#attempts > 1))
      return
    }
    if (route.retry?.avoidPreviousHosts) {
      if (this.previous === null) this.previous = [endpoint]
      else this.previous.push(endpoint)
    }
    if (this.#attempts === 1 && !fresh)
      this.#shadows = Shadows.open(route, this, this.#requestEnded, info, this.#config)
    const request = new UpstreamRequest(this, cluster, endpoint, this.#poolOf(endpoint))
    this.#upstream = request
    if (this.#requestEnded) this.#startPerTryTimer()
    request.start(fresh)
  }

  #poolOf(endpoint: Endpoint): HttpPool {
    const pools = this.#pools!
    const { connection, protocol } = this.#stream.info
    const terminates = this.head.method === 'CONNECT' && this.#route!.upgrades.get('connect')?.terminates
    return terminates ? pools.tcp(endpoint, connection) : pools.get(endpoint, protocol === 'HTTP/2', connection)
  }

  /** Draws again while an endpoint comes up that was tried before, as often as the policy says (Envoy's previous_hosts). */
  #pick(cluster: Cluster): Endpoint | null {
    let endpoint = cluster.picker.pick(this)
    const { previous } = this
    if (previous === null) return endpoint
    for (let i = this.#route!.retry?.hostSelectionAttempts ?? 0; i > 0; i--) {
      if (endpoint === null || !previous.includes(endpoint)) break
      endpoint = cluster.picker.pick(this)
    }
    return endpoint
  }

  /** A refused stream was not looked at (RFC 9113 8.7), whatever its method; see `#tryFresh` for dead connections. */
  #wasUnprocessed(reason: ResetReason, reusedConnection: boolean, idempotent: boolean): boolean {
    if (reason === RESET.remoteRefused) return true
    return reusedConnection && idempotent && reason === RESET.connectionTermination
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

  /** Whether all that was taken of the request's body is still here. */
  #isReplayable(): boolean {
    const body = this.#body
    if (body === null) return this.#stream.info.bytesReceived === 0
    return !body.isOverLimit
  }

  /** Another try if the policy has one left; false leaves the outcome as it is. */
  #retry(): boolean {
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
    const pools = this.#pools!
    this.#endRetry()
    if (pools.activeRetries >= cluster.limits.maxRetries) {
      stats.upstreamRqRetryOverflow.value++
      this.#stream.info.responseFlags |= RESPONSE_FLAG.UO
      return false
    }
    this.#retriesLeft--
    stats.upstreamRqRetry.value++
    pools.activeRetries++
    this.#retryActive = true
    this.#upstream?.cancel()
    if (!this.#requestEnded) this.#upstream?.abandonRest()
    this.#upstream = null
    const { wheel, random } = this.#config
    if (this.#perTryTimer !== null) wheel.cancel(this.#perTryTimer)
    this.#backoffTimer ??= new WheelTimer(this, TIMER.backoff)
    const done = retry.attempts - this.#retriesLeft
    wheel.set(this.#backoffTimer, backoffMs(retry.backoffBaseMs, retry.backoffMaxMs, done, random.next()))
    return true
  }

  /** A retry counts from its decision until its answer is taken, or another retry follows (Envoy's max_retries). */
  #endRetry(): void {
    if (!this.#retryActive) return
    this.#retryActive = false
    this.#pools!.activeRetries--
  }

  #respond(head: ResponseHead, fields: number): void {
    const route = this.#route!
    const { info } = this.#stream
    const { headers } = head
    this.#responseStarted = true
    this.#body = null
    this.#endRetry()
    if (this.#perTryTimer !== null) this.#config.wheel.cancel(this.#perTryTimer)
    info.responseCodeDetails = 'via_upstream'
    if (!this.#config.suppressEnvoyHeaders && this.#stream.isRequestComplete) {
      const elapsed = String(Math.floor(this.#config.clock.now() - this.#stream.requestCompletedAt))
      // The sidecar before this one has set it too; each hop tells of its own.
      if (fields & FIELD.envoy) setHeader(headers, 'x-envoy-upstream-service-time', elapsed)
      else headers.push('x-envoy-upstream-service-time', elapsed)
    }
    if (route.attemptCountInResponse) setHeader(headers, 'x-envoy-attempt-count', String(this.#attempts))
    info.responseCode = head.status
    info.responseHeaders = headers
    this.#choice!.responseHeaders.apply(headers, info)
    route.responseHeaders.apply(headers, info)
  }

  #onUpstreamComplete(): void {
    const upstream = this.#upstream
    this.#cluster!.stats.upstreamRqTime.record(this.#config.clock.now() - this.#stream.info.startedAt)
    if (this.#routeTimer !== null) this.#config.wheel.cancel(this.#routeTimer)
    if (!this.#requestEnded) upstream?.abandonRest()
  }

  #fail(reply: LocalReply): void {
    this.#upstream = null
    const counted = this.#route!.attemptCountInResponse
    this.#refuse(this.#route!, this.#choice!, counted ? withAttemptCount(reply, this.#attempts) : reply)
  }

  /** The route's response headers go onto the router's own replies too, as Envoy's `finalizeResponseHeaders` does. */
  #refuse(route: ForwardRoute, choice: ClusterChoice, reply: LocalReply): void {
    const { info } = this.#stream
    const headers = reply.headers === undefined ? [] : reply.headers.slice()
    info.responseHeaders = headers
    choice.responseHeaders.apply(headers, info)
    route.responseHeaders.apply(headers, info)
    const { status, body, details, flags, isFailure } = reply
    this.#stream.localReply({ status, body, details, flags, headers, isFailure, isFinal: true })
  }

  /** From the moment the request is complete: a slow client is not the upstream's fault (Envoy). */
  #startTimers(): void {
    const route = this.#route
    if (route === null) return
    if (route.timeoutMs > 0) {
      this.#routeTimer ??= new WheelTimer(this, TIMER.route)
      this.#config.wheel.set(this.#routeTimer, route.timeoutMs)
    }
    if (this.#upstream !== null) this.#startPerTryTimer()
  }

  #startPerTryTimer(): void {
    const timeout = this.#route!.retry?.perTryTimeoutMs ?? 0
    if (timeout <= 0 || this.#responseStarted) return
    this.#perTryTimer ??= new WheelTimer(this, TIMER.perTry)
    this.#config.wheel.set(this.#perTryTimer, timeout)
  }

  #onPerTryTimeout(): void {
    const { stats } = this.#cluster!
    stats.upstreamRqPerTryTimeout.value++
    const upstream = this.#upstream
    this.#upstream = null
    upstream?.cancel()
    const retry = this.#route!.retry!
    if (retriesPerTryTimeout(retry) && this.#retry()) return
    stats.upstreamRq5xx.value++
    this.#fail(PER_TRY_TIMEOUT)
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
    upstream?.cancel()
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
    // Kept only for another try: the route's, or the one that a pooled connection found dead is worth.
    const mayRepeat = this.#retriesLeft > 0 || (request.isReused && !this.#freshTryUsed)
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
