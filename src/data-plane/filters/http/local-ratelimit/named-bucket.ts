// A token bucket as clients are told of it.
import type { TokenBucketConfig } from '../../../../base/token-bucket.ts'
import { policyItem, quoted } from '../../../route/rate-limit-fields.ts'

export interface NamedBucketConfig extends TokenBucketConfig {
  /** The name, quoted. */
  readonly item: string
  /** Empty: what holds as many as a bucket can is no limit that anybody should hear of. */
  readonly policy: string
}

/** As much as Envoy's fields hold. */
const NO_LIMIT = 0xffff_ffff

/**
 * The quota is what the bucket holds, and the window the time in which that comes back: so no more can be left than the quota.
 * A bucket that is full again within the second is told by what comes in one.
 */
export function namedBucket(config: TokenBucketConfig, name: string): NamedBucketConfig {
  const { maxTokens, tokenMs, fullMs } = config
  const shown = fullMs >= 1000 ? maxTokens : Math.max(maxTokens, Math.floor(1000 / tokenMs))
  const seconds = Math.max(1, Math.ceil(fullMs / 1000))
  const policy = maxTokens === NO_LIMIT ? '' : policyItem(name, shown, seconds)
  return { ...config, item: quoted(name), policy }
}
