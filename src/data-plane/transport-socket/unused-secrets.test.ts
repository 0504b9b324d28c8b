// Secrets that config names no more.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../base/clock.ts'
import { SecretStore } from './secret-store.ts'
import { UnusedSecrets } from './unused-secrets.ts'

test('a secret goes when nobody has wanted it for as long as connections drain, and never the own', () => {
  const clock = new FakeClock()
  const store = new SecretStore()
  const unused = new UnusedSecrets(store, clock, 1000)
  for (const name of ['ROOTCA', 'a', 'b', 'c']) store.setTrustedCa(name, 'pem')
  store.setKeyPair('a', { certificateChain: 'pem', privateKey: 'pem' })
  const left = (): readonly string[] => store.names().trustedCas
  unused.want(['a', 'b', 'c'])
  assert.equal(clock.pendingTimers, 0)
  unused.want(['c'])
  clock.advance(900)
  // One comes back, another goes: its time begins when the first's has ended.
  unused.want(['b'])
  clock.advance(100)
  assert.deepEqual(left(), ['ROOTCA', 'b', 'c'])
  assert.equal(store.has('a'), false)
  clock.advance(1000)
  assert.deepEqual(left(), ['ROOTCA', 'b'])
  assert.equal(clock.pendingTimers, 0)
})
