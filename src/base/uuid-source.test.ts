// UUIDs: their form, their difference, and how seldom bytes are fetched.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from './random.ts'
import { UuidSource } from './uuid-source.ts'

test('version 4, all different, many from one fetch', () => {
  const random = new SeededRandom(1)
  let fetches = 0
  const source = new UuidSource({
    next: () => random.next(),
    bytes: length => {
      fetches++
      return random.bytes(length)
    },
  })
  const seen = new Set<string>()
  for (let i = 0; i < 1000; i++) {
    const id = source.next()
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    seen.add(id)
  }
  assert.equal(seen.size, 1000)
  assert.equal(fetches, 4)
})
