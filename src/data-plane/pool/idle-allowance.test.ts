// What is learnt of an endpoint's idle time-out, and what is not taken for one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IdleAllowance, trustedMs } from './idle-allowance.ts'

const NONE = Number.POSITIVE_INFINITY

/** Each closes a second after the one before, unless it is said how much later. */
function shown(ages: readonly number[], apartMs = 1000): { allowance: IdleAllowance; now: number } {
  const allowance = new IdleAllowance()
  let now = 50_000
  for (const idleMs of ages) {
    now += apartMs
    allowance.show(idleMs, now)
  }
  return { allowance, now }
}

function limitAfter(ages: readonly number[], apartMs?: number): number {
  const { allowance, now } = shown(ages, apartMs)
  return allowance.limitMs(now)
}

test('nothing is known at first', () => assert.equal(limitAfter([]), NONE))

test('what the endpoint says counts with a margin', () => {
  assert.equal(trustedMs(5000), 4000)
  assert.equal(trustedMs(1000), 500)
  assert.equal(trustedMs(0), NONE)
})

test('three closes at the same age are a time-out', () => {
  assert.equal(limitAfter([10_000, 10_300], 1500), NONE)
  assert.equal(limitAfter([10_000, 10_300, 9900], 1500), 9000)
})

test('a restart, which closes connections of every age, is none', () =>
  assert.equal(limitAfter([100, 2000, 45, 9000, 300, 700]), NONE))

test('nor is one that closes what was let go together', () =>
  assert.equal(limitAfter([7000, 7010, 7020, 6990], 5), NONE))

test('an endpoint that closes after its response has no time-out', () => {
  assert.equal(limitAfter([0, 0, 0, 0]), NONE)
  assert.equal(limitAfter([0.5, 0.51, 0.49, 0.5]), NONE)
  assert.equal(limitAfter([99, 99, 99, 99]), NONE)
})

test('what was shown is forgotten, and shown again', () => {
  const { allowance, now } = shown([2000, 2000, 2000])
  assert.equal(allowance.limitMs(now + 599_999), 1000)
  const later = now + 600_000
  assert.equal(allowance.limitMs(later), NONE)
  allowance.show(30_000, later)
  assert.equal(allowance.limitMs(later), NONE)
  for (let times = 1; times <= 2; times++) allowance.show(30_000, later + times * 30_000)
  assert.equal(allowance.limitMs(later + 60_000), 29_000)
})
