// Slow start, in both policies that have it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../base/clock.ts'
import { Cluster_LbPolicy } from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { asking, balancer, balancerHost, endpoint, pickerOf } from './testing/balanced.ts'

const slowStartConfig = (aggression: number, percent: number) => ({
  slowStartWindow: { seconds: 100n },
  aggression: { defaultValue: aggression, runtimeKey: 'x' },
  minWeightPercent: { value: percent },
})
const POLICIES = {
  'round robin': (aggression: number, percent: number) =>
    balancer({
      lbPolicy: Cluster_LbPolicy.ROUND_ROBIN,
      lbConfig: { case: 'roundRobinLbConfig', value: { slowStartConfig: slowStartConfig(aggression, percent) } },
    }),
  'least request': (aggression: number, percent: number) =>
    balancer({
      lbPolicy: Cluster_LbPolicy.LEAST_REQUEST,
      lbConfig: { case: 'leastRequestLbConfig', value: { slowStartConfig: slowStartConfig(aggression, percent) } },
    }),
}

/** How many of 1100 picks fall to an endpoint that became usable `ageMs` ago, beside one that is warm. */
function newcomersShare(policy: ReturnType<typeof balancer>, ageMs: number): number {
  const clock = new FakeClock()
  const [old, young] = [endpoint(1), endpoint(2)]
  old.usableSince = -1_000_000
  const picker = pickerOf(policy, [old, young], balancerHost(7, clock))
  clock.advance(ageMs)
  let picks = 0
  for (let i = 0; i < 1100; i++) if (picker.pick(asking(null, i)) === young) picks++
  return picks
}

for (const [name, policy] of Object.entries(POLICIES)) {
  test(`${name}: a newcomer gets the minimum first, then what its age is of the window`, () => {
    // A tenth of the other's weight: 1 in 11.
    assert.equal(newcomersShare(policy(1, 10), 0), 100)
    assert.equal(newcomersShare(policy(1, 10), 5_000), 100)
    // A half: 1 in 3.
    assert.ok(Math.abs(newcomersShare(policy(1, 10), 50_000) - 1100 / 3) <= 1)
    const whole = newcomersShare(policy(1, 10), 100_000)
    assert.ok(Math.abs(whole - 550) <= 70, `${whole} of 1100`)
  })

  test(`${name}: aggression gives it more early on, and the minimum may be nothing`, () => {
    // (0.25) ^ (1 / 2) is a half.
    assert.ok(Math.abs(newcomersShare(policy(2, 10), 25_000) - 1100 / 3) <= 1)
    assert.ok(newcomersShare(policy(1, 0), 0) <= 1)
  })
}
