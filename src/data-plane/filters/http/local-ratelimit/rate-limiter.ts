// The buckets of one config, or of one connection where each has its own: who asks which, and in which order.

import { FULL } from '../../../../base/token-bucket.ts'
import type { ProcessLimits } from '../../../process-limits/process-limits.ts'
import { Bucket } from './bucket.ts'
import { DynamicBuckets, type WildcardDescriptor } from './dynamic-buckets.ts'
import type { NamedBucketConfig } from './named-bucket.ts'

export interface LimiterConfig {
  /** Null: only descriptors are limited. */
  readonly bucket: NamedBucketConfig | null
  readonly descriptors: readonly { readonly key: string; readonly bucket: NamedBucketConfig }[]
  readonly wildcards: readonly WildcardDescriptor[]
  /** Values that each wildcard descriptor keeps a bucket for. */
  readonly maxDynamic: number
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
  readonly #dynamic: readonly DynamicBuckets[]
  /** Of the request under way; requests are never judged two at a time. */
  readonly #matched: Bucket[] = []

  constructor(
    { bucket, descriptors, wildcards, maxDynamic, alwaysTakesDefault }: LimiterConfig,
    limits: ProcessLimits,
  ) {
    this.#default = bucket && new Bucket(bucket, limits.cell('default', FULL))
    this.#alwaysTakesDefault = alwaysTakesDefault
    for (const { key, bucket } of descriptors)
      this.#byDescriptor.set(key, new Bucket(bucket, limits.cell(`descriptor ${key}`, FULL)))
    this.#dynamic = wildcards.map(wildcard => new DynamicBuckets(wildcard, maxDynamic, limits.part()))
  }

  get hasDescriptors(): boolean {
    return this.#byDescriptor.size > 0 || this.#dynamic.length > 0
  }

  /** Before `judge`, for each descriptor of the request. */
  match(descriptor: string): void {
    const bucket = this.#byDescriptor.get(descriptor) ?? this.#dynamicBucket(descriptor)
    if (bucket === null) return
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

  /** A value that config names has come before; of several wildcards the first that fits counts. */
  #dynamicBucket(descriptor: string): Bucket | null {
    for (let i = 0; i < this.#dynamic.length; i++) {
      const bucket = this.#dynamic[i]!.find(descriptor)
      if (bucket !== null) return bucket
    }
    return null
  }

  #take(verdict: Verdict, bucket: Bucket, now: number): void {
    if (bucket.take(now)) return
    verdict.allowed = false
    verdict.bucket = bucket
  }
}
