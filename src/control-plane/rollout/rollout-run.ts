// One Rollout at work: looks at its canary at every interval, and tells what became of it.
import { createHash } from 'node:crypto'
import type { Clock, Timer } from '../../base/clock.ts'
import type { ConfigObjectOf } from '../../model/config-object.ts'
import {
  canaryWeight,
  INITIAL_STATE,
  isFinal,
  nextState,
  type Observation,
  type RolloutState,
} from './rollout-policy.ts'
import type { RolloutKey, RolloutProgress } from './rollout-store.ts'

/** What only the run itself knows aside. */
export type Seen = Omit<Observation, 'elapsedMs' | 'wasReady'>

export interface RolloutRunHost {
  readonly clock: Clock
  /** Since it was asked last. */
  observe(run: RolloutRun): Seen
  /** It has been judged; `moved`: its weight or its phase is another. */
  onProgress(run: RolloutRun, moved: boolean): void
}

const MAX_EVENTS = 50
/** Until the canary is there. */
const WAITING_INTERVAL_MS = 1000

export class RolloutRun {
  readonly key: RolloutKey
  object: ConfigObjectOf<'Rollout'>
  progress: RolloutProgress
  readonly #host: RolloutRunHost
  #timer: Timer | null = null
  #lookedAt: number
  #wasReady = false

  constructor(object: ConfigObjectOf<'Rollout'>, known: RolloutProgress | null, host: RolloutRunHost) {
    this.key = keyOf(object)
    this.object = object
    this.progress = known ?? { state: INITIAL_STATE, events: [] }
    this.#host = host
    this.#lookedAt = host.clock.now()
  }

  get state(): RolloutState {
    return this.progress.state
  }

  get weight(): number {
    return canaryWeight(this.object.spec, this.state)
  }

  get isFinal(): boolean {
    return isFinal(this.state)
  }

  start(): void {
    // One that goes on after a restart has seen nothing yet.
    this.#wait(this.state.phase === 'waiting' ? 0 : this.object.spec.intervalMs)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = null
  }

  #wait(ms: number): void {
    if (this.isFinal) return
    this.#timer = this.#host.clock.setTimer(ms, () => {
      this.#look()
      this.#wait(this.state.phase === 'waiting' ? WAITING_INTERVAL_MS : this.object.spec.intervalMs)
    })
  }

  #look(): void {
    const { clock } = this.#host
    const now = clock.now()
    const { spec } = this.object
    const before = { ...this.state, weight: this.weight }
    const seen = this.#host.observe(this)
    const state = nextState(spec, this.state, { ...seen, elapsedMs: now - this.#lookedAt, wasReady: this.#wasReady })
    this.#lookedAt = now
    if (seen.undecided === null && seen.obstacle === null) this.#wasReady = true
    const weight = canaryWeight(spec, state)
    const { phase, reason } = state
    const moved = phase !== before.phase || weight !== before.weight
    const event = { at: clock.wallNow(), phase, weight, reason }
    const { events } = this.progress
    this.progress = { state, events: moved ? [...events, event].slice(-MAX_EVENTS) : events }
    this.#host.onProgress(this, moved)
  }
}

/** The same spec in other words is the same run; a Rollout deleted and applied again is another. */
export function keyOf({ namespace, name, createdAt, spec }: ConfigObjectOf<'Rollout'>): RolloutKey {
  const { host, stable, canary, version, steps, intervalMs, thresholds } = spec
  const said = JSON.stringify([host, stable, canary, version, steps, intervalMs, thresholds])
  const run = `${createdAt}-${createHash('sha256').update(said).digest('hex').slice(0, 16)}`
  return { namespace, name, run }
}
