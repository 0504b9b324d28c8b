import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LruMap } from './lru-map.ts'

test('it holds what was used last, whatever the uses are', () => {
  const use = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    value: fc.option(fc.nat(), { nil: undefined }),
  })
  fc.assert(
    fc.property(fc.array(use), fc.integer({ min: 1, max: 4 }), (uses, capacity) => {
      const map = new LruMap<number>(capacity)
      const model: [string, number][] = []
      for (const { key, value } of uses) {
        const at = model.findIndex(([known]) => known === key)
        const known = at < 0 ? undefined : model.splice(at, 1)[0]![1]
        if (value === undefined) assert.equal(map.get(key), known)
        else map.set(key, value)
        const now = value ?? known
        if (now !== undefined) model.push([key, now])
        if (model.length > capacity) model.shift()
        assert.equal(map.size, model.length)
      }
      for (const [key, value] of model) assert.equal(map.get(key), value)
      map.clear()
      assert.deepEqual([map.size, map.get('a')], [0, undefined])
    }),
  )
})
