// One token bucket with its state, for whoever asks it.
import { FULL, takeToken, tokensAt, waitAt } from '../../../../base/token-bucket.ts'
import type { NamedBucketConfig } from './named-bucket.ts'

export class Bucket {
  readonly config: NamedBucketConfig
  #emptyAt = FULL

  constructor(config: NamedBucketConfig) {
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
