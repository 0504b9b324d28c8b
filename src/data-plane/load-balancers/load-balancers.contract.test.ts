// What every balancing policy promises, whatever its name, and how evenly each spreads.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cluster_LbPolicy } from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { LOAD_BALANCERS } from './registry.ts'
import { balancer, endpoint, problemsOf, shares } from './testing/balanced.ts'

/** How far from its share of 3000 in 9000 an endpoint may be. Exact, of chance (four sigma of a binomial), or of the hashes. */
const EVENNESS: Readonly<Record<string, number>> = {
  ROUND_ROBIN: 0,
  LEAST_REQUEST: 179,
  RANDOM: 179,
  // 342 places each of a ring of 1026: one sigma of an arc's share is 1/sqrt(342), 5.4%; bounded at four of it.
  RING_HASH: 650,
  // Slots of a table of 65537 differ by one at most: what is left is the chance of the keys.
  MAGLEV: 179,
}

for (const { policy } of LOAD_BALANCERS) {
  const name = Object.entries(Cluster_LbPolicy).find(([, value]) => value === policy)![0]
  const make = () => balancer({ lbPolicy: policy })
  const keyed = make().hashes

  test(`${name}: one endpoint takes everything`, () => {
    assert.deepEqual(shares(make(), [endpoint(1)], 100), [100])
  })

  test(`${name}: equal endpoints share evenly, whatever the seed`, () => {
    for (const seed of [1, 2, 3]) {
      for (const count of shares(make(), [endpoint(1), endpoint(2), endpoint(3)], 9000, { seed, keyed })) {
        assert.ok(Math.abs(count - 3000) <= EVENNESS[name]!, `${count} of 9000`)
      }
    }
  })

  // Envoy's RANDOM takes no notice of weights.
  const expected = policy === Cluster_LbPolicy.RANDOM ? 5000 : 2000
  test(`${name}: ${policy === Cluster_LbPolicy.RANDOM ? 'weights do not count' : 'weights are shares'}`, () => {
    const [light, heavy] = shares(make(), [endpoint(1, 1), endpoint(2, 4)], 10_000, { keyed })
    assert.ok(Math.abs(light! - expected) <= 200, `${light} and ${heavy}`)
  })

  test(`${name}: without anything to hash, requests are spread all the same`, () => {
    for (const count of shares(make(), [endpoint(1), endpoint(2), endpoint(3)], 9000))
      assert.ok(Math.abs(count - 3000) <= EVENNESS[name]!, `${count} of 9000`)
  })
}

test('ROUND_ROBIN takes each exactly once a round, and by weight exactly', () => {
  const policy = balancer({ lbPolicy: Cluster_LbPolicy.ROUND_ROBIN })
  assert.deepEqual(shares(policy, [endpoint(1), endpoint(2), endpoint(3)], 300), [100, 100, 100])
  assert.deepEqual(shares(policy, [endpoint(1, 1), endpoint(2, 2), endpoint(3, 7)], 1000), [100, 200, 700])
})

test('the config of another policy is refused', () => {
  const fields = { lbConfig: { case: 'ringHashLbConfig', value: {} } } as const
  assert.deepEqual(problemsOf({ lbPolicy: Cluster_LbPolicy.MAGLEV, ...fields }), [
    'ring_hash_lb_config: belongs to another lb_policy',
  ])
})
