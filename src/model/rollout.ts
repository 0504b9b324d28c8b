// Weft's Rollout: a service's traffic moves from one subset to another in steps, while the new one does well.
import type { SourcePosition } from '../base/problem.ts'

export interface RolloutStep {
  /** Percent of the requests that the canary gets; more with each step. */
  readonly weight: number
  readonly holdMs: number
}

export interface RolloutThresholds {
  /** Fewer than that many are judged by nobody. */
  readonly minRequests: number
  /** At least so many percent; null: whatever it is. */
  readonly successRate: number | null
  /** So many percent take no longer than `maximumMs`, which is one of the classes that times are counted in. */
  readonly latency: { readonly percentile: number; readonly maximumMs: number } | null
}

export interface Rollout {
  /** As written; a short name is of the object's namespace. */
  readonly host: string
  readonly hostPosition: SourcePosition
  /** Names of subsets. */
  readonly stable: string
  readonly canary: string
  /** What is rolled out, for people; another one begins anew. */
  readonly version: string
  readonly steps: readonly RolloutStep[]
  /** How often the canary is judged. */
  readonly intervalMs: number
  readonly thresholds: RolloutThresholds
}
