import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cluster_LbPolicy } from '../../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { asking, balancer, endpoint, pickerOf, problemsOf } from '../testing/balanced.ts'

const lbPolicy = Cluster_LbPolicy.MAGLEV
const config = (tableSize: bigint) =>
  ({ lbPolicy, lbConfig: { case: 'maglevLbConfig', value: { tableSize } } }) as const
const KEYS = Array.from({ length: 5000 }, (_, i) => `user-${i}`)

test('the same key meets the same endpoint, in whatever order they are listed', () => {
  const endpoints = [endpoint(1), endpoint(2), endpoint(3)]
  const one = pickerOf(balancer({ lbPolicy }), endpoints)
  const other = pickerOf(balancer({ lbPolicy }), endpoints.toReversed())
  for (const key of KEYS) assert.equal(one.pick(asking(key)), other.pick(asking(key, 99)))
})

test('when one of ten endpoints leaves, few keys but its own move', () => {
  const endpoints = Array.from({ length: 10 }, (_, i) => endpoint(i + 1))
  const before = pickerOf(balancer({ lbPolicy }), endpoints)
  const after = pickerOf(balancer({ lbPolicy }), endpoints.slice(1))
  let moved = 0
  for (const key of KEYS) {
    const owner = before.pick(asking(key))
    if (owner !== endpoints[0] && after.pick(asking(key)) !== owner) moved++
  }
  // The paper's figure 12: a few percent where a table is 100 times the number of endpoints or more.
  assert.ok(moved / KEYS.length < 0.05, `${moved} of ${KEYS.length} moved`)
})

test('another attempt most likely meets another endpoint', () => {
  const picker = pickerOf(balancer({ lbPolicy }), [endpoint(1), endpoint(2), endpoint(3)])
  const context = asking('user-1')
  const met = new Set()
  for (context.attempt = 0; context.attempt < 20; context.attempt++) met.add(picker.pick(context))
  assert.equal(met.size, 3)
})

test('a table size that is not prime, or too big, is refused', () => {
  assert.deepEqual(problemsOf(config(65_536n)), ['maglev_lb_config.table_size: must be a prime number'])
  assert.deepEqual(problemsOf(config(5_000_077n)), ['maglev_lb_config.table_size: is over 5000011'])
  assert.deepEqual(problemsOf(config(5_000_011n)), [])
})
