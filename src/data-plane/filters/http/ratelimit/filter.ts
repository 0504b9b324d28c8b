// Asks a rate limit service whether a request may pass, and holds it until there is an answer.
import { addHeader, type HeaderList, setHeader } from '../../../../transport/header-list.ts'
import type { RequestHead, ResponseHead } from '../../../../transport/request-head.ts'
import { type GrpcCallOwner, GrpcUnaryCall } from '../../../grpc/unary-call.ts'
import type { RateLimitRule } from '../../../route/rate-limit-rule.ts'
import type { DataStatus, FilterStream, HeadersStatus, HttpFilter } from '../contract/http-filter.ts'
import { type RateLimitSettings, RouteRateLimits } from './config.ts'
import type { RateLimitStats } from './rate-limit-stats.ts'
import { withBody } from './refusal.ts'
import { decodeAnswer, encodeRequest, type ServiceAnswer } from './service-message.ts'

export interface RateLimitTools {
  readonly name: string
  readonly settings: RateLimitSettings
  readonly ownCluster: string
  /** RateLimit-Policy and RateLimit on responses. */
  readonly tellsStandard: boolean
}

export class RateLimitFilter implements HttpFilter, GrpcCallOwner {
  readonly #stream: FilterStream
  readonly #tools: RateLimitTools
  #call: GrpcUnaryCall | null = null
  /** The headers wait for the answer. */
  #holds = false
  #stats: RateLimitStats | null = null
  #answer: ServiceAnswer | null = null
  #refused = false

  constructor(stream: FilterStream, tools: RateLimitTools) {
    this.#stream = stream
    this.#tools = tools
  }

  decodeHeaders(_head: RequestHead, _endStream: boolean): HeadersStatus {
    const { settings } = this.#tools
    const choice = this.#stream.clusterChoice()
    // What goes to no cluster is not limited (Envoy).
    if (choice === null) return 'continue'
    const descriptors: string[] = []
    const domain = this.#describe(descriptors)
    if (descriptors.length === 0) return 'continue'
    this.#stats = settings.stats.of(choice.cluster)
    this.#call = new GrpcUnaryCall(settings.target, this, encodeRequest(domain, descriptors))
    this.#call.start()
    this.#holds = this.#call !== null
    return this.#holds || this.#refused ? 'stop' : 'continue'
  }

  decodeData(_chunk: Buffer, _endStream: boolean): DataStatus {
    return this.#call === null ? 'continue' : 'pause'
  }

  decodeTrailers(_trailers: HeaderList): HeadersStatus {
    return this.#call === null ? 'continue' : 'stop'
  }

  encodeHeaders({ headers }: ResponseHead, _endStream: boolean): HeadersStatus {
    const { settings } = this.#tools
    const answer = this.#answer
    if (answer === null) return 'continue'
    const fields = answer.responseHeaders
    for (let i = 0; i < fields.length; i += 2) {
      // The service's word on the body that it sent stands in the place of the proxy's own.
      if (this.#refused && fields[i] === 'content-type') setHeader(headers, 'content-type', fields[i + 1]!)
      else addHeader(headers, fields[i]!, fields[i + 1]!)
    }
    if (this.#refused && settings.marksRefusals) setHeader(headers, 'x-envoy-ratelimited', 'true')
    const { figures, policies, standings } = answer
    // Behind what others have said of limits of their own (Envoy; the standard has lists).
    if (policies !== '' && this.#tools.tellsStandard) {
      addHeader(headers, 'ratelimit-policy', policies)
      addHeader(headers, 'ratelimit', standings)
    }
    if (figures !== null && settings.tellsFigures) {
      addHeader(headers, 'x-ratelimit-limit', figures[0])
      addHeader(headers, 'x-ratelimit-remaining', figures[1])
      addHeader(headers, 'x-ratelimit-reset', figures[2])
    }
    if (this.#refused) settings.responseHeaders.apply(headers, this.#stream.info)
    return 'continue'
  }

  onDestroy(): void {
    this.#call?.cancel()
    this.#call = null
  }

  onGrpcMessage(message: Buffer): void {
    const answer = decodeAnswer(message)
    if (answer === null) {
      this.onGrpcFailure()
      return
    }
    this.#call = null
    this.#answer = answer
    const fields = answer.requestHeaders
    for (let i = 0; i < fields.length; i += 2) addHeader(this.#stream.request.headers, fields[i]!, fields[i + 1]!)
    if (answer.isOverLimit) {
      this.#stats!.overLimit.value++
      this.#refused = true
      const { refusal } = this.#tools.settings
      this.#stream.localReply(answer.body.length === 0 ? refusal : withBody(refusal, answer.body))
      return
    }
    this.#stats!.ok.value++
    this.#goOn()
  }

  onGrpcFailure(): void {
    this.#call = null
    this.#stats!.error.value++
    const { onError } = this.#tools.settings
    if (onError !== null) {
      this.#refused = true
      this.#stream.localReply(onError)
      return
    }
    this.#stats!.failureModeAllowed.value++
    this.#goOn()
  }

  #goOn(): void {
    if (this.#holds) this.#stream.continueDecoding(this)
  }

  /** The route's word to this filter comes first, then the filter's own rules, then those of route and virtual host. */
  #describe(into: string[]): string {
    const { settings, name } = this.#tools
    const stream = this.#stream
    const said = stream.routeConfig(name)
    const ofRoute = said instanceof RouteRateLimits ? said : null
    const domain = ofRoute === null || ofRoute.domain === '' ? settings.domain : ofRoute.domain
    const own = ofRoute !== null && ofRoute.rules.length > 0 ? ofRoute.rules : settings.ownRules
    if (own.length > 0) {
      for (let i = 0; i < own.length; i++) this.#add(own[i]!, into)
      return domain
    }
    const { rateLimits, virtualHostRateLimits, includesVirtualHostRateLimits } = stream.routeFilters()!
    this.#addOfStage(rateLimits, into)
    const option = ofRoute === null ? 'override' : ofRoute.virtualHostLimits
    const both = includesVirtualHostRateLimits || option === 'include'
    if (both || (option === 'override' && rateLimits.length === 0)) this.#addOfStage(virtualHostRateLimits, into)
    return domain
  }

  #addOfStage(rules: readonly RateLimitRule[], into: string[]): void {
    for (let i = 0; i < rules.length; i++)
      if (rules[i]!.stage === this.#tools.settings.stage) this.#add(rules[i]!, into)
  }

  #add(rule: RateLimitRule, into: string[]): void {
    const descriptor = rule.descriptorOf(this.#stream, this.#tools.ownCluster)
    if (descriptor !== null) into.push(descriptor)
  }
}
