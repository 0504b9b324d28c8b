// The filter that ends every chain: finds the route, has the request tried upstream, hands the response back, and answers
// itself where there is none.
import { type HeaderList, removeHeader } from '../../../../transport/header-list.ts'
import { FIELD } from '../../../../transport/http/field-name.ts'
import type { RequestHead, ResponseHead } from '../../../../transport/request-head.ts'
import type { LocalReply } from '../../../http/local-reply.ts'
import type { ResetReason } from '../../../pool/reset-reason.ts'
import { RESPONSE_FLAG } from '../../../response-flag.ts'
import type { ClusterChoice, ForwardRoute } from '../../../route/route-entry.ts'
import type { DataStatus, HeadersStatus, TerminalFilter } from '../contract/http-filter.ts'
import { directReply } from './direct-reply.ts'
import { failureOf, standIn, takesOver } from './fallback.ts'
import { finalizeRequestHeaders } from './finalize-request.ts'
import { countStatus, finalizeReply, finalizeResponseHeaders } from './finalize-response.ts'
import { findCluster } from './find-cluster.ts'
import { redirectedHead } from './internal-redirect.ts'
import { isIdempotent, retriesPerTryTimeout, retriesResponse } from './retry-decision.ts'
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
import { TriedRequest } from './tried-request.ts'
import type { UpstreamRequest } from './upstream-request.ts'

const NO_BODY = Buffer.alloc(0)

/** Of what it extends, `HeldRequest` has what came, `TimedRequest` bounds how long it may take, `TriedRequest` sends it. */
export class RouterFilter extends TriedRequest implements TerminalFilter {
  #choice: ClusterChoice | null = null

  decodeHeaders(_head: RequestHead, endStream: boolean): HeadersStatus {
    this.isWhole = endStream
    const route = this.stream.route()
    if (route === null) {
      this.config.stats.noRoute.value++
      this.stream.localReply(ROUTE_NOT_FOUND)
    } else if (route.kind === 'forward') this.#forward(route, this.stream.clusterChoice()!)
    else this.stream.localReply(directReply(this, route, this.stream.info, this.config))
    return 'stop'
  }

  decodeData(chunk: Buffer, endStream: boolean): DataStatus {
    if (endStream) this.isWhole = true
    if (chunk.length > 0) this.hasBody = true
    this.shadows?.sendBody(chunk, endStream)
    const upstream = this.upstream
    const sends = upstream?.takesBody === true
    if (this.body !== null) this.keep(this.body, chunk, sends)
    // Sending may end the stream, and its timers with it.
    if (endStream) this.startTimers()
    if (sends) {
      upstream.sendBody(chunk, endStream)
      if (this.upstream === upstream && upstream.isBlocked) this.pause()
    }
    return 'continue'
  }

  decodeTrailers(trailers: HeaderList): HeadersStatus {
    this.isWhole = true
    this.trailers = trailers
    this.shadows?.sendTrailers(trailers)
    this.startTimers()
    if (this.upstream?.takesBody === true) this.upstream.sendTrailers(trailers)
    return 'continue'
  }

  onDownstreamDrained(): void {
    this.upstream?.resume()
  }

  onDestroy(): void {
    this.stopRouteTimer()
    this.stopPerTryTimer()
    this.body = null
    this.shadows?.onRequestOver()
    this.endTries()
  }

  onUpstreamHead(request: UpstreamRequest, head: ResponseHead, fields: number, endStream: boolean): void {
    const { retry } = this.route!
    const { stats } = this.cluster!
    // An application that claims not to have been reached would have requests repeated that it has processed.
    const givesReason = (fields & FIELD.reason) !== 0
    const trusted = givesReason && request.endpoint.transport.name === 'tls'
    if (givesReason && !trusted) removeHeader(head.headers, 'x-weft-reason')
    if (retry !== null && retriesResponse(retry, head, fields, isIdempotent(this.head.method))) {
      // One that took too long has been repeated already.
      if (request === this.upstream && this.retry(head)) return
      if (this.leaveToOthers(request)) return
    } else if (this.attempts > 1 && request === this.upstream) stats.upstreamRqRetrySuccess.value++
    if (this.route!.internalRedirects?.statuses.has(head.status) && this.#redirect(head)) return
    this.settleOn(request)
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

  onUpstreamBody(chunk: Buffer, endStream: boolean): void {
    const upstream = this.upstream
    if (upstream === null) return
    this.shadows?.onAnswerBody(chunk)
    if (endStream) this.#onUpstreamComplete(null)
    if (!this.stream.encodeData(chunk, endStream) && !endStream) upstream.pause()
  }

  onUpstreamReset(request: UpstreamRequest, reason: ResetReason, transportFailure: string, reused: boolean): void {
    const failure = printable(transportFailure)
    if (this.responseStarted) {
      this.upstream = null
      this.config.stats.resetAfterResponseStarted.value++
      this.stream.resetResponse(`upstream_reset_after_response_started{${reason.details}}`, reason.flag)
      return
    }
    this.stream.info.upstreamTransportFailureReason = failure
    if (request === this.upstream && this.repeats(reason, reused)) return
    this.cluster!.stats.upstreamRq5xx.value++
    if (this.leaveToOthers(request)) return
    this.fail(upstreamReset(reason, failure, this.attempts > 1))
  }

  #forward(route: ForwardRoute, choice: ClusterChoice): void {
    const config = this.config
    const cluster = findCluster(config.clusters, choice.cluster, route)
    if (cluster === undefined) {
      config.stats.noCluster.value++
      this.#refuse(route, choice, clusterNotFound(route.clusterNotFoundStatus))
      return
    }
    config.stats.requests.value++
    this.stream.info.cluster = cluster
    this.route = route
    this.#choice = choice
    this.cluster = cluster
    if (route.idleTimeoutMs >= 0) this.stream.setIdleTimeout(route.idleTimeoutMs)
    finalizeRequestHeaders(this, route, choice, this.stream.info, !config.suppressEnvoyHeaders)
    if (this.isWhole) this.startTimers()
    this.tryUpstream(false)
  }

  /** False where the client is to follow it, or what it leads to has to be. */
  #redirect(head: ResponseHead): boolean {
    const route = this.route!
    const { stats } = this.cluster!
    const canRepeat = this.isWhole && this.stream.isRequestComplete && this.isReplayable
    const target = canRepeat
      ? redirectedHead(this, head, route.internalRedirects!, route.name, this.stream, this.config.stats)
      : null
    const isFollowed = target !== null && this.stream.redirect(target, this.#bodyFor(target), head)
    if (isFollowed) stats.upstreamInternalRedirectSucceeded.value++
    else stats.upstreamInternalRedirectFailed.value++
    return isFollowed
  }

  /** Behind 303 a request has none (RFC 9110 15.4.4). */
  #bodyFor(target: RequestHead): Buffer {
    const isBodiless = this.body === null || (target.method === 'GET' && this.head.method !== 'GET')
    return isBodiless ? NO_BODY : this.body!.whole()
  }

