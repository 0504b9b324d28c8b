// The judge judged: what the comparison has to see, and what it has to let pass.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from '../case-file.ts'
import { differences } from './comparison.ts'
import { readKnownDifferences } from './known-differences.ts'

const outcome: Outcome = {
  status: 200,
  headers: { server: 'envoy', date: 'today' },
  upstream: { name: 'v1', method: 'GET', path: '/', headers: { host: 'a', 'x-request-id': '1' } },
  flags: 'UF,URX',
  details: 'via_upstream',
}

const fieldsOf = (weft: Outcome): string[] => differences(outcome, weft).map(one => one.field)

test('equal outcomes, times and generated ids aside, do not differ', () => {
  const upstream = { ...outcome.upstream!, headers: { host: 'a', 'x-request-id': '2' } }
  assert.deepEqual(fieldsOf({ ...outcome, headers: { server: 'envoy' }, upstream, flags: 'URX,UF' }), [])
})

test('whatever else is changed, missing or new is a difference', () => {
  assert.deepEqual(fieldsOf({ ...outcome, status: 503 }), ['status'])
  assert.deepEqual(fieldsOf({ ...outcome, headers: { server: 'weft', 'x-new': '1' } }), [
    'response server',
    'response x-new',
  ])
  assert.deepEqual(fieldsOf({ ...outcome, upstream: { ...outcome.upstream!, path: '//', headers: {} } }), [
    'upstream path',
    'upstream host',
  ])
  const { details: _, ...silent } = outcome
  assert.deepEqual(fieldsOf(silent), ['details'])
})

test('shares are held to their statistical bound, and destinations to their names', () => {
  const recorded = { destinations: { '200 a': 300, '200 b': 100 } }
  const against = (destinations: Record<string, number>): number => differences(recorded, { destinations }).length
  assert.equal(against({ '200 a': 280, '200 b': 120 }), 0)
  assert.equal(against({ '200 a': 220, '200 b': 180 }), 1)
  assert.equal(against({ '200 a': 400 }), 1)
  assert.equal(against({ '200 a': 298, '200 b': 100, '503 -': 2 }), 1)
})

test('the table of known differences is read by its head; a row without a reason is an error', () => {
  const table = (row: string): string =>
    `| a | b |\n|---|---|\n\n| case | request | what differs | why |\n|---|---|---|---|\n${row}\n`
  const [first, second] = readKnownDifferences(table('| one, `two` | 1, 3 | status, flags | because |'))
  assert.deepEqual([first?.name, second?.name], ['one', 'two'])
  assert.deepEqual(
    [first?.requests, first?.fields],
    [
      [1, 3],
      ['status', 'flags'],
    ],
  )
  assert.equal(readKnownDifferences(table('| one | all | status | because |'))[0]?.requests, null)
  assert.throws(() => readKnownDifferences(table('| one | 1 | status | |')), /incomplete row/)
})
