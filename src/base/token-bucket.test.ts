import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FULL, takeToken, tokenBucketConfig, tokensAt, waitAt } from './token-bucket.ts'

const config = fc
  .record({
    maxTokens: fc.integer({ min: 1, max: 50 }),
    tokensPerFill: fc.integer({ min: 1, max: 50 }),
    fillIntervalMs: fc.integer({ min: 50, max: 5000 }),
  })
  .map(({ maxTokens, tokensPerFill, fillIntervalMs }) => tokenBucketConfig(maxTokens, tokensPerFill, fillIntervalMs))

/** Milliseconds from one request to the next. */
const gaps = fc.array(
  fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3000 }), fc.double({ min: 0, max: 5, noNaN: true })),
)

test('in any stretch of time no more pass than the burst and what flows in meanwhile', () => {
  fc.assert(
    fc.property(config, gaps, (bucket, steps) => {
      const passed: number[] = []
      let emptyAt = FULL
      let now = 1000
      for (const gap of steps) {
        now += gap
        const next = takeToken(bucket, emptyAt, now)
        if (next !== emptyAt) passed.push(now)
        emptyAt = next
      }
      for (let first = 0; first < passed.length; first++) {
        for (let last = first; last < passed.length; last++) {
          const allowed = bucket.maxTokens + (passed[last]! - passed[first]!) / bucket.tokenMs
          assert.ok(last - first + 1 <= allowed + 1e-3, `${last - first + 1} of ${allowed}`)
        }
      }
    }),
  )
})

test('one passes exactly when there is a token, and what is promised of the next one holds', () => {
  fc.assert(
    fc.property(config, gaps, (bucket, steps) => {
      let emptyAt = FULL
      let now = 0
      for (const gap of steps) {
        now += gap
        const before = tokensAt(bucket, emptyAt, now)
        const next = takeToken(bucket, emptyAt, now)
        const took = next !== emptyAt
        if (Math.abs(before - 1) > 1e-6) assert.equal(took, before >= 1)
        if (took) assert.ok(Math.abs(tokensAt(bucket, next, now) - Math.max(0, before - 1)) < 1e-6)
        const later = now + waitAt(bucket, next, now)
        assert.notEqual(takeToken(bucket, next, later), next)
        emptyAt = next
      }
    }),
  )
})

test('a full bucket gives its whole burst at once, and the rate from then on', () => {
  const bucket = tokenBucketConfig(3, 2, 100)
  let emptyAt = FULL
  const take = (now: number): boolean => {
    const next = takeToken(bucket, emptyAt, now)
    const took = next !== emptyAt
    emptyAt = next
    return took
  }
  assert.deepEqual([0, 0, 0, 0, 49, 50, 99, 100, 1000, 1000, 1000, 1000].map(take), [
    true,
    true,
    true,
    false,
    false,
    true,
    false,
    true,
    true,
    true,
    true,
    false,
  ])
})

test('whatever the first eight requests of a small bucket are, each passes exactly as a bucket of counted tokens has it', () => {
  for (const maxTokens of [1, 2, 3])
    for (const tokenMs of [10, 40]) {
      const bucket = tokenBucketConfig(maxTokens, 1, tokenMs)
      const gaps = [0, tokenMs / 2, tokenMs, maxTokens * tokenMs]
      // The model: tokens as a number, filled on the way; exact, as every gap is a multiple of half a token.
      const walk = (depth: number, now: number, emptyAt: number, tokens: number): void => {
        if (depth === 0) return
        for (const gap of gaps) {
          const filled = Math.min(maxTokens, tokens + gap / tokenMs)
          const next = takeToken(bucket, emptyAt, now + gap)
          const took = next !== emptyAt
          assert.equal(took, filled >= 1)
          walk(depth - 1, now + gap, next, took ? filled - 1 : filled)
        }
      }
      walk(8, 0, FULL, maxTokens)
    }
})
