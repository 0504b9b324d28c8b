// The promises of rollouts, over everything that can be observed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  canaryWeight,
  INITIAL_STATE,
  isFinal,
  nextState,
  type Observation,
  type RolloutPlan,
  type RolloutState,
} from './rollout-policy.ts'

const PLAN: RolloutPlan = {
  steps: [
    { weight: 10, holdMs: 20_000 },
    { weight: 50, holdMs: 10_000 },
  ],
  intervalMs: 10_000,
  thresholds: { minRequests: 100, successRate: 99, latency: { percentile: 90, maximumMs: 500 } },
}
const GOOD: Observation = {
  requests: 200,
  failed: 1,
  givenUp: 0,
  timed: 199,
  slow: 10,
  elapsedMs: 10_000,
  stableGivenUp: 0,
  undecided: null,
  obstacle: null,
  wasReady: true,
}
const SILENCE: Observation = { ...GOOD, requests: 0, failed: 0, timed: 0, slow: 0 }

function run(plan: RolloutPlan, observations: readonly Observation[], from = INITIAL_STATE): RolloutState {
  return observations.reduce((state, observation) => nextState(plan, state, observation), from)
}

function weights(plan: RolloutPlan, observations: readonly Observation[]): number[] {
  let state = INITIAL_STATE
  return observations.map(observation => {
    state = nextState(plan, state, observation)
    return canaryWeight(plan, state)
  })
}

test('a canary that does well goes up step by step, each held for its time, and is promoted', () => {
  assert.deepEqual(weights(PLAN, [GOOD, GOOD, GOOD, GOOD, GOOD]), [10, 10, 50, 100, 100])
  assert.equal(run(PLAN, [GOOD, GOOD, GOOD, GOOD]).phase, 'promoted')
})

test('it waits for its canary, and goes back when that is gone', () => {
  const gone = { ...SILENCE, obstacle: 'no endpoint' }
  assert.deepEqual(weights(PLAN, [gone, gone, GOOD, gone, gone, GOOD]), [0, 0, 10, 10, 0, 0])
  assert.equal(run(PLAN, [gone]).reason, 'no endpoint')
  assert.equal(run(PLAN, [GOOD, gone, gone, GOOD]).reason, 'no endpoint')
  // One look in between, and it has not been gone.
  assert.deepEqual(weights(PLAN, [GOOD, gone, GOOD, gone, GOOD]), [10, 10, 10, 10, 50])
})

test('after a restart it begins anew when its canary is not there yet', () => {
  const starting = { ...GOOD, failed: 200, obstacle: 'no endpoint', wasReady: false }
  assert.deepEqual(weights(PLAN, [GOOD, GOOD, GOOD, starting, starting, GOOD, GOOD]), [10, 10, 50, 0, 0, 10, 10])
})

test('what is not for it to decide it leaves as it is', () => {
  const foreign = { ...GOOD, failed: 200, undecided: 'not known' }
  const state = run(PLAN, [GOOD, GOOD, foreign, foreign])
  assert.deepEqual(state, { ...run(PLAN, [GOOD, GOOD]), reason: 'not known' })
})

test('too many failures, or too many slow answers, and it goes back for good', () => {
  const failing = { ...GOOD, failed: 3 }
  assert.deepEqual(weights(PLAN, [GOOD, GOOD, failing, GOOD, GOOD]), [10, 10, 0, 0, 0])
  assert.equal(run(PLAN, [GOOD, failing]).reason, '3 of 200 requests failed; 99% must succeed')
  const slow = { ...GOOD, slow: 20 }
  assert.equal(run(PLAN, [GOOD, slow]).reason, '20 of 199 requests took longer than 500 ms; 90% must not')
  // Just what is allowed.
  assert.equal(run(PLAN, [GOOD, { ...GOOD, failed: 2, timed: 200, slow: 20 }]).phase, 'progressing')
})

