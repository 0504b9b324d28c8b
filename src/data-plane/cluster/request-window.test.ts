import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../base/clock.ts'
import { LoopCell } from '../process-limits/loop-limits.ts'
import { RequestWindow } from './request-window.ts'

test('what was sent counts for the interval, in tenths of it, and no longer', () => {
  const clock = new FakeClock()
  const window = new RequestWindow(1000, clock, () => new LoopCell(0))
  const counts: number[] = []
  for (let i = 0; i < 4; i++) {
    window.add()
    window.add()
    counts.push(window.count)
    clock.advance(300)
  }
  assert.deepEqual(counts, [2, 4, 6, 8])
  clock.advance(90)
  assert.equal(window.count, 6)
  clock.advance(300)
  assert.equal(window.count, 4)
  clock.advance(100_000)
  assert.equal(window.count, 0)
  window.add()
  assert.equal(window.count, 1)
})

test('what was sent counts however short the interval is and however long the process has run', () => {
  const clock = new FakeClock()
  const window = new RequestWindow(1, clock, () => new LoopCell(0))
  for (let days = 0; days < 50; days++) {
    for (let i = 0; i < 3; i++) window.add()
    assert.equal(window.count, 3, `on day ${days}`)
    clock.advance(86_400_000)
    assert.equal(window.count, 0)
  }
})