  #respond(head: ResponseHead, fields: number): void {
    const stream = this.stream
    this.shadows?.onAnswerHead(head, this.cluster!.name)
    this.responseStarted = true
    this.body = null
    this.endRetries()
    this.stopPerTryTimer()
    const tells = !this.config.suppressEnvoyHeaders && stream.isRequestComplete
    const elapsedMs = tells ? this.config.clock.now() - stream.requestCompletedAt : -1
    finalizeResponseHeaders(head, fields, this.route!, this.#choice!, stream.info, elapsedMs)
    if (this.setCookies !== null) for (const cookie of this.setCookies) head.headers.push('set-cookie', cookie)
  }

  #onUpstreamComplete(trailers: HeaderList | null): void {
    this.shadows?.onAnswerEnd(trailers)
    // A slow client is not the upstream's fault (Envoy).
    this.cluster!.stats.upstreamRqTime.record(this.config.clock.now() - this.stream.requestCompletedAt)
    this.stopRouteTimer()
    if (!this.isWhole) this.upstream?.abandonRest()
  }

  protected override fail(reply: LocalReply): void {
    if (this.#fallBack(reply)) return
    this.upstream = null
    const counted = this.route!.attemptCountInResponse
    this.#refuse(this.route!, this.#choice!, counted ? withAttemptCount(reply, this.attempts) : reply)
  }

  /** The destination has failed for good: whether the route has another, or an answer, in its place. */
  #fallBack(failed: LocalReply): boolean {
    const fallback = this.route!.fallback
    if (fallback === null || this.fallbackUsed || !takesOver(fallback, failed, isIdempotent(this.head.method)))
      return false
    const other = fallback.kind === 'cluster' ? findCluster(this.config.clusters, fallback.cluster, this.route!) : null
    if (other === undefined || (other !== null && !this.isReplayable)) return false
    this.fallbackUsed = true
    this.cluster!.stats.upstreamRqFallback.value++
    this.dropAllTries()
    if (fallback.kind === 'answer') this.#refuse(this.route!, this.#choice!, standIn(fallback, failed))
    else this.turnTo(other!)
    return true
  }

  #refuse(route: ForwardRoute, choice: ClusterChoice, reply: LocalReply): void {
    this.stream.localReply(finalizeReply(reply, route, choice, this.stream.info))
  }

  onUpstreamIdle(request: UpstreamRequest): void {
    if (this.responseStarted) {
      // Where tries are hedged none of them is ended by its own time (Envoy).
      if (!this.route!.hedgesOnPerTryTimeout) this.stream.resetResponse(PER_TRY_IDLE_TIMEOUT.details, RESPONSE_FLAG.UT)
    } else if (request === this.upstream) this.#onTryTooLong(PER_TRY_IDLE_TIMEOUT)
  }

  protected override onPerTryTimeout(): void {
    this.#onTryTooLong(PER_TRY_TIMEOUT)
  }

  #onTryTooLong(reply: LocalReply): void {
    if (this.route!.hedgesOnPerTryTimeout) {
      this.hedge()
      return
    }
    const { stats } = this.cluster!
    if (reply === PER_TRY_TIMEOUT) stats.upstreamRqPerTryTimeout.value++
    else stats.upstreamRqPerTryIdleTimeout.value++
    this.upstream?.timeOut(reply === PER_TRY_TIMEOUT ? RESPONSE_FLAG.UT : RESPONSE_FLAG.SI)
    if (retriesPerTryTimeout(this.route!.retry!) && this.retry(null)) return
    stats.upstreamRq5xx.value++
    this.fail(reply)
  }

  protected override onRouteTimeout(): void {
    const { stats } = this.cluster!
    // Each try that is under way counts (Envoy).
    const tries = Math.max(1, this.tries)
    stats.upstreamRqTimeout.value += tries
    if (this.responseStarted) {
      this.stream.resetResponse('response_timeout', RESPONSE_FLAG.UT)
      return
    }
    stats.upstreamRq5xx.value += tries
    this.timeOutAllTries()
    this.fail(RESPONSE_TIMEOUT)
  }
}