test('a canary that hangs until its clients leave goes back, unless they leave the stable subset as often', () => {
  const hanging = { ...SILENCE, givenUp: 30 }
  const state = run(PLAN, [GOOD, hanging])
  assert.equal(state.phase, 'rolled-back')
  assert.equal(state.reason, '30 of 30 requests were given up before they were answered')
  assert.equal(run(PLAN, [GOOD, { ...hanging, stableGivenUp: 50 }]).phase, 'progressing')
  // In part, among others that are answered.
  assert.equal(run(PLAN, [GOOD, { ...GOOD, givenUp: 10 }]).phase, 'rolled-back')
  assert.equal(run(PLAN, [GOOD, { ...GOOD, givenUp: 10, stableGivenUp: 4 }]).phase, 'progressing')
  assert.equal(run(PLAN, [GOOD, { ...GOOD, givenUp: 4 }]).phase, 'progressing')
  // Little by little.
  const few = { ...SILENCE, givenUp: 2 }
  assert.deepEqual(weights(PLAN, [GOOD, few, few, few]), [10, 10, 10, 0])
})

test('silence is no success: it neither goes up nor back', () => {
  assert.deepEqual(weights(PLAN, [GOOD, SILENCE, SILENCE, SILENCE, GOOD, GOOD]), [10, 10, 10, 10, 10, 50])
  const untimed = { ...GOOD, timed: 0, slow: 0 }
  const state = run(PLAN, [GOOD, untimed, untimed, untimed])
  assert.deepEqual([state.phase, state.heldMs], ['progressing', 0])
  assert.equal(state.reason, 'the times of 0 of the 100 requests that a judgement needs')
})

test('few requests are added up until there are enough, and count as one interval', () => {
  const few = { ...GOOD, requests: 40, failed: 0, timed: 40, slow: 0 }
  const state = run(PLAN, [GOOD, few, few])
  assert.equal(state.reason, '80 of the 100 requests that a judgement needs')
  assert.equal(run(PLAN, [few], state).heldMs, 10_000)
})

test('what no further request could make good is not waited for', () => {
  const few = { ...GOOD, requests: 10, failed: 1, timed: 10, slow: 0 }
  assert.equal(run(PLAN, [GOOD, few]).phase, 'progressing')
  assert.equal(run(PLAN, [GOOD, { ...few, failed: 2 }]).phase, 'rolled-back')
  assert.equal(run(PLAN, [GOOD, { ...few, slow: 10 }]).phase, 'progressing')
})

test('thresholds that are not there are not looked at', () => {
  const plan = { ...PLAN, thresholds: { ...PLAN.thresholds, latency: null } }
  assert.equal(run(plan, [GOOD, { ...GOOD, timed: 0, slow: 200 }]).heldMs, 10_000)
  const other = { ...PLAN, thresholds: { ...PLAN.thresholds, successRate: null } }
  assert.equal(run(other, [GOOD, { ...GOOD, requests: 0, failed: 200 }]).heldMs, 10_000)
})

const count = fc.nat(300)
const observation: fc.Arbitrary<Observation> = fc
  .record({
    requests: count,
    failed: fc.oneof(fc.constant(0), fc.nat(5), count),
    givenUp: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(5), count),
    stableGivenUp: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 100, noNaN: true })),
    timed: count,
    slow: fc.oneof(fc.constant(0), fc.nat(5), count),
    elapsedMs: fc.nat(30_000),
    obstacle: fc.oneof({ weight: 20, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.constant('gone') }),
    undecided: fc.oneof({ weight: 20, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.constant('foreign') }),
    wasReady: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false)),
  })
  .map(seen => ({
    ...seen,
    failed: Math.min(seen.failed, seen.requests),
    slow: Math.min(seen.slow, seen.timed),
  }))
const plan: fc.Arbitrary<RolloutPlan> = fc
  .record({
    weights: fc.uniqueArray(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 6 }),
    holdMs: fc.integer({ min: 1, max: 40_000 }),
    intervalMs: fc.integer({ min: 1000, max: 20_000 }),
    minRequests: fc.integer({ min: 1, max: 400 }),
    successRate: fc.option(fc.double({ min: 50, max: 100, noNaN: true })),
    latency: fc.option(
      fc.record({ percentile: fc.double({ min: 50, max: 100, noNaN: true }), maximumMs: fc.constant(500) }),
    ),
  })
  .filter(({ successRate, latency }) => successRate !== null || latency !== null)
  .map(({ weights: drawn, holdMs, intervalMs, ...thresholds }) => ({
    steps: drawn.sort((a, b) => a - b).map(weight => ({ weight, holdMs })),
    intervalMs,
    thresholds,
  }))

