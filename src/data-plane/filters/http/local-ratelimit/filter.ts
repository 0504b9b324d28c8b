// Turns away what is more than a token bucket lets through.
import type { Clock } from '../../../../base/clock.ts'
import type { Random } from '../../../../base/random.ts'
import { addHeader, type HeaderList } from '../../../../transport/header-list.ts'
import type { RequestHead, ResponseHead } from '../../../../transport/request-head.ts'
import { NO_MUTATIONS } from '../../../route/header-mutator.ts'
import { standingItem } from '../../../route/rate-limit-fields.ts'
import type { RateLimitRule } from '../../../route/rate-limit-rule.ts'
import type { FilterStream, HeadersStatus, HttpFilter } from '../contract/http-filter.ts'
import type { Bucket } from './bucket.ts'
import { RateLimitConfig } from './config.ts'
import type { RateLimiter, Verdict } from './rate-limiter.ts'
import { withFields } from './refusal.ts'

export interface RateLimitTools {
  readonly name: string
  readonly config: RateLimitConfig
  readonly clock: Clock
  readonly random: Random
  /** The proxy's own, for `source_cluster`. */
  readonly ownCluster: string
  /** RateLimit-Policy and RateLimit on responses. */
  readonly tellsStandard: boolean
}

export class LocalRateLimitFilter implements HttpFilter, Verdict {
  allowed = true
  bucket: Bucket | null = null
  readonly #stream: FilterStream
  readonly #tools: RateLimitTools
  #config: RateLimitConfig

  constructor(stream: FilterStream, tools: RateLimitTools) {
    this.#stream = stream
    this.#tools = tools
    this.#config = tools.config
  }

  decodeHeaders(head: RequestHead, _endStream: boolean): HeadersStatus {
    const ofRoute = this.#stream.routeConfig(this.#tools.name)
    if (ofRoute instanceof RateLimitConfig) this.#config = ofRoute
    const config = this.#config
    const { stats } = config
    if (!this.#draws(config.enabled)) return 'continue'
    stats.enabled.value++
    const limiter = config.limiterOf(this.#stream.info.connection)
    if (limiter.hasDescriptors) this.#matchDescriptors(limiter)
    limiter.judge(this, this.#tools.clock.now())
    if (this.allowed) {
      stats.ok.value++
      return 'continue'
    }
    stats.rateLimited.value++
    if (!this.#draws(config.enforced)) {
      config.requestHeaders.apply(head.headers, this.#stream.info)
      return 'continue'
    }
    stats.enforced.value++
    this.#refuse()
    return 'stop'
  }

  encodeHeaders({ headers }: ResponseHead, _endStream: boolean): HeadersStatus {
    const { bucket } = this
    const { clock, tellsStandard } = this.#tools
    if (bucket === null || !(this.#config.tellsFigures || tellsStandard)) return 'continue'
    const now = clock.now()
    const remaining = bucket.remaining(now)
    const seconds = bucket.resetSeconds(now)
    const { maxTokens, item, policy } = bucket.config
    // Behind what others have said of limits of their own (Envoy; the standard has lists).
    if (this.#config.tellsFigures) {
      addHeader(headers, 'x-ratelimit-limit', String(maxTokens))
      addHeader(headers, 'x-ratelimit-remaining', String(remaining))
      addHeader(headers, 'x-ratelimit-reset', String(seconds))
    }
    if (tellsStandard && policy !== '') {
      addHeader(headers, 'ratelimit-policy', policy)
      addHeader(headers, 'ratelimit', standingItem(item, remaining, seconds))
    }
    return 'continue'
  }

  /** The config's own rules; else the route's, and its virtual host's as far as both config and route let them count (Envoy). */
  #matchDescriptors(limiter: RateLimiter): void {
    const { ownRules } = this.#config
    if (ownRules.length > 0) {
      for (let i = 0; i < ownRules.length; i++) this.#matchRule(limiter, ownRules[i]!)
      return
    }
    const stream = this.#stream
    // Only what goes to a cluster is described: filters ask the router's entry.
    if (stream.clusterChoice() === null) return
    const { rateLimits, virtualHostRateLimits, includesVirtualHostRateLimits } = stream.routeFilters()!
    this.#matchRules(limiter, rateLimits)
    const { virtualHostLimits } = this.#config
    const both = includesVirtualHostRateLimits || virtualHostLimits === 'include'
    if (both || (virtualHostLimits === 'override' && rateLimits.length === 0))
      this.#matchRules(limiter, virtualHostRateLimits)
  }

  #matchRules(limiter: RateLimiter, rules: readonly RateLimitRule[]): void {
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i]!
      if (rule.stage === this.#config.stage) this.#matchRule(limiter, rule)
    }
  }

  #matchRule(limiter: RateLimiter, rule: RateLimitRule): void {
    const descriptor = rule.descriptorOf(this.#stream, this.#tools.ownCluster)
    if (descriptor !== null) limiter.match(descriptor)
  }

  #refuse(): void {
    const { refusal, responseHeaders } = this.#config
    if (responseHeaders === NO_MUTATIONS) {
      this.#stream.localReply(refusal)
      return
    }
    const headers: HeaderList = []
    responseHeaders.apply(headers, this.#stream.info)
    this.#stream.localReply(withFields(refusal, headers))
  }

  #draws(share: number): boolean {
    return share > 0 && (share >= 1 || this.#tools.random.next() < share)
  }
}
