// The filter that ends every chain: finds the route, sends the request upstream, tries again where it may, and hands the
// response back.
import { WheelTimer } from '../../../../base/timer-wheel.ts'
import type { Uint64 } from '../../../../base/uint64.ts'
import { type HeaderList, removeHeader, setHeader } from '../../../../transport/header-list.ts'
import { FIELD } from '../../../../transport/http/field-name.ts'
import { closeBatch, openBatch } from '../../../../transport/http/write-batch.ts'
import { isTunnel, type RequestHead, type ResponseHead } from '../../../../transport/request-head.ts'
import type { Cluster, Endpoint } from '../../../cluster/cluster.ts'
import type { LocalReply } from '../../../http/local-reply.ts'
import type { ResetReason } from '../../../pool/reset-reason.ts'
import { RESPONSE_FLAG } from '../../../response-flag.ts'
import type { ClusterChoice, ForwardRoute } from '../../../route/route-entry.ts'
import type { DataStatus, HeadersStatus, TerminalFilter, TerminalStream } from '../contract/http-filter.ts'
import type { RouterConfig } from './config.ts'
import { directReply } from './direct-reply.ts'
import { failureOf, standIn, takesOver } from './fallback.ts'
import { type FinalizedRequest, finalizeForTry, finalizeRequestHeaders } from './finalize-request.ts'
import { countStatus, finalizeReply, finalizeResponseHeaders } from './finalize-response.ts'
import { findCluster } from './find-cluster.ts'
import { HedgedTries } from './hedged-tries.ts'
import { HeldRequest } from './held-request.ts'
import { claimRequest, pickEndpoint, poolForTry, type RepeatedPick, refusal, remembered } from './pick-endpoint.ts'
import { RequestBuffer } from './request-buffer.ts'
import { isIdempotent, retriesPerTryTimeout, retriesReset, retriesResponse, wasUnprocessed } from './retry-decision.ts'
import { type RetryOwner, RetryState } from './retry-state.ts'
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

const TIMER = { route: 0, perTry: 1 } as const

