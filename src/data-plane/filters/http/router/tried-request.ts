// The request as it goes upstream: one try, another where the policy allows it, several side by side where the route hedges.
// Knows which of them is the stream's; what an answer or a failure means for the client is the filter's.
import type { Uint64 } from '../../../../base/uint64.ts'
import { type HeaderList, setHeader } from '../../../../transport/header-list.ts'
import { isTunnel, type ResponseHead } from '../../../../transport/request-head.ts'
import type { Cluster, Endpoint } from '../../../cluster/cluster.ts'
import type { LocalReply } from '../../../http/local-reply.ts'
import type { ResetReason } from '../../../pool/reset-reason.ts'
import type { ForwardRoute } from '../../../route/route-entry.ts'
import { type FinalizedRequest, finalizeForTry } from './finalize-request.ts'
import { HedgedTries } from './hedged-tries.ts'
import { claimRequest, pickEndpoint, poolForTry, type RepeatedPick, refusal, remembered } from './pick-endpoint.ts'
import { RequestBuffer } from './request-buffer.ts'
import { isIdempotent, retriesReset, wasUnprocessed } from './retry-decision.ts'
import { type RetryOwner, RetryState } from './retry-state.ts'
import { Shadows } from './shadows.ts'
import { TimedRequest } from './timed-request.ts'
import { UpstreamRequest, type UpstreamRequestOwner } from './upstream-request.ts'

