// When a rollout goes on, and when it goes back: a pure step function, which the tests walk through all it can do.
import type { Rollout, RolloutThresholds } from '../../model/rollout.ts'

export type RolloutPlan = Pick<Rollout, 'steps' | 'intervalMs' | 'thresholds'>

/** What proxies have counted of the canary's requests. */
export interface RequestTally {
  readonly requests: number
  readonly failed: number
  /** Those whose time is known; an Envoy tells of none. */
  readonly timed: number
  /** Of these, beyond the maximum. */
  readonly slow: number
}

export interface Observation extends RequestTally {
  /** Since the last one. */
  readonly elapsedMs: number
  /** Why the canary can take no requests; null: it can. */
  readonly obstacle: string | null
}

export interface RolloutState {
  /** The last two are for good. */
  readonly phase: 'waiting' | 'progressing' | 'promoted' | 'rolled-back'
  /** Index of the step under way, or of the last one. */
  readonly step: number
  /** For how long this step has done well, as far as somebody saw it. */
  readonly heldMs: number
  /** Not judged yet. */
  readonly window: RequestTally & { readonly elapsedMs: number }
  /** For people. */
  readonly reason: string
}

const NOTHING_SEEN = { requests: 0, failed: 0, timed: 0, slow: 0, elapsedMs: 0 }

export const INITIAL_STATE: RolloutState = {
  phase: 'waiting',
  step: 0,
  heldMs: 0,
  window: NOTHING_SEEN,
  reason: 'not looked at yet',
}

/** Percent of the requests that the canary gets. */
export function canaryWeight({ steps }: RolloutPlan, { phase, step }: RolloutState): number {
  if (phase === 'promoted') return 100
  return phase === 'progressing' ? (steps[step]?.weight ?? 0) : 0
}

export function isFinal({ phase }: RolloutState): boolean {
  return phase === 'promoted' || phase === 'rolled-back'
}

/**
 * Up only by one step, and only from a judgement that nothing was amiss; down only to nothing, and then for good. Silence
 * is no judgement: a step holds by the intervals in which enough requests were seen, each counting once however long the
 * requests took to come.
 */
export function nextState(plan: RolloutPlan, state: RolloutState, observation: Observation): RolloutState {
  if (isFinal(state)) return state
  if (state.phase === 'waiting') {
    if (observation.obstacle !== null) return { ...state, reason: observation.obstacle }
    return enterStep(0, 'the canary is ready')
  }
  const window = add(state.window, observation)
  const violation = observation.obstacle ?? violationOf(plan.thresholds, window)
  if (violation !== null) return { ...state, phase: 'rolled-back', window, reason: violation }
  const missing = missingOf(plan.thresholds, window)
  if (missing !== null) return { ...state, window, reason: missing }
  const heldMs = state.heldMs + Math.min(window.elapsedMs, plan.intervalMs)
  if (heldMs < plan.steps[state.step]!.holdMs)
    return { ...state, heldMs, window: NOTHING_SEEN, reason: `does well: ${describe(plan.thresholds, window)}` }
  const reason = `did well for ${heldMs / 1000}s: ${describe(plan.thresholds, window)}`
  if (state.step + 1 < plan.steps.length) return enterStep(state.step + 1, reason)
  return { ...state, phase: 'promoted', heldMs, window: NOTHING_SEEN, reason }
}

function enterStep(step: number, reason: string): RolloutState {
  return { phase: 'progressing', step, heldMs: 0, window: NOTHING_SEEN, reason }
}

function add(window: RolloutState['window'], seen: Observation): RolloutState['window'] {
  return {
    requests: window.requests + seen.requests,
    failed: window.failed + seen.failed,
    timed: window.timed + seen.timed,
    slow: window.slow + seen.slow,
    elapsedMs: window.elapsedMs + seen.elapsedMs,
  }
}

/** Judged before there are enough requests only where no further ones could make it good. */
function violationOf({ minRequests, successRate, latency }: RolloutThresholds, window: RequestTally): string | null {
  const { requests, failed, timed, slow } = window
  if (successRate !== null && exceeds(failed, Math.max(requests, minRequests), 100 - successRate))
    return `${failed} of ${requests} requests failed; ${successRate}% must succeed`
  if (latency !== null && exceeds(slow, Math.max(timed, minRequests), 100 - latency.percentile))
    return `${slow} of ${timed} requests took longer than ${latency.maximumMs} ms; ${latency.percentile}% must not`
  return null
}

/** `count` is more than `percent` of `all`; a thousandth of a request is what binary fractions are off by at most. */
function exceeds(count: number, all: number, percent: number): boolean {
  return count > (all * percent) / 100 + 0.001
}

function missingOf({ minRequests, successRate, latency }: RolloutThresholds, window: RequestTally): string | null {
  if (successRate !== null && window.requests < minRequests)
    return `${window.requests} of the ${minRequests} requests that a judgement needs`
  if (latency !== null && window.timed < minRequests)
    return `the times of ${window.timed} of the ${minRequests} requests that a judgement needs`
  return null
}

function describe(
  { successRate, latency }: RolloutThresholds,
  { requests, failed, timed, slow }: RequestTally,
): string {
  const failures = successRate === null ? [] : [`${failed} of ${requests} requests failed`]
  const times = latency === null ? [] : [`${slow} of ${timed} took longer than ${latency.maximumMs} ms`]
  return [...failures, ...times].join(', ')
}
