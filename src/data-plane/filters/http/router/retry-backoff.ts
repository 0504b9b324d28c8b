// Time between tries: what a response that limits the rate asks for, where the policy looks at that; else exponential with
// full jitter, as Envoy's JitteredExponentialBackOffStrategy.
import { getHeader } from '../../../../transport/header-list.ts'
import type { ResponseHead } from '../../../../transport/request-head.ts'
import type { ClusterStats } from '../../../cluster/cluster.ts'
import type { RetryPolicy } from '../../../route/route-entry.ts'
import type { RouterConfig } from './config.ts'

/** `retry` counts from 1. `head`: of the response that is not taken; null without one. */
export function retryDelayMs(
  policy: RetryPolicy,
  head: ResponseHead | null,
  retry: number,
  { clock, random }: RouterConfig,
  stats: ClusterStats,
): number {
  const asked = head === null ? -1 : rateLimitedMs(policy, head, clock.wallNow(), random.next())
  const counter = asked > 0 ? stats.upstreamRqRetryRateLimited : stats.upstreamRqRetryExponential
  counter.value++
  return asked > 0 ? asked : backoffMs(policy.backoffBaseMs, policy.backoffMaxMs, retry, random.next())
}

/** `retry` counts from 1; `random` in [0, 1). At least a millisecond. */
export function backoffMs(baseMs: number, maxMs: number, retry: number, random: number): number {
  const ceiling = Math.min(maxMs, baseMs * 2 ** (retry - 1))
  return Math.max(1, Math.floor(random * ceiling))
}

/**
 * What the first field asks for that names a time within bounds, and up to half of that again, so that not all come back
 * together; -1: none does. `wallMs`: milliseconds since the epoch.
 */
export function rateLimitedMs(policy: RetryPolicy, head: ResponseHead, wallMs: number, random: number): number {
  const { resetFields, rateLimitedMaxMs } = policy
  for (let i = 0; i < resetFields.length; i++) {
    const { name, isTimestamp } = resetFields[i]!
    const seconds = wholeNumber(getHeader(head.headers, name))
    if (seconds < 0) continue
    const ms = isTimestamp ? Math.max(0, seconds * 1000 - wallMs) : seconds * 1000
    if (ms <= rateLimitedMaxMs) return Math.max(1, Math.floor(ms * (1 + random / 2)))
  }
  return -1
}

/** -1 for what is none. */
function wholeNumber(text: string | undefined): number {
  if (text === undefined || text === '' || text.length > 15) return -1
  let value = 0
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 48
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}