export abstract class TriedRequest
  extends TimedRequest
  implements UpstreamRequestOwner, RetryOwner, RepeatedPick, FinalizedRequest
{
  previous: Endpoint[] | null = null
  attempt = 0
  setCookies: string[] | null = null
  /** Null until the request has one that forwards. */
  protected route: ForwardRoute | null = null
  protected cluster: Cluster | null = null
  /** The latest try. */
  protected upstream: UpstreamRequest | null = null
  protected attempts = 0
  protected responseStarted = false
  protected fallbackUsed = false
  protected shadows: Shadows | null = null
  /** Of the request; undefined until a picker asks for it. */
  #hash: Uint64 | null | undefined
  /** Those before the latest that took too long and go on; null while there was none. */
  #hedged: HedgedTries | null = null
  /** Of the try under way, which has begun to answer: as in Envoy it is not tried again, and has the route's time. */
  #interimSeen = false
  /** Null while there was no retry. */
  #retries: RetryState | null = null
  /** One unpaid try on a fresh connection, after a pooled one was found dead. */
  #freshTryUsed = false

  /** No try is left to wait for. */
  protected abstract fail(reply: LocalReply): void
  abstract onUpstreamHead(request: UpstreamRequest, head: ResponseHead, fields: number, endStream: boolean): void
  abstract onUpstreamBody(chunk: Buffer, endStream: boolean): void
  abstract onUpstreamTrailers(trailers: HeaderList): void
  abstract onUpstreamIdle(request: UpstreamRequest): void
  abstract onUpstreamReset(request: UpstreamRequest, reason: ResetReason, failure: string, reused: boolean): void

  random(): number {
    return this.config.random.next()
  }

  hash(): Uint64 | null {
    if (this.#hash === undefined) this.#hash = this.route!.hashPolicy?.generate(this, this.stream.info) ?? null
    return this.#hash
  }

  onUpstreamReady(request: UpstreamRequest): void {
    const authority = finalizeForTry(this, this.route!, request, this.stream.info, this.config)
    if (this.isWhole) this.#watchIdle(request)
    request.sendHead(this.head, this.path, authority, this.isHeadOnly)
    if (!isTunnel(this.head)) this.#sendBody(request)
  }

  onUpstreamTunnel(request: UpstreamRequest): void {
    this.#sendBody(request)
  }

  onUpstreamInterim(request: UpstreamRequest, head: ResponseHead): void {
    this.settleOn(request)
    this.#interimSeen = true
    this.stopPerTryTimer()
    this.stream.encodeInterim(head)
  }

  onRetry(): void {
    this.tellTimeLeft(this.route!)
    this.tryUpstream(false)
  }

  /** `fresh`: on a connection of its own. */
  protected tryUpstream(fresh: boolean): void {
    const cluster = this.cluster!
    const route = this.route!
    this.attempts++
    // What comes while there is no connection has to be kept, even where no policy asks for another try.
    if (!this.isWhole) this.body ??= RequestBuffer.within(this.config, route, this.#mayTryAgain)
    const { info } = this.stream
    info.attemptCount = this.attempts
    if (route.attemptCountInRequest) setHeader(this.head.headers, 'x-envoy-attempt-count', String(this.attempts))
    const endpoint = pickEndpoint(this.#retries?.picker ?? cluster.picker, this, route.retry)
    if (endpoint !== null) info.goTo(endpoint)
    if (endpoint === null || !claimRequest(cluster)) {
      const reply = refusal(cluster, endpoint, this.attempts > 1)
      // What there is no place for beside the others is left to them.
      if (this.#hedged === null || this.#hedged.count === 0) this.fail(reply)
      return
    }
    if (route.retry?.avoidPreviousHosts) this.previous = remembered(this.previous, endpoint)
    if (this.attempts === 1 && !fresh) this.shadows = Shadows.open(route, this, this.isWhole, info, this.config)
    const pool = poolForTry(cluster, endpoint, this, route, info, this.config.wheel)
    const request = new UpstreamRequest(this, cluster, endpoint, pool, this.config, info)
    this.upstream = request
    if (this.isWhole) this.#timeTry()
    request.start(fresh)
  }

  /** The request is complete, or its time begins anew. */
  protected startTimers(): void {
    if (this.route === null) return
    this.startRouteTimer(this.route)
    if (this.upstream === null) return
    this.#timeTry()
    this.#watchIdle(this.upstream)
  }

  #timeTry(): void {
    if (!this.responseStarted && !this.#interimSeen) this.startPerTryTimer(this.route!)
  }

  #watchIdle(request: UpstreamRequest): void {
    const timeoutMs = this.route!.retry?.perTryIdleTimeoutMs ?? 0
    if (timeoutMs > 0) request.watchIdle(this.config.wheel, timeoutMs)
  }

  #sendBody(request: UpstreamRequest): void {
    this.sendKept(request)
    if (this.upstream !== request) return
    // Kept only for another try: the route's, its fallback's, or the one that a pooled connection found dead is worth.
    // One that was hedged may still have to get it.
    const mayRepeat = this.#mayTryAgain || (request.isReused && !this.#freshTryUsed)
    const isKept = (mayRepeat && this.body?.isOverLimit !== true) || this.#hedged !== null
    if (!isKept) this.body = null
    if (request.isBlocked) this.pause()
    else this.resume()
  }

  protected override isUnderWay(request: UpstreamRequest): boolean {
    return this.upstream === request || this.#hedged?.has(request) === true
  }

  /** By the route's own word: its retries, its fallback, or a redirect that it follows. */
  get #mayTryAgain(): boolean {
    const { retry, fallback, internalRedirects } = this.route!
    return (
      internalRedirects !== null ||
      (this.#retries?.remaining ?? retry?.attempts ?? 0) > 0 ||
      (fallback?.kind === 'cluster' && !this.fallbackUsed)
    )
  }

  /** Another try in place of one that was reset, paid for or not; false leaves the outcome as it is. */
  protected repeats(reason: ResetReason, reusedConnection: boolean): boolean {
    const idempotent = isIdempotent(this.head.method)
    if (wasUnprocessed(reason, reusedConnection, idempotent) && this.#tryFresh()) return true
    const { retry } = this.route!
    return retry !== null && retriesReset(retry, reason, idempotent) && this.retry(null)
  }

  /**
   * A pooled connection that died before a byte of the response: most likely the other side closed it for being idle just
   * as the request left. Nothing was answered and the method may be repeated, so a connection made for it is tried, once,
   * without counting as one of the route's retries.
   */
  #tryFresh(): boolean {
    if (this.#freshTryUsed || this.#interimSeen || !this.isReplayable) return false
    this.#freshTryUsed = true
    this.attempts--
    this.tellTimeLeft(this.route!)
    this.tryUpstream(true)
    return true
  }

  /** Another try in place of this one, if the policy has one left; false leaves the outcome as it is. */
  protected retry(head: ResponseHead | null): boolean {
    if (!this.#schedule(head)) return false
    this.#dropTry()
    return true
  }

  #schedule(head: ResponseHead | null): boolean {
    if (this.#interimSeen) return false
    this.#retries ??= new RetryState(this, this.route!.retry!, this.cluster!, this.config)
    if (!this.#retries.isAllowed || (this.#retries.remaining > 0 && !this.isReplayable)) return false
    const against = this.#retries.schedule(this.upstream!, head)
    this.stream.info.responseFlags |= against
    return against === 0
  }

  /**
   * The try takes too long, and goes on: another is sent beside it, under the policy's bounds, whatever its conditions
   * (Envoy's hedge_on_per_try_timeout). The first good response is the stream's.
   */
  protected hedge(): void {
    const { upstream } = this
    if (upstream === null) return
    upstream.outlast()
    if (this.route!.retry!.retryOn === 0 || !this.#schedule(null)) return
    this.#hedged ??= new HedgedTries()
    this.#hedged.add(upstream)
    this.upstream = null
  }

  /** Gives up a try that went wrong; false when there is no other that may yet do better. */
  protected leaveToOthers(request: UpstreamRequest): boolean {
    const hedged = this.#hedged
    if (hedged === null) return false
    const isLatest = request === this.upstream
    const isNext = !isLatest && (this.upstream !== null || this.#retries?.isWaiting === true)
    if (!isNext && hedged.count === (isLatest ? 0 : 1)) return false
    if (isLatest) this.#dropTry()
    else hedged.giveUp(request)
    return true
  }

  /** Of the tries under way this one has answered: the others, and one that was to come, are given up. */
  protected settleOn(request: UpstreamRequest): void {
    if (this.#hedged === null) return
    this.#retries?.end()
    if (request !== this.upstream) this.#dropTry()
    this.upstream = request
    this.#hedged.giveUpAllBut(request)
    this.stream.info.goBackTo(request.endpoint)
    this.stream.info.goBy(request.connection)
    // Nobody is left to say that he takes more.
    this.resume()
  }

  /** There will be no other than the one that has answered. */
  protected endRetries(): void {
    this.#retries?.end()
  }

  /** The try under way is given up for another, or for an answer. */
  #dropTry(): void {
    const { upstream } = this
    this.upstream = null
    upstream?.cancel()
    if (!this.isWhole) upstream?.abandonRest()
    this.stopPerTryTimer()
  }

  protected dropAllTries(): void {
    this.#dropTry()
    this.#hedged?.giveUpAllBut(null)
  }

  /** The stream is over. */
  protected endTries(): void {
    const { upstream } = this
    this.upstream = null
    this.#hedged?.giveUpAllBut(null)
    this.#retries?.end()
    upstream?.cancel()
  }

  /** How many are under way. */
  protected get tries(): number {
    return (this.#hedged?.count ?? 0) + (this.upstream === null ? 0 : 1)
  }

  protected timeOutAllTries(): void {
    const { upstream } = this
    this.upstream = null
    upstream?.timeOut(0)
    this.#hedged?.timeOut()
  }

  /** As if it had not been sent to another before. */
  protected turnTo(cluster: Cluster): void {
    this.#retries?.end()
    this.#retries = null
    this.stream.info.cluster = cluster
    this.stream.info.authority = this.authority
    this.cluster = cluster
    this.previous = null
    this.#freshTryUsed = false
    this.#interimSeen = false
    this.renewTime()
    if (this.isWhole) this.startTimers()
    this.tellTimeLeft(this.route!)
    this.tryUpstream(false)
  }
}
