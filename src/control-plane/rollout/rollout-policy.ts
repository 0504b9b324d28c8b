// When a rollout goes on, and when it goes back: a pure step function, which the tests walk through all it can do.
import type { Rollout, RolloutThresholds } from '../../model/rollout.ts'

export type RolloutPlan = Pick<Rollout, 'steps' | 'intervalMs' | 'thresholds'>

/** What proxies have counted of the canary's requests. */
export interface RequestTally {
  readonly requests: number
  readonly failed: number
  /** Beside these: whoever asked left before it was known how they would end. */
  readonly givenUp: number
  /** Those whose time is known; an Envoy tells of none by itself. */
  readonly timed: number
  /** Of these, beyond the maximum. */
  readonly slow: number
}

export interface Observation extends RequestTally {
  /** Since the last one. */
  readonly elapsedMs: number
  /** Percent of the stable subset's requests that were given up meanwhile. */
  readonly stableGivenUp: number
  /** Why nothing is decided; null: it is for this Rollout to decide. */
  readonly undecided: string | null
  /** Why the canary can take no requests; null: it can. */
  readonly obstacle: string | null
  /** It could, at an earlier look of this control plane. */
  readonly wasReady: boolean
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
  /** There was an obstacle at the last look. */
  readonly obstructed: boolean
  /** For people. */
  readonly reason: string
}

/** Fewer may be anybody's whim. */
const MIN_GIVEN_UP = 5
const NOTHING_SEEN = { requests: 0, failed: 0, givenUp: 0, timed: 0, slow: 0, elapsedMs: 0 }

export const INITIAL_STATE: RolloutState = {
  phase: 'waiting',
  step: 0,
  heldMs: 0,
  window: NOTHING_SEEN,
  obstructed: false,
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
 * requests took to come. An obstacle must be there at two looks in a row; where the canary has not been seen since the
 * control plane began, both may just be starting, and it begins anew.
 */
export function nextState(plan: RolloutPlan, state: RolloutState, observation: Observation): RolloutState {
  if (isFinal(state)) return state
  const { undecided, obstacle } = observation
  if (undecided !== null) return { ...state, reason: undecided }
  if (obstacle !== null && (state.phase === 'waiting' || !observation.wasReady))
    return { ...INITIAL_STATE, reason: obstacle }
  if (state.phase === 'waiting') return enterStep(0, 'the canary is ready')
  const window = add(state.window, observation)
  const violation =
    violationOf(plan.thresholds, window, observation.stableGivenUp) ?? (state.obstructed ? obstacle : null)
  if (violation !== null) return { ...state, phase: 'rolled-back', window, reason: violation }
  if (obstacle !== null) return { ...state, window, obstructed: true, reason: obstacle }
  const missing = missingOf(plan.thresholds, window)
  if (missing !== null) return { ...state, window, obstructed: false, reason: missing }
  const heldMs = state.heldMs + Math.min(window.elapsedMs, plan.intervalMs)
  const judged: RolloutState = { ...state, heldMs, window: NOTHING_SEEN, obstructed: false }
  if (heldMs < plan.steps[state.step]!.holdMs)
    return { ...judged, reason: `does well: ${describe(plan.thresholds, window)}` }
  const reason = `did well for ${heldMs / 1000}s: ${describe(plan.thresholds, window)}`
  if (state.step + 1 < plan.steps.length) return enterStep(state.step + 1, reason)
  return { ...judged, phase: 'promoted', reason }
}

function enterStep(step: number, reason: string): RolloutState {
  return { ...INITIAL_STATE, phase: 'progressing', step, reason }
}

function add(window: RolloutState['window'], seen: Observation): RolloutState['window'] {
  return {
    requests: window.requests + seen.requests,
    failed: window.failed + seen.failed,
    givenUp: window.givenUp + seen.givenUp,
    timed: window.timed + seen.timed,
    slow: window.slow + seen.slow,
    elapsedMs: window.elapsedMs + seen.elapsedMs,
  }
}

/** Judged before there are enough requests only where no further ones could make it good. */
function violationOf(
  { minRequests, successRate, latency }: RolloutThresholds,
  { requests, failed, givenUp, timed, slow }: RequestTally,
  stableGivenUp: number,
): string | null {
  if (successRate !== null && exceeds(failed, Math.max(requests, minRequests), 100 - successRate))
    return `${failed} of ${requests} requests failed; ${successRate}% must succeed`
  if (latency !== null && exceeds(slow, Math.max(timed, minRequests), 100 - latency.percentile))
    return `${slow} of ${timed} requests took longer than ${latency.maximumMs} ms; ${latency.percentile}% must not`
  // Who hangs fails nobody and is slow for nobody. Some clients leave whatever they are sent to: a few say nothing, nor
  // do as many as leave the stable subset.
  const bearable = 100 - (successRate ?? latency!.percentile) + 2 * stableGivenUp
  if (givenUp >= MIN_GIVEN_UP && exceeds(givenUp, Math.max(requests + givenUp, minRequests), bearable))
    return `${givenUp} of ${requests + givenUp} requests were given up before they were answered`
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
