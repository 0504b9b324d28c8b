// A token bucket as a pure step function. Its whole state is one number: the time at which it was empty, or will have
// been, if nothing had been taken since but time had run on. What is in it now is what has flowed in since then.

export interface TokenBucketConfig {
  readonly maxTokens: number
  /** Milliseconds for one token. */
  readonly tokenMs: number
  /** Milliseconds from empty to full. */
  readonly fullMs: number
}

/** Milliseconds of rounding that are not held against a request. */
const TOLERANCE = 1e-6

export function tokenBucketConfig(maxTokens: number, tokensPerFill: number, fillIntervalMs: number): TokenBucketConfig {
  const tokenMs = fillIntervalMs / tokensPerFill
  return { maxTokens, tokenMs, fullMs: maxTokens * tokenMs }
}

/** Before the first request: full. */
export const FULL = Number.NEGATIVE_INFINITY

/** One request asks for a token at `now`: the state after it, which is the same state when there was none. */
export function takeToken(config: TokenBucketConfig, emptyAt: number, now: number): number {
  return takeTokens(config, emptyAt, now, 1)
}

/** The same for several tokens, all or none. */
export function takeTokens(config: TokenBucketConfig, emptyAt: number, now: number, count: number): number {
  const next = Math.max(emptyAt, now - config.fullMs) + count * config.tokenMs
  return next <= now + TOLERANCE ? next : emptyAt
}

/** With a fraction. */
export function tokensAt(config: TokenBucketConfig, emptyAt: number, now: number): number {
  return Math.max(0, Math.min(config.maxTokens, (now - emptyAt) / config.tokenMs))
}

/** Milliseconds until there is a token; 0 when there is one. */
export function waitAt(config: TokenBucketConfig, emptyAt: number, now: number): number {
  return Math.max(0, emptyAt + config.tokenMs - now)
}
