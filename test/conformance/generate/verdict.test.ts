// What the comparison of generated meshes lets pass beyond the replay's: chance, and nothing else.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from '../case-file.ts'
import { judge } from './verdict.ts'

const outcome: Outcome = {
  status: 200,
  flags: '-',
  cluster: 'outbound|8080||a.default.svc.cluster.local',
  endpoint: '127.1.1.1:8080',
}
const fieldsOf = (istio: Outcome, weft: Outcome, repeat?: number): readonly string[] =>
  judge([{ url: 'http://a/', ...(repeat === undefined ? {} : { repeat }) }], [istio], [weft]).flatMap(
    ({ differences }) => differences.map(({ field }) => field),
  )

test('any endpoint of a service may answer, and none of another', () => {
  assert.deepEqual(fieldsOf(outcome, { ...outcome, endpoint: '127.1.1.2:8080' }), [])
  assert.deepEqual(fieldsOf(outcome, { ...outcome, endpoint: '127.1.2.1:8080' }), ['endpoint'])
})

test('a subset of one endpoint has that one', () => {
  const cluster = 'outbound|8080|v1|a.default.svc.cluster.local'
  const istio = { ...outcome, cluster }
  assert.deepEqual(fieldsOf(istio, { ...istio, endpoint: '127.1.1.2:8080' }), ['endpoint'])
})

test('of a repeated request the shares count', () => {
  const istio = { ...outcome, destinations: { '200 a': 40 } }
  assert.deepEqual(fieldsOf(istio, { ...istio, cluster: 'outbound|8080|v1|a' }, 40), [])
  assert.deepEqual(fieldsOf(istio, { ...istio, destinations: { '200 b': 40 } }, 40), ['destinations'])
})

test('a missing outcome is an error', () => {
  assert.throws(() => judge([{ url: 'http://a/' }], [], []), /request 1 has no outcome/)
})
