import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDuration } from './duration.ts'
import { editDistance, nearestName } from './nearest-name.ts'

test('durations', () => {
  const good: [string, number][] = [
    ['0s', 0],
    ['0', 0],
    ['1h', 3_600_000],
    ['1h2m3.5s', 3_723_500],
    ['250ms', 250],
    ['1.5s', 1500],
    ['100us', 0.1],
  ]
  for (const [text, milliseconds] of good) assert.equal(parseDuration(text), milliseconds, text)
  for (const bad of ['', '1', '1 s', '1sec', '-1s', 's', '1s ', '1e3s', `${'9'.repeat(40)}h`])
    assert.equal(parseDuration(bad), null, bad)
})

test('near misses', () => {
  assert.equal(nearestName('timeut', ['timeout', 'retries']), 'timeout')
  assert.equal(nearestName('retry_on', ['retryOn']), 'retryOn')
  assert.equal(nearestName('metohd', ['method', 'matches']), 'method')
  assert.equal(nearestName('xyz', ['timeout', 'retries']), undefined)
  assert.equal(editDistance('ab', 'ba'), 1)
})
