import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileStartTime, DEFAULT_START_TIME } from './start-time.ts'

const AT = Date.UTC(2026, 10, 21, 2, 4, 6, 7)

function formatted(format: string, at = AT): string {
  const compiled = compileStartTime(format)
  assert.ok('format' in compiled, JSON.stringify(compiled))
  return compiled.format(at)
}

test('the default is ISO 8601 with milliseconds, across seconds', () => {
  const compiled = compileStartTime(DEFAULT_START_TIME)
  assert.ok('format' in compiled)
  for (const at of [AT, AT, AT + 992, AT + 993, AT + 60_000, AT, AT - 1])
    assert.equal(compiled.format(at), new Date(at).toISOString())
})

test('conversions and fractions', () => {
  assert.equal(formatted('%F %T.%6f'), '2026-11-21 02:04:06.007000')
  assert.equal(formatted('%s%3f'), String(AT))
  assert.equal(formatted('100%% at %H%M %z'), '100% at 0204 +0000')
})

test('what is not known is named', () => {
  assert.deepEqual(compileStartTime('%Y %Q'), { fault: '%Q' })
  assert.deepEqual(compileStartTime('%Y %'), { fault: '%' })
})
