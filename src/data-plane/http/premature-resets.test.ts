import assert from 'node:assert/strict'
import { test } from 'node:test'
import { areTooManyResets } from './premature-resets.ts'

test('half of the streams were reset too soon', () => {
  for (const [premature, ended, tooMany] of [
    [0, 0, false],
    [249, 249, false],
    [250, 250, true],
    [250, 500, true],
    [250, 501, false],
    [499, 1000, false],
    [500, 1000, true],
  ] as const) {
    assert.equal(areTooManyResets(premature, ended), tooMany, `${premature} of ${ended}`)
  }
})
