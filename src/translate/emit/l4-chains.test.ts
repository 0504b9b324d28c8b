import assert from 'node:assert/strict'
import { test } from 'node:test'
import { distinctPlans } from './l4-chains.ts'

test('an address and a name are given out once, however they are written', () => {
  const plan = (serverNames: readonly string[], ...subnets: readonly string[]) => ({ serverNames, subnets })
  assert.deepEqual(
    distinctPlans([
      plan([], '10.0.0.1', '10.0.0.1/32', '10.1.0.0/16'),
      plan([], '10.1.2.3/16', 'FD00::1', 'fd00:0::/16'),
      plan([], 'fd00::1/128', '10.1.0.0/17'),
    ]),
    [plan([], '10.0.0.1/32', '10.1.0.0/16'), plan([], 'fd00::1/128', 'fd00::/16'), plan([], '10.1.0.0/17')],
  )
  assert.deepEqual(distinctPlans([plan(['A.test', 'a.test']), plan(['b.test', 'a.TEST'])]), [
    plan(['a.test']),
    plan(['b.test']),
  ])
})
