// What is learnt of an endpoint's idle time-out, and what is not taken for one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IdleAllowance } from './idle-allowance.ts'

test('nothing is known at first', () => assert.equal(new IdleAllowance().limitMs, Number.POSITIVE_INFINITY))

test('what the endpoint says counts at once, with a margin', () => {
  const allowance = new IdleAllowance()
  allowance.tell(5000)
  assert.equal(allowance.limitMs, 4000)
  allowance.tell(1000)
  assert.equal(allowance.limitMs, 500)
  allowance.tell(0)
  assert.equal(allowance.limitMs, Number.POSITIVE_INFINITY)
})

test('three closes at the same age are a time-out', () => {
  const allowance = new IdleAllowance()
  for (const idleMs of [10_000, 10_300]) allowance.show(idleMs)
  assert.equal(allowance.limitMs, Number.POSITIVE_INFINITY)
  allowance.show(9900)
  assert.equal(allowance.limitMs, 9000)
})

test('a restart, which closes connections of every age, is none', () => {
  const allowance = new IdleAllowance()
  for (const idleMs of [100, 2000, 45, 9000, 300, 700]) allowance.show(idleMs)
  assert.equal(allowance.limitMs, Number.POSITIVE_INFINITY)
})
