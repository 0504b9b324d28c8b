// The buckets of global limits, in memory: as many as were used last.
import { hash } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { LruMap } from '../../base/lru-map.ts'
import { FULL, type TokenBucketConfig, takeTokens, tokensAt, waitAt } from '../../base/token-bucket.ts'
import type { CounterStore, Taken } from './counter-store.ts'

/** Some 20 MB. What is forgotten begins full again. */
const CAPACITY = 100_000
/** Clients choose the values, and what is kept of each must not be theirs to choose. */
const MAX_KEY_LENGTH = 256

export class MemoryCounters implements CounterStore {
  readonly #clock: Clock
  /** When each is, or was, empty. */
  readonly #emptyAt: LruMap<number>

  constructor(clock: Clock, capacity = CAPACITY) {
    this.#clock = clock
    this.#emptyAt = new LruMap(capacity)
  }

  async take(key: string, bucket: TokenBucketConfig, hits: number): Promise<Taken> {
    return this.step(key, bucket, hits)
  }

  step(key: string, bucket: TokenBucketConfig, hits: number): Taken {
    const id = key.length > MAX_KEY_LENGTH ? hash('sha256', key, 'base64') : key
    const now = this.#clock.now()
    const before = this.#emptyAt.get(id) ?? FULL
    const after = takeTokens(bucket, before, now, hits)
    this.#emptyAt.set(id, after)
    return {
      allowed: after !== before,
      remaining: Math.floor(tokensAt(bucket, after, now)),
      waitMs: waitAt(bucket, after, now),
    }
  }

  get size(): number {
    return this.#emptyAt.size
  }

  async close(): Promise<void> {
    this.#emptyAt.clear()
  }
}
