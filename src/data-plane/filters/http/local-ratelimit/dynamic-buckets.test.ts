import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { tokenBucketConfig } from '../../../../base/token-bucket.ts'
import { LOOP_LIMITS } from '../../../process-limits/loop-limits.ts'
import { DynamicBuckets } from './dynamic-buckets.ts'
import { namedBucket } from './named-bucket.ts'

const PIECES = ['user\n', '\r']
const CAPACITY = 3

test('each value has a bucket of its own for as long as no more than the capacity have come since', () => {
  const config = namedBucket(tokenBucketConfig(2, 1, 1000), 'n')
  const requests = fc.array(fc.record({ user: fc.integer({ min: 0, max: 4 }), gap: fc.nat({ max: 1500 }) }))
  fc.assert(
    fc.property(requests, steps => {
      const buckets = new DynamicBuckets({ pieces: PIECES, bucket: config }, CAPACITY, LOOP_LIMITS)
      // The model: who came last, and when each has passed since it was last forgotten.
      const recent: { user: number; passed: number[] }[] = []
      let now = 0
      for (const { user, gap } of steps) {
        now += gap
        const at = recent.findIndex(one => one.user === user)
        const mine = at < 0 ? { user, passed: [] } : recent.splice(at, 1)[0]!
        recent.push(mine)
        if (recent.length > CAPACITY) recent.shift()
        const took = buckets.find(`user\n${user}\r`)!.take(now)
        if (mine.passed.length === 0) assert.ok(took)
        if (took) mine.passed.push(now)
        for (const [index, first] of mine.passed.entries())
          assert.ok(mine.passed.length - index <= config.maxTokens + (now - first) / config.tokenMs + 1e-6)
      }
    }),
  )
})

test('a descriptor of other entries has none', () => {
  const buckets = new DynamicBuckets(
    { pieces: PIECES, bucket: namedBucket(tokenBucketConfig(1, 1, 1000), 'n') },
    CAPACITY,
    LOOP_LIMITS,
  )
  for (const other of ['', 'user\n', 'users\na\r', 'user\na\rk\nv\r', 'k\nv\ruser\na\r'])
    assert.equal(buckets.find(other), null)
})
