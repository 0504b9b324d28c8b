// Where the buckets of global limits live: in this process, or in a store that several control planes share.
import type { TokenBucketConfig } from '../../base/token-bucket.ts'

export interface Taken {
  readonly allowed: boolean
  /** Whole tokens that are left. */
  readonly remaining: number
  /** Milliseconds until there is one. */
  readonly waitMs: number
}

export interface CounterStore {
  /** Takes `hits` tokens of the bucket called `key`, all or none. Rejects when the store does not answer. */
  take(key: string, bucket: TokenBucketConfig, hits: number): Promise<Taken>
  close(): Promise<void>
}
