// Weft's RateLimit: how many requests of a kind a workload takes, altogether or for each client of its own.
import type { StringMatch } from './string-match.ts'

export const RATE_UNITS = ['second', 'minute', 'hour', 'day'] as const
export type RateUnit = (typeof RATE_UNITS)[number]

/** At most `burst` at once, and `requests` in every `per` from then on. */
export interface RequestRate {
  readonly requests: number
  readonly per: RateUnit
  readonly burst: number
}

/** What has a bucket of its own for each of its values. */
export type RateLimitKey =
  | { readonly kind: 'header'; readonly name: string }
  /** Of the token that the client's request carries, where one was checked. */
  | { readonly kind: 'claim'; readonly path: readonly string[] }
  /** The client's, or its network where bits are given. */
  | { readonly kind: 'client-address'; readonly network?: { readonly v4Bits: number; readonly v6Bits: number } }

export interface RateLimitMatch {
  /** Empty: any. `*.` at the start stands for every name below. */
  readonly hosts: readonly string[]
  /** Without the query. */
  readonly path: StringMatch | null
  readonly method: StringMatch | null
  readonly headers: Readonly<Record<string, StringMatch>>
}

export interface RateLimitOverride {
  /** One for each key of the rule. */
  readonly values: readonly string[]
  /** Null: no limit. */
  readonly limit: RequestRate | null
}

export interface RateLimitRule {
  readonly name: string
  /** Null: every request. */
  readonly match: RateLimitMatch | null
  readonly by: readonly RateLimitKey[]
  /** Null: none, but for the overrides. */
  readonly limit: RequestRate | null
  readonly overrides: readonly RateLimitOverride[]
}

/** How clients are told of a limit: the standard's RateLimit fields, Envoy's x-ratelimit-*. */
export const RATE_LIMIT_HEADERS = ['standard', 'x-ratelimit'] as const
export type RateLimitHeaders = (typeof RATE_LIMIT_HEADERS)[number]

export interface RateLimit {
  /** Null: every workload of the namespace, or of the mesh in the root namespace. */
  readonly selector: Readonly<Record<string, string>> | null
  /** `local`: each proxy counts by itself; `global`: all of them together, at the rate limit service. */
  readonly scope: 'local' | 'global'
  /** Whether requests pass while the rate limit service does not answer. */
  readonly onFailure: 'allow' | 'deny'
  /** On every response that the limit was asked for. */
  readonly headers: readonly RateLimitHeaders[]
  readonly rules: readonly RateLimitRule[]
}
