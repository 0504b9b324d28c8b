// One token bucket with its state, for whoever asks it.
import { takeToken, tokensAt, waitAt } from '../../../../base/token-bucket.ts'
import type { Cell } from '../../../process-limits/process-limits.ts'
import type { NamedBucketConfig } from './named-bucket.ts'

export class Bucket {
  readonly config: NamedBucketConfig
  readonly #emptyAt: Cell

  /** `emptyAt` begins with FULL. */
  constructor(config: NamedBucketConfig, emptyAt: Cell) {
    this.config = config
    this.#emptyAt = emptyAt
  }

  take(now: number): boolean {
    for (;;) {
      const emptyAt = this.#emptyAt.value
      const next = takeToken(this.config, emptyAt, now)
      if (next === emptyAt) return false
      if (this.#emptyAt.replace(emptyAt, next)) return true
    }
  }

  /** What has asked it keeps what it knows. */
  release(): void {
    this.#emptyAt.release()
  }

  /** Whole ones. */
  remaining(now: number): number {
    return Math.floor(tokensAt(this.config, this.#emptyAt.value, now))
  }

  /** Whole seconds until there is one. */
  resetSeconds(now: number): number {
    return Math.ceil(waitAt(this.config, this.#emptyAt.value, now) / 1000)
  }
}
