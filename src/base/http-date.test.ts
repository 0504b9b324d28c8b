// The Date field's value.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from './clock.ts'
import { HttpDate } from './http-date.ts'

test('is the clock’s second, in the form of RFC 9110', () => {
  const clock = new FakeClock(784_111_777_500)
  const date = new HttpDate(clock)
  assert.equal(date.now(), 'Sun, 06 Nov 1994 08:49:37 GMT')
  clock.advance(499)
  assert.equal(date.now(), 'Sun, 06 Nov 1994 08:49:37 GMT')
  clock.advance(1)
  assert.equal(date.now(), 'Sun, 06 Nov 1994 08:49:38 GMT')
})
