// The breaker of one endpoint: closed while it serves, open while it is ejected, half-open while it has to prove itself.
// A pure step function, allocating only where something changes; the detector drives it, and a test walks every state.
import type { EjectionCause } from './ejection-cause.ts'
import type { OutlierConfig } from './outlier-config.ts'

export interface BreakerState {
  readonly phase: 'closed' | 'open' | 'half-open'
  /** Results in a row. */
  readonly serverErrors: number
  readonly gatewayErrors: number
  readonly localFailures: number
  /** Monotonic milliseconds: when it opened, or when its probes were last counted from nothing. */
  readonly since: number
  /** How many base times the next ejection lasts but one: grows with each, and wears off while it serves. */
  readonly backoff: number
  readonly jitterMs: number
  /** While half-open: requests under way, and those that went well. */
  readonly probing: number
  readonly proven: number
}

export const CLOSED: BreakerState = {
  phase: 'closed',
  serverErrors: 0,
  gatewayErrors: 0,
  localFailures: 0,
  since: 0,
  backoff: 0,
  jitterMs: 0,
  probing: 0,
  proven: 0,
}

/** What happens to an endpoint: a status that it answered with, or one of these. */
export const EVENT = {
  connected: -1,
  /** No connection, a reset, no answer in time; where nothing is split it comes as a status instead. */
  localFailure: -2,
  /** The interval is over. */
  sweep: -3,
  probeStarted: -4,
  probeServed: -5,
  probeFailed: -6,
  /** Nobody waits for its answer any more. */
  probeAbandoned: -7,
  /** More are out than may be: this one may come back. */
  pardoned: -8,
} as const

/** What a step is told of the others, and what it draws. */
export interface Surroundings {
  readonly hosts: number
  /** Those that are not closed. */
  readonly ejected: number
  /** Uniform in [0, 1). */
  readonly chance: number
  readonly jitter: number
}

export interface Verdict {
  readonly cause: EjectionCause
  /** `spared`: enforced only so often, and not this time. `overflow`: as many are out as may be. */
  readonly outcome: 'enforced' | 'spared' | 'overflow'
}

export interface Step {
  readonly state: BreakerState
  readonly verdicts: readonly Verdict[]
}

const NO_VERDICTS: readonly Verdict[] = []

export function step(
  config: OutlierConfig,
  state: BreakerState,
  event: number,
  around: Surroundings,
  now: number,
): Step {
  if (event >= 0) return onStatus(config, state, event, around, now)
  switch (event) {
    case EVENT.connected:
      return only(state.localFailures === 0 ? state : { ...state, localFailures: 0 })
    case EVENT.localFailure:
      return onLocalFailure(config, state, around, now)
    case EVENT.sweep:
      return only(onSweep(config, state, now))
    case EVENT.probeFailed:
      return onProbeFailed(config, state, around, now)
    case EVENT.pardoned:
      return only(close(state))
    default:
      return only(onProbe(config, state, event))
  }
}

/** Whether a request may be sent to the endpoint. At most `probes` are, until all of them have gone well. */
export function admits(config: OutlierConfig, state: BreakerState): boolean {
  if (state.phase === 'half-open') return state.probing + state.proven < config.probes
  return state.phase === 'closed'
}

/** What was found by comparing endpoints: it counts as one more reason to eject. */
export function condemn(
  config: OutlierConfig,
  state: BreakerState,
  cause: EjectionCause,
  around: Surroundings,
  now: number,
): Step {
  if (state.phase !== 'closed') return only(state)
  const outcome = judge(config, cause, around)
  const verdicts = [{ cause, outcome }]
  return { state: outcome === 'enforced' ? open(config, state, around, now) : state, verdicts }
}

/** Whether more are ejected than may be, as when others have left. */
export function isExcessive(config: OutlierConfig, hosts: number, ejected: number): boolean {
  return ejected > 0 && !mayEject(config, hosts, ejected - 1)
}

/** The status counts as an error of a kind that is looked for. */
export function isFailure(config: OutlierConfig, status: number): boolean {
  if (status < 500) return false
  const { consecutive5xx, consecutiveGatewayFailures, enforcing } = config
  if (consecutive5xx > 0 && enforcing.consecutive_5xx > 0) return true
  if (enforcing.success_rate > 0 || enforcing.failure_percentage > 0) return true
  return isGatewayError(status) && consecutiveGatewayFailures > 0 && enforcing.consecutive_gateway_failure > 0
}

function isGatewayError(status: number): boolean {
  return status >= 502 && status <= 504
}

