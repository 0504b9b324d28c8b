// Whatever checks find, and in whatever order: who counts as failed follows from the results in a row.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { afterCheck, type CheckResult, type CheckState, isTakenOut, unchecked } from './check-state.ts'

const WELL: readonly CheckResult[] = ['healthy', 'degraded']
const COUNTED: readonly CheckResult[] = ['retriable', 'network', 'timeout']
const AT_ONCE: readonly CheckResult[] = ['unhealthy', 'passive']
const RESULT = fc.record({ result: fc.constantFrom(...WELL, ...COUNTED, ...AT_ONCE), excludes: fc.boolean() })
const THRESHOLDS = fc.record({
  healthyThreshold: fc.integer({ min: 1, max: 4 }),
  unhealthyThreshold: fc.integer({ min: 1, max: 4 }),
})

const isWell = (result: CheckResult): boolean => WELL.includes(result)

test('an endpoint fails and recovers exactly when the last results in a row say so', () => {
  fc.assert(
    fc.property(
      THRESHOLDS,
      fc.array(RESULT, { maxLength: 40 }),
      fc.boolean(),
      fc.boolean(),
      (limits, results, failed, pending) => {
        let state = unchecked(failed, pending)
        for (const [index, { result, excludes }] of results.entries()) {
          const before: CheckState = state
          const step = afterCheck(limits, before, result, excludes && !isWell(result))
          state = step.state
          if (isTakenOut(state))
            assert.deepEqual(afterCheck(limits, state, 'passive', true), { state, transition: 'unchanged' })
          const run = runOf(results.slice(0, index + 1).map(each => each.result))
          if (before.failed && state.failed)
            assert.ok(!isWell(result) || run < limits.healthyThreshold || !before.isFirst)
          if (before.failed && !state.failed)
            assert.ok(isWell(result) && (before.isFirst || run >= limits.healthyThreshold))
          if (before.isFirst && isWell(result)) assert.ok(!state.failed)
          if (!before.failed && AT_ONCE.includes(result)) assert.ok(state.failed)
          if (!before.failed && COUNTED.includes(result)) assert.equal(state.failed, run >= limits.unhealthyThreshold)
          if (!before.failed && isWell(result)) assert.ok(!state.failed)
          // What a picker is made of has changed if and only if the step says so.
          const differs = (['failed', 'pending', 'excluded', 'degraded'] as const).some(
            key => state[key] !== before[key],
          )
          if (step.transition === 'unchanged') assert.ok(!differs)
          if (step.transition === 'changed') assert.ok(differs)
          assert.ok(!state.timedOut || state.failed)
          assert.ok(!state.excluded || state.failed || !isWell(result))
          assert.deepEqual([state.pending, state.isFirst], [false, false])
        }
      },
    ),
  )
})

/** How many of the latest results are of the same kind: well, or failures that are counted. */
function runOf(results: readonly CheckResult[]): number {
  const last = results.at(-1)!
  const kind = isWell(last) ? WELL : COUNTED
  let run = 0
  for (let i = results.length - 1; i >= 0 && kind.includes(results[i]!); i--) run++
  return run
}

test('three good answers in a row bring back what has failed; a bad one between them begins anew', () => {
  const limits = { healthyThreshold: 3, unhealthyThreshold: 2 }
  let state = afterCheck(limits, unchecked(true, false), 'unhealthy', false).state
  const results: CheckResult[] = ['healthy', 'healthy', 'network', 'healthy', 'healthy', 'healthy']
  const failed = results.map(result => {
    state = afterCheck(limits, state, result, false).state
    return state.failed
  })
  assert.deepEqual(failed, [true, true, true, true, true, false])
})
