// What the checks of one endpoint have come to so far: Envoy's rules for when it counts as well. A pure step function.

/** Each but `healthy` and `degraded` is a failure. */
export type CheckResult =
  | 'healthy'
  | 'degraded'
  /** The endpoint says that it is not well: holds at once. */
  | 'unhealthy'
  /** It says so by a status that is to be seen more than once. */
  | 'retriable'
  /** No connection, a reset, or bytes that are no answer. */
  | 'network'
  | 'timeout'
  /** What it answered to a request of traffic says so (x-envoy-immediate-health-check-fail). */
  | 'passive'

export interface CheckThresholds {
  /** In a row. Reached exactly, as in Envoy: 0 never is. */
  readonly healthyThreshold: number
  readonly unhealthyThreshold: number
}

export interface CheckState {
  readonly failed: boolean
  /** The failure that holds was for want of an answer. */
  readonly timedOut: boolean
  /** Nothing is known yet, and it is not even to be counted among the cluster's endpoints until then. */
  readonly pending: boolean
  /** It asked to be taken out, and is not counted among the cluster's endpoints either. */
  readonly excluded: boolean
  readonly degraded: boolean
  readonly isFirst: boolean
  readonly successes: number
  readonly failures: number
}

/** `pending`: the next results of this kind will change something. */
export type Transition = 'unchanged' | 'pending' | 'changed'

export interface CheckStep {
  readonly state: CheckState
  readonly transition: Transition
}

export function unchecked(failed: boolean, pending: boolean): CheckState {
  return {
    failed,
    timedOut: false,
    pending,
    excluded: false,
    degraded: false,
    isFirst: true,
    successes: 0,
    failures: 0,
  }
}

/** One more `passive` would leave everything as it is. */
export function isTakenOut({ failed, excluded, timedOut, isFirst, successes }: CheckState): boolean {
  return failed && excluded && !timedOut && !isFirst && successes === 0
}

/** `excludes`: the answer asked for the endpoint to be taken out altogether. */
export function afterCheck(
  thresholds: CheckThresholds,
  state: CheckState,
  result: CheckResult,
  excludes: boolean,
): CheckStep {
  const isWell = result === 'healthy' || result === 'degraded'
  const { state: next, transition } = isWell
    ? onSuccess(thresholds, state, result === 'degraded')
    : onFailure(thresholds, state, result, excludes)
  const isKnownNow = state.pending
  const isExcludedNow = next.excluded !== state.excluded
  return {
    state: { ...next, pending: false, isFirst: false },
    transition: isKnownNow || isExcludedNow ? 'changed' : transition,
  }
}

function onSuccess({ healthyThreshold }: CheckThresholds, state: CheckState, degraded: boolean): CheckStep {
  const successes = state.failed && !state.isFirst ? state.successes + 1 : state.successes
  // The first check counts for all: an endpoint that is well is to serve at once.
  const recovers = state.failed && (state.isFirst || successes === healthyThreshold)
  const next = { ...state, failures: 0, successes, degraded, excluded: state.excluded && state.failed }
  if (recovers) {
    const well = { ...next, failed: false, timedOut: false, excluded: false }
    return { state: well, transition: 'changed' }
  }
  if (state.failed) return { state: next, transition: 'pending' }
  return { state: next, transition: degraded === state.degraded ? 'unchanged' : 'changed' }
}

function onFailure(
  { unhealthyThreshold }: CheckThresholds,
  state: CheckState,
  result: CheckResult,
  excludes: boolean,
): CheckStep {
  const counts = result === 'network' || result === 'timeout' || result === 'retriable'
  const failures = state.failed || !counts ? state.failures : state.failures + 1
  const fails = !state.failed && (!counts || failures === unhealthyThreshold)
  const failed = state.failed || fails
  const next = {
    ...state,
    successes: 0,
    failures,
    failed,
    timedOut: failed && result === 'timeout',
    excluded: state.excluded || excludes,
  }
  if (state.failed) return { state: next, transition: 'unchanged' }
  return { state: next, transition: fails ? 'changed' : 'pending' }
}