/** Counters of an endpoint that is out run on without effect: its answers are of before (Envoy). */
function onStatus(config: OutlierConfig, state: BreakerState, status: number, around: Surroundings, now: number): Step {
  if (status < 500) {
    const clean = state.serverErrors === 0 && state.gatewayErrors === 0
    return only(clean ? state : { ...state, serverErrors: 0, gatewayErrors: 0 })
  }
  const gatewayErrors = isGatewayError(status) ? state.gatewayErrors + 1 : 0
  let next: BreakerState = { ...state, serverErrors: state.serverErrors + 1, gatewayErrors }
  let verdicts = NO_VERDICTS
  if (next.phase === 'closed' && gatewayErrors > 0 && gatewayErrors === config.consecutiveGatewayFailures) {
    const found = condemn(config, next, 'consecutive_gateway_failure', around, now)
    next = { ...found.state, gatewayErrors: 0 }
    verdicts = found.verdicts
  }
  if (next.phase === 'closed' && next.serverErrors === config.consecutive5xx) {
    const found = condemn(config, next, 'consecutive_5xx', around, now)
    next = { ...found.state, serverErrors: 0 }
    verdicts = verdicts.concat(found.verdicts)
  }
  return { state: next, verdicts }
}

function onLocalFailure(config: OutlierConfig, state: BreakerState, around: Surroundings, now: number): Step {
  const next = { ...state, localFailures: state.localFailures + 1 }
  if (next.phase !== 'closed' || next.localFailures !== config.consecutiveLocalOriginFailures) return only(next)
  const found = condemn(config, next, 'consecutive_local_origin_failure', around, now)
  return { state: { ...found.state, localFailures: 0 }, verdicts: found.verdicts }
}

function onSweep(config: OutlierConfig, state: BreakerState, now: number): BreakerState {
  const elapsed = now - state.since
  switch (state.phase) {
    case 'closed':
      return state.backoff === 0 ? state : { ...state, backoff: state.backoff - 1 }
    case 'open':
      if (elapsed < Math.min(config.baseEjectionMs * state.backoff, config.maxEjectionMs) + state.jitterMs) return state
      if (config.probes === 0) return close(state)
      return { ...state, phase: 'half-open', since: now, probing: 0, proven: 0 }
    case 'half-open':
      // Probes that hang for so long tell nothing; others get their turn, or it would stay so for ever.
      if (state.probing === 0 || elapsed < config.baseEjectionMs) return state
      return { ...state, since: now, probing: 0 }
  }
}

function onProbe(config: OutlierConfig, state: BreakerState, event: number): BreakerState {
  if (state.phase !== 'half-open') return state
  if (event === EVENT.probeStarted) return { ...state, probing: state.probing + 1 }
  const probing = Math.max(0, state.probing - 1)
  if (event === EVENT.probeAbandoned) return { ...state, probing }
  const proven = state.proven + 1
  return proven >= config.probes ? close(state) : { ...state, probing, proven }
}

/** It has kept its place among those that are out, and no percentage is asked. */
function onProbeFailed(config: OutlierConfig, state: BreakerState, around: Surroundings, now: number): Step {
  if (state.phase !== 'half-open') return only(state)
  const verdicts: readonly Verdict[] = [{ cause: 'failed_probe', outcome: 'enforced' }]
  return { state: open(config, state, around, now), verdicts }
}

function judge(config: OutlierConfig, cause: EjectionCause, around: Surroundings): Verdict['outcome'] {
  if (!mayEject(config, around.hosts, around.ejected)) return 'overflow'
  return around.chance * 100 < config.enforcing[cause] ? 'enforced' : 'spared'
}

/** One more than `ejected`. */
function mayEject(config: OutlierConfig, hosts: number, ejected: number): boolean {
  if (config.alwaysEjectsOne && ejected === 0) return true
  return (100 * (ejected + 1)) / hosts <= config.maxEjectionPercent
}

function open(config: OutlierConfig, state: BreakerState, around: Surroundings, now: number): BreakerState {
  const grows = state.backoff * config.baseEjectionMs < config.maxEjectionMs + config.baseEjectionMs
  return {
    ...state,
    phase: 'open',
    since: now,
    backoff: grows ? state.backoff + 1 : state.backoff,
    jitterMs: Math.floor(around.jitter * (config.maxJitterMs + 1)),
    probing: 0,
    proven: 0,
  }
}

/** The counters begin anew: what is left of them is not to eject it again at the first error. */
function close(state: BreakerState): BreakerState {
  return { ...CLOSED, since: state.since, backoff: state.backoff }
}

function only(state: BreakerState): Step {
  return { state, verdicts: NO_VERDICTS }
}
