// The buckets of one config, or of one connection where each has its own: who asks which, and in which order.
import { FULL, type TokenBucketConfig, takeToken, tokensAt, waitAt } from './token-bucket.ts'

export class Bucket {
  readonly config: TokenBucketConfig
  #emptyAt = FULL

  constructor(config: TokenBucketConfig) {
    this.config = config
  }

  take(now: number): boolean {
    const next = takeToken(this.config, this.#emptyAt, now)
    if (next === this.#emptyAt) return false
    this.#emptyAt = next
    return true
  }

  /** Whole ones. */
  remaining(now: number): number {
    return Math.floor(tokensAt(this.config, this.#emptyAt, now))
  }

  /** Whole seconds until there is one. */
  resetSeconds(now: number): number {
    return Math.ceil(waitAt(this.config, this.#emptyAt, now) / 1000)
  }
}

export interface LimiterConfig {
  /** Null: only descriptors are limited. */
  readonly bucket: TokenBucketConfig | null
  readonly descriptors: readonly { readonly key: string; readonly bucket: TokenBucketConfig }[]
  /** Requests for which there is a descriptor take from the default bucket too. */
  readonly alwaysTakesDefault: boolean
}

/** Of one request. */
export interface Verdict {
  allowed: boolean
  /** Whose figures the response carries; null when no bucket was asked. */
  bucket: Bucket | null
}

export class RateLimiter {
  readonly #default: Bucket | null
  readonly #alwaysTakesDefault: boolean
  readonly #byDescriptor = new Map<string, Bucket>()
  /** Of the request under way; requests are never judged two at a time. */
  readonly #matched: Bucket[] = []

  constructor({ bucket, descriptors, alwaysTakesDefault }: LimiterConfig) {
    this.#default = bucket && new Bucket(bucket)
    this.#alwaysTakesDefault = alwaysTakesDefault
    for (const one of descriptors) this.#byDescriptor.set(one.key, new Bucket(one.bucket))
  }

  get hasDescriptors(): boolean {
    return this.#byDescriptor.size > 0
  }

  /** Before `judge`, for each descriptor of the request. */
  match(descriptor: string): void {
    const bucket = this.#byDescriptor.get(descriptor)
    if (bucket === undefined) return
    // The slowest is asked first (Envoy): there are few, and seldom more than one.
    const matched = this.#matched
    let at = matched.length
    while (at > 0 && matched[at - 1]!.config.tokenMs < bucket.config.tokenMs) at--
    for (let i = matched.length; i > at; i--) matched[i] = matched[i - 1]!
    matched[at] = bucket
  }

  judge(verdict: Verdict, now: number): void {
    const matched = this.#matched
    verdict.bucket = matched[0] ?? this.#default
    verdict.allowed = true
    for (let i = 0; verdict.allowed && i < matched.length; i++) this.#take(verdict, matched[i]!, now)
    const takesDefault = matched.length === 0 || this.#alwaysTakesDefault
    if (verdict.allowed && takesDefault && this.#default !== null) this.#take(verdict, this.#default, now)
    matched.length = 0
  }

  #take(verdict: Verdict, bucket: Bucket, now: number): void {
    if (bucket.take(now)) return
    verdict.allowed = false
    verdict.bucket = bucket
  }
}