export class RouterFilter
  extends HeldRequest
  implements TerminalFilter, UpstreamRequestOwner, RetryOwner, RepeatedPick, FinalizedRequest
{
  previous: Endpoint[] | null = null
  attempt = 0
  setCookies: string[] | null = null
  readonly #config: RouterConfig
  #route: ForwardRoute | null = null
  /** Of the request; undefined until a picker asks for it. */
  #hash: Uint64 | null | undefined
  #choice: ClusterChoice | null = null
  #cluster: Cluster | null = null
  /** The latest try. */
  #upstream: UpstreamRequest | null = null
  /** Those before it that took too long and go on; null while there was none. */
  #hedged: HedgedTries | null = null
  #shadows: Shadows | null = null
  #responseStarted = false
  /** Of the try under way, which has begun to answer: as in Envoy it is not tried again, and has the route's time. */
  #interimSeen = false
  #attempts = 0
  /** Null while there was no retry. */
  #retries: RetryState | null = null
  /** One unpaid try on a fresh connection, after a pooled one was found dead. */
  #freshTryUsed = false
  #fallbackUsed = false
  #routeTimer: WheelTimer | null = null
  #perTryTimer: WheelTimer | null = null

  constructor(stream: TerminalStream, config: RouterConfig) {
    super(stream)
    this.#config = config
  }

  random(): number {
    return this.#config.random.next()
  }

  hash(): Uint64 | null {
    if (this.#hash === undefined) this.#hash = this.#route!.hashPolicy?.generate(this, this.stream.info) ?? null
    return this.#hash
  }

  decodeHeaders(_head: RequestHead, endStream: boolean): HeadersStatus {
    this.isWhole = endStream
    const route = this.stream.route()
    if (route === null) {
      this.#config.stats.noRoute.value++
      this.stream.localReply(ROUTE_NOT_FOUND)
    } else if (route.kind === 'forward') this.#forward(route, this.stream.clusterChoice()!)
    else this.stream.localReply(directReply(this, route, this.stream.info, this.#config))
    return 'stop'
  }

  decodeData(chunk: Buffer, endStream: boolean): DataStatus {
    if (endStream) this.isWhole = true
    this.#shadows?.sendBody(chunk, endStream)
    const upstream = this.#upstream
    const sends = upstream?.takesBody === true
    if (this.body !== null) this.keep(this.body, chunk, sends)
    // Sending may end the stream, and its timers with it.
    if (endStream) this.#startTimers()
    if (sends) {
      upstream.sendBody(chunk, endStream)
      if (this.#upstream === upstream && upstream.isBlocked) this.pause()
    }
    return 'continue'
  }

  decodeTrailers(trailers: HeaderList): HeadersStatus {
    this.isWhole = true
    this.trailers = trailers
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
    this.#hedged?.giveUpAllBut(null)
    this.#retries?.end()
    const { wheel } = this.#config
    if (this.#routeTimer !== null) wheel.cancel(this.#routeTimer)
    if (this.#perTryTimer !== null) wheel.cancel(this.#perTryTimer)
    this.body = null
    this.#shadows?.onRequestOver()
    upstream?.cancel()
  }

  onUpstreamReady(request: UpstreamRequest): void {
    const authority = finalizeForTry(this, this.#route!, request, this.stream.info, this.#config)
    if (this.isWhole) this.#watchIdle(request)
    request.sendHead(this.head, this.path, authority, this.isHeadOnly)
    if (!isTunnel(this.head)) this.#sendBody(request)
  }

  onUpstreamTunnel(request: UpstreamRequest): void {
    this.#sendBody(request)
  }

  onUpstreamHead(request: UpstreamRequest, head: ResponseHead, fields: number, endStream: boolean): void {
    const { retry } = this.#route!
    const { stats } = this.#cluster!
    // An application that claims not to have been reached would have requests repeated that it has processed.
    const givesReason = (fields & FIELD.reason) !== 0
    const trusted = givesReason && request.endpoint.transport.name === 'tls'
    if (givesReason && !trusted) removeHeader(head.headers, 'x-weft-reason')
    if (retry !== null && retriesResponse(retry, head, fields, isIdempotent(this.head.method))) {
      // One that took too long has been repeated already.
      if (request === this.#upstream && this.#retry(head)) return
      if (this.#hedged !== null && this.#leaveToOthers(request)) return
    } else if (this.#attempts > 1 && request === this.#upstream) stats.upstreamRqRetrySuccess.value++
    if (this.#hedged !== null) this.#settleOn(request)
    countStatus(stats, head.status)
    // A sidecar that did not reach its application is a destination that is down.
    if (trusted && head.status >= 500 && this.#fallBack(failureOf(head))) return
    this.#respond(head, fields)
    // Behind the end of the response nothing of the request can be ended any more.
    if (endStream) this.#onUpstreamComplete(null)
    this.stream.encodeHeaders(head, endStream)
  }

  onUpstreamTrailers(trailers: HeaderList): void {
    this.#onUpstreamComplete(trailers)
    this.stream.encodeTrailers(trailers)
  }

  onUpstreamInterim(request: UpstreamRequest, head: ResponseHead): void {
    if (this.#hedged !== null) this.#settleOn(request)
    this.#interimSeen = true
    if (this.#perTryTimer !== null) this.#config.wheel.cancel(this.#perTryTimer)
    this.stream.encodeInterim(head)
  }

  onUpstreamBody(chunk: Buffer, endStream: boolean): void {
    const upstream = this.#upstream
    if (upstream === null) return
    this.#shadows?.onAnswerBody(chunk)
    if (endStream) this.#onUpstreamComplete(null)
    if (!this.stream.encodeData(chunk, endStream) && !endStream) upstream.pause()
  }

  onUpstreamReset(request: UpstreamRequest, reason: ResetReason, transportFailure: string, reused: boolean): void {
    const failure = printable(transportFailure)
    if (this.#responseStarted) {
      this.#upstream = null
      this.#config.stats.resetAfterResponseStarted.value++
      this.stream.resetResponse(`upstream_reset_after_response_started{${reason.details}}`, reason.flag)
      return
    }
    this.stream.info.upstreamTransportFailureReason = failure
    if (request === this.#upstream && this.#repeats(reason, reused)) return
    this.#cluster!.stats.upstreamRq5xx.value++
    if (this.#hedged !== null && this.#leaveToOthers(request)) return
    this.#fail(upstreamReset(reason, failure, this.#attempts > 1))
  }

  onTimer(timer: WheelTimer): void {
    openBatch()
    if (timer.purpose === TIMER.perTry) this.#onPerTryTimeout(PER_TRY_TIMEOUT)
    else this.#onRouteTimeout()
    closeBatch()
  }

  #repeats(reason: ResetReason, reusedConnection: boolean): boolean {
    const idempotent = isIdempotent(this.head.method)
    if (wasUnprocessed(reason, reusedConnection, idempotent) && this.#tryFresh()) return true
    const { retry } = this.#route!
    return retry !== null && retriesReset(retry, reason, idempotent) && this.#retry(null)
  }

  #forward(route: ForwardRoute, choice: ClusterChoice): void {
    const config = this.#config
    const cluster = findCluster(config.clusters, choice.cluster, route)
    if (cluster === undefined) {
      config.stats.noCluster.value++
      this.#refuse(route, choice, clusterNotFound(route.clusterNotFoundStatus))
      return
    }
    config.stats.requests.value++
    this.stream.info.cluster = cluster
    this.#route = route
    this.#choice = choice
    this.#cluster = cluster
    if (route.idleTimeoutMs >= 0) this.stream.setIdleTimeout(route.idleTimeoutMs)
    finalizeRequestHeaders(this, route, choice, this.stream.info, !config.suppressEnvoyHeaders)
    if (this.isWhole) this.#startTimers()
    this.#tryUpstream(false)
  }

  /** `fresh`: on a connection of its own. */
  #tryUpstream(fresh: boolean): void {
    const cluster = this.#cluster!
    const route = this.#route!
    this.#attempts++
    // What comes while there is no connection has to be kept, even where no policy asks for another try.
    if (!this.isWhole) {
      this.body ??= RequestBuffer.within(this.#config.bufferLimit, this.#retriesLeft > 0 || this.#mayTurn)
    }
    const { info } = this.stream
    info.attemptCount = this.#attempts
    if (route.attemptCountInRequest) setHeader(this.head.headers, 'x-envoy-attempt-count', String(this.#attempts))
    const endpoint = pickEndpoint(this.#retries?.picker ?? cluster.picker, this, route.retry)
    if (endpoint !== null) info.goTo(endpoint)
    if (endpoint === null || !claimRequest(cluster)) {
      const reply = refusal(cluster, endpoint, this.#attempts > 1)
      // What there is no place for beside the others is left to them.
      if (this.#hedged === null || this.#hedged.count === 0) this.#fail(reply)
      return
    }
    if (route.retry?.avoidPreviousHosts) this.previous = remembered(this.previous, endpoint)
    if (this.#attempts === 1 && !fresh) this.#shadows = Shadows.open(route, this, this.isWhole, info, this.#config)
    const pool = poolForTry(cluster, endpoint, this, route, info, this.#config.wheel)
    const request = new UpstreamRequest(this, cluster, endpoint, pool, this.#config, info)
    this.#upstream = request
    if (this.isWhole) this.#startPerTryTimer()
    request.start(fresh)
  }

  /**
   * A pooled connection that died before a byte of the response: most likely the other side closed it for being idle just
   * as the request left. Nothing was answered and the method may be repeated, so a connection made for it is tried, once,
   * without counting as one of the route's retries.
   */
  #tryFresh(): boolean {
    if (this.#freshTryUsed || this.#interimSeen || !this.isReplayable) return false
    this.#freshTryUsed = true
    this.#attempts--
    this.tellTimeLeft(this.#route!, this.#config)
    this.#tryUpstream(true)
    return true
  }

  get #mayTurn(): boolean {
    return this.#route!.fallback?.kind === 'cluster' && !this.#fallbackUsed
  }

  get #retriesLeft(): number {
    return this.#retries?.remaining ?? this.#route!.retry?.attempts ?? 0
  }

  /** Another try in place of this one, if the policy has one left; false leaves the outcome as it is. */
  #retry(head: ResponseHead | null): boolean {
    if (!this.#schedule(head)) return false
    this.#dropTry()
    return true
  }

  #schedule(head: ResponseHead | null): boolean {
    if (this.#interimSeen) return false
    this.#retries ??= new RetryState(this, this.#route!.retry!, this.#cluster!, this.#config)
    if (!this.#retries.isAllowed || (this.#retries.remaining > 0 && !this.isReplayable)) return false
    const against = this.#retries.schedule(this.#upstream!, head)
    this.stream.info.responseFlags |= against
    return against === 0
  }

  onRetry(): void {
    this.tellTimeLeft(this.#route!, this.#config)
    this.#tryUpstream(false)
  }

  #respond(head: ResponseHead, fields: number): void {
    const stream = this.stream
    this.#shadows?.onAnswerHead(head, this.#cluster!.name)
    this.#responseStarted = true
    this.body = null
    this.#retries?.end()
    if (this.#perTryTimer !== null) this.#config.wheel.cancel(this.#perTryTimer)
    const tells = !this.#config.suppressEnvoyHeaders && stream.isRequestComplete
    const elapsedMs = tells ? this.#config.clock.now() - stream.requestCompletedAt : -1
    finalizeResponseHeaders(head, fields, this.#route!, this.#choice!, stream.info, elapsedMs)
    if (this.setCookies !== null) for (const cookie of this.setCookies) head.headers.push('set-cookie', cookie)
  }

  #onUpstreamComplete(trailers: HeaderList | null): void {
    this.#shadows?.onAnswerEnd(trailers)
    this.#cluster!.stats.upstreamRqTime.record(this.#config.clock.now() - this.stream.info.startedAt)
    if (this.#routeTimer !== null) this.#config.wheel.cancel(this.#routeTimer)
    if (!this.isWhole) this.#upstream?.abandonRest()
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
    const other =
      fallback.kind === 'cluster' ? findCluster(this.#config.clusters, fallback.cluster, this.#route!) : null
    if (other === undefined || (other !== null && !this.isReplayable)) return false
    this.#fallbackUsed = true
    this.#cluster!.stats.upstreamRqFallback.value++
    this.#dropTry()
    this.#hedged?.giveUpAllBut(null)
    if (fallback.kind === 'answer') this.#refuse(this.#route!, this.#choice!, standIn(fallback, failed))
    else this.#turnTo(other!)
    return true
  }

  #turnTo(cluster: Cluster): void {
    this.#retries?.end()
    this.#retries = null
    this.stream.info.cluster = cluster
    this.stream.info.authority = this.authority
    this.#cluster = cluster
    this.previous = null
    this.#freshTryUsed = false
    this.#interimSeen = false
    // It has the route's time anew.
    this.timedSince = this.#config.clock.now()
    if (this.isWhole) this.#startTimers()
    this.tellTimeLeft(this.#route!, this.#config)
    this.#tryUpstream(false)
  }

  /**
   * The try takes too long, and goes on: another is sent beside it, under the policy's bounds, whatever its conditions
   * (Envoy's hedge_on_per_try_timeout). The first good response is the stream's.
   */
  #hedge(): void {
    const upstream = this.#upstream
    if (upstream === null) return
    upstream.outlast()
    if (this.#route!.retry!.retryOn === 0 || !this.#schedule(null)) return
    this.#hedged ??= new HedgedTries()
    this.#hedged.add(upstream)
    this.#upstream = null
  }

  /** Gives up a try that went wrong; false when there is no other that may yet do better. */
  #leaveToOthers(request: UpstreamRequest): boolean {
    const hedged = this.#hedged!
    const isLatest = request === this.#upstream
    const isNext = !isLatest && (this.#upstream !== null || this.#retries?.isWaiting === true)
    if (!isNext && hedged.count === (isLatest ? 0 : 1)) return false
    if (isLatest) this.#dropTry()
    else hedged.giveUp(request)
    return true
  }

  /** Of the tries under way this one has answered: the others, and one that was to come, are given up. */
  #settleOn(request: UpstreamRequest): void {
    this.#retries?.end()
    if (request !== this.#upstream) this.#dropTry()
    this.#upstream = request
    this.#hedged!.giveUpAllBut(request)
    this.stream.info.goBackTo(request.endpoint)
    this.stream.info.goBy(request.connection)
    // Nobody is left to say that he takes more.
    this.resume()
  }

  /** The try under way is given up for another, or for an answer. */
  #dropTry(): void {
    const upstream = this.#upstream
    this.#upstream = null
    upstream?.cancel()
    if (!this.isWhole) upstream?.abandonRest()
    if (this.#perTryTimer !== null) this.#config.wheel.cancel(this.#perTryTimer)
  }

  #refuse(route: ForwardRoute, choice: ClusterChoice, reply: LocalReply): void {
    this.stream.localReply(finalizeReply(reply, route, choice, this.stream.info))
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
    if (timeout <= 0 || this.#responseStarted || this.#interimSeen) return
    this.#perTryTimer ??= new WheelTimer(this, TIMER.perTry)
    this.#config.wheel.set(this.#perTryTimer, timeout)
  }

  onUpstreamIdle(request: UpstreamRequest): void {
    if (this.#responseStarted) {
      // Where tries are hedged none of them is ended by its own time (Envoy).
      if (!this.#route!.hedgesOnPerTryTimeout) this.stream.resetResponse(PER_TRY_IDLE_TIMEOUT.details, RESPONSE_FLAG.UT)
    } else if (request === this.#upstream) this.#onPerTryTimeout(PER_TRY_IDLE_TIMEOUT)
  }

  #onPerTryTimeout(reply: LocalReply): void {
    if (this.#route!.hedgesOnPerTryTimeout) {
      this.#hedge()
      return
    }
    const { stats } = this.#cluster!
    if (reply === PER_TRY_TIMEOUT) stats.upstreamRqPerTryTimeout.value++
    else stats.upstreamRqPerTryIdleTimeout.value++
    this.#upstream?.timeOut(reply === PER_TRY_TIMEOUT ? RESPONSE_FLAG.UT : RESPONSE_FLAG.SI)
    if (retriesPerTryTimeout(this.#route!.retry!) && this.#retry(null)) return
    stats.upstreamRq5xx.value++
    this.#fail(reply)
  }

  #onRouteTimeout(): void {
    const { stats } = this.#cluster!
    const upstream = this.#upstream
    // Each try that is under way counts (Envoy).
    const tries = Math.max(1, (this.#hedged?.count ?? 0) + (upstream === null ? 0 : 1))
    stats.upstreamRqTimeout.value += tries
    if (this.#responseStarted) {
      this.stream.resetResponse('response_timeout', RESPONSE_FLAG.UT)
      return
    }
    stats.upstreamRq5xx.value += tries
    this.#upstream = null
    upstream?.timeOut(0)
    this.#hedged?.timeOut()
    this.#fail(RESPONSE_TIMEOUT)
  }

  #sendBody(request: UpstreamRequest): void {
    this.sendKept(request)
    if (this.#upstream !== request) return
    // Kept only for another try: the route's, its fallback's, or the one that a pooled connection found dead is worth.
    // One that was hedged may still have to get it.
    const mayRepeat = this.#retriesLeft > 0 || this.#mayTurn || (request.isReused && !this.#freshTryUsed)
    const isKept = (mayRepeat && this.body?.isOverLimit !== true) || this.#hedged !== null
    if (!isKept) this.body = null
    if (request.isBlocked) this.pause()
    else this.resume()
  }

  protected override isUnderWay(request: UpstreamRequest): boolean {
    return this.#upstream === request || this.#hedged?.has(request) === true
  }
}
