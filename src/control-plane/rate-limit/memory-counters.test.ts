import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FakeClock } from '../../base/clock.ts'
import { tokenBucketConfig } from '../../base/token-bucket.ts'
import { MemoryCounters } from './memory-counters.ts'

test('whatever is asked, and for how many, no bucket gives more than its burst and its rate; and the memory is bounded', () => {
  const bucket = tokenBucketConfig(4, 2, 1000)
  const capacity = 3
  const steps = fc.array(
    fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd', 'x'.repeat(999)),
      hits: fc.integer({ min: 1, max: 5 }),
      gap: fc.nat({ max: 2000 }),
    }),
  )
  fc.assert(
    fc.property(steps, asked => {
      const clock = new FakeClock()
      const counters = new MemoryCounters(clock, capacity)
      // The model: tokens as a number, of those keys that were used last.
      const known = new Map<string, { tokens: number; at: number }>()
      for (const { key, hits, gap } of asked) {
        clock.advance(gap)
        const now = clock.now()
        const { tokens, at } = known.get(key) ?? { tokens: bucket.maxTokens, at: now }
        const filled = Math.min(bucket.maxTokens, tokens + (now - at) / bucket.tokenMs)
        const taken = counters.step(key, bucket, hits)
        if (Math.abs(filled - hits) > 1e-6) assert.equal(taken.allowed, filled >= hits)
        const left = taken.allowed ? filled - hits : filled
        assert.ok(Math.abs(taken.remaining - left) < 1 + 1e-6)
        known.delete(key)
        known.set(key, { tokens: left, at: now })
        for (const oldest of known.keys()) if (known.size > capacity) known.delete(oldest)
        assert.ok(counters.size <= capacity)
      }
    }),
  )
})