/** As the promises say it, and not as the code does. */
function isViolated({ thresholds: { successRate, latency } }: RolloutPlan, { window }: RolloutState): boolean {
  const share = (part: number, all: number): number => (all === 0 ? 0 : (100 * part) / all)
  const tooMany = successRate !== null && share(window.failed, window.requests) > 100 - successRate + 0.1
  return tooMany || (latency !== null && share(window.slow, window.timed) > 100 - latency.percentile + 0.1)
}

test('weights move along the steps only; up from a good judgement only; down to nothing only', () => {
  const property = fc.property(plan, fc.array(observation, { maxLength: 60 }), (drawn, observations) => {
    const ladder = [0, ...drawn.steps.map(step => step.weight), 100]
    let state = INITIAL_STATE
    for (const seen of observations) {
      const before = state
      state = nextState(drawn, state, seen)
      const [from, to] = [canaryWeight(drawn, before), canaryWeight(drawn, state)]
      if (isFinal(before)) assert.deepEqual(state, before)
      const isBeginning = seen.obstacle !== null && !seen.wasReady
      if (seen.undecided !== null) assert.deepEqual({ ...state, reason: '' }, { ...before, reason: '' })
      else if (before.phase === 'progressing' && before.obstructed && seen.obstacle !== null)
        assert.equal(state.phase, isBeginning ? 'waiting' : 'rolled-back')
      if (to > from) {
        // One rung; the last step may have the 100 already.
        assert.ok(to === ladder[ladder.indexOf(from) + 1], `${from} to ${to} of ${ladder}`)
        assert.equal(seen.obstacle, null)
      }
      const goesUp = to > from || state.step > before.step || state.phase === 'promoted' || state.heldMs > before.heldMs
      if (before.phase === 'progressing' && !isFinal(before) && goesUp) {
        const judged = { ...state, window: total(before, seen) }
        assert.ok(!isViolated(drawn, judged), JSON.stringify(judged.window))
        const { minRequests, successRate, latency } = drawn.thresholds
        if (successRate !== null) assert.ok(judged.window.requests >= minRequests)
        if (latency !== null) assert.ok(judged.window.timed >= minRequests)
      }
      if (to < from) assert.deepEqual([to, state.phase], [0, isBeginning ? 'waiting' : 'rolled-back'])
      if (state.phase === 'progressing' && state.step === before.step)
        assert.ok(state.heldMs - before.heldMs <= drawn.intervalMs)
    }
  })
  fc.assert(property, { numRuns: 2000 })
})

function total({ window }: RolloutState, seen: Observation): RolloutState['window'] {
  return {
    requests: window.requests + seen.requests,
    failed: window.failed + seen.failed,
    givenUp: window.givenUp + seen.givenUp,
    timed: window.timed + seen.timed,
    slow: window.slow + seen.slow,
    elapsedMs: window.elapsedMs + seen.elapsedMs,
  }
}

test('it always ends, given requests: promoted where all is well, after no more intervals than the holds are long', () => {
  const property = fc.property(plan, fc.array(observation, { maxLength: 20 }), (drawn, past) => {
    const { minRequests } = drawn.thresholds
    const well: Observation = {
      requests: minRequests,
      failed: 0,
      givenUp: 0,
      stableGivenUp: 0,
      timed: minRequests,
      slow: 0,
      elapsedMs: drawn.intervalMs,
      undecided: null,
      obstacle: null,
      wasReady: true,
    }
    let state = run(drawn, past)
    const needed = 1 + drawn.steps.reduce((sum, { holdMs }) => sum + Math.ceil(holdMs / drawn.intervalMs), 0)
    for (let i = 0; i < needed; i++) state = nextState(drawn, state, well)
    assert.ok(isFinal(state), JSON.stringify(state))
  })
  fc.assert(property, { numRuns: 1000 })
})

test('a state that was written down and read goes on as it would have', () => {
  const property = fc.property(plan, fc.array(observation, { maxLength: 30 }), (drawn, observations) => {
    let kept = INITIAL_STATE
    for (const seen of observations) kept = nextState(drawn, JSON.parse(JSON.stringify(kept)), seen)
    assert.deepEqual(kept, run(drawn, observations))
  })
  fc.assert(property, { numRuns: 300 })
})
