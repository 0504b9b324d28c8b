import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadsWithout, priorityLoads } from './priority-load.ts'

/** Of ten endpoints each: how many are healthy, and how many degraded. */
function loads(levels: readonly (readonly [number, number])[], panicThreshold = 50) {
  return priorityLoads(
    levels.map(([healthy, degraded]) => ({ total: 10, healthy, degraded })),
    panicThreshold,
  )
}

test('the first priority takes all while 72% of it are well, and hands on what it lacks', () => {
  assert.deepEqual(
    loads([
      [10, 0],
      [10, 0],
    ]).healthy,
    [100, 0],
  )
  assert.deepEqual(
    loads([
      [8, 0],
      [10, 0],
    ]).healthy,
    [100, 0],
  )
  // Envoy's table: 71% -> 99 : 1, 50% -> 70 : 30, 25% -> 35 : 65.
  assert.deepEqual(
    loads([
      [7, 0],
      [10, 0],
    ]).healthy,
    [98, 2],
  )
  assert.deepEqual(
    loads([
      [5, 0],
      [10, 0],
    ]).healthy,
    [70, 30],
  )
  assert.deepEqual(
    loads([
      [0, 0],
      [10, 0],
    ]).healthy,
    [0, 100],
  )
})

test('of three priorities each takes what is left', () => {
  assert.deepEqual(
    loads([
      [2, 0],
      [2, 0],
      [10, 0],
    ]).healthy,
    [28, 28, 44],
  )
})

test('where all together are not enough, the load is scaled to what there is', () => {
  const { healthy, panics } = loads(
    [
      [2, 0],
      [2, 0],
    ],
    0,
  )
  assert.deepEqual(healthy, [50, 50])
  assert.deepEqual(panics, [false, false])
})

test('degraded endpoints take what healthy ones cannot', () => {
  const { healthy, degraded } = loads([
    [5, 5],
    [0, 0],
  ])
  assert.deepEqual(healthy, [70, 0])
  assert.deepEqual(degraded, [30, 0])
  // The worked example of Envoy's load balancer: 10/20/10 healthy, 20/10/0 degraded of a hundred.
  const levels = [
    [0.1, 0.2],
    [0.2, 0.1],
    [0.1, 0],
  ] as const
  const scaled = priorityLoads(
    levels.map(([well, weak]) => ({ total: 140, healthy: well * 100, degraded: weak * 100 })),
    0,
  )
  assert.deepEqual(scaled, { healthy: [16, 28, 14], degraded: [28, 14, 0], panics: [false, false, false] })
})

test('a priority panics alone while others still take its load', () => {
  const { healthy, panics } = loads([
    [3, 0],
    [4, 0],
  ])
  // 42 + 56 percent available: a priority of fewer than half its endpoints uses them all.
  assert.deepEqual(panics, [true, true])
  assert.deepEqual(healthy, [50, 50])
  const mixed = loads([
    [1, 0],
    [5, 0],
  ])
  assert.deepEqual(mixed.panics, [true, false])
  assert.deepEqual(mixed.healthy, [17, 83])
})

test('when nobody is well, load follows the numbers, or goes nowhere without panic', () => {
  const levels = [
    { total: 1, healthy: 0, degraded: 0 },
    { total: 2, healthy: 0, degraded: 0 },
  ]
  assert.deepEqual(priorityLoads(levels, 50), { healthy: [34, 66], degraded: [0, 0], panics: [true, true] })
  assert.deepEqual(priorityLoads(levels, 0), { healthy: [100, 0], degraded: [0, 0], panics: [false, false] })
})

test('without some priorities the others share what all had, as far as they are well', () => {
  const levels = [10, 5, 10, 0].map(healthy => ({ total: 10, healthy, degraded: 0 }))
  const without = (...excluded: number[]) =>
    loadsWithout(
      levels,
      50,
      levels.map((_, i) => excluded.includes(i)),
    )
  assert.deepEqual(without(0)?.healthy, [0, 70, 30, 0])
  assert.deepEqual(without(0, 2)?.healthy, [0, 100, 0, 0])
  assert.deepEqual(without(0, 1)?.healthy, [0, 0, 100, 0])
  assert.equal(without(0, 1, 2), null)
})
