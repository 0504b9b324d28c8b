// What every balancing policy promises, whatever its name.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '../../base/random.ts'
import { Cluster_LbPolicy } from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import type { Endpoint } from '../cluster/cluster.ts'
import { ClusterEndpoint } from '../cluster/cluster-endpoint.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'
import { LOAD_BALANCERS, loadBalancerFor } from './registry.ts'

const UNDIALLED: UpstreamTransport = { name: 'raw_buffer', connect: () => assert.fail('a picker connects nothing') }

function endpoint(port: number, weight = 1): Endpoint {
  return new ClusterEndpoint('127.0.0.1', port, weight, UNDIALLED)
}

/** How often each endpoint was picked, in their order. */
function shares(policy: Cluster_LbPolicy, endpoints: readonly Endpoint[], picks: number, seed = 7): number[] {
  const random = new SeededRandom(seed)
  const picker = loadBalancerFor(policy)!.createPicker(endpoints, random)
  const context = { random: () => random.next(), previous: null, authority: '' }
  const counts = new Map<Endpoint, number>(endpoints.map(one => [one, 0]))
  for (let i = 0; i < picks; i++) {
    const picked = picker.pick(context)
    assert.ok(picked !== null)
    counts.set(picked, counts.get(picked)! + 1)
  }
  return [...counts.values()]
}

for (const { policy } of LOAD_BALANCERS) {
  const name = Object.entries(Cluster_LbPolicy).find(([, value]) => value === policy)![0]
  test(`${name}: one endpoint takes everything`, () => {
    assert.deepEqual(shares(policy, [endpoint(1)], 100), [100])
  })

  test(`${name}: equal endpoints share evenly, whatever the seed`, () => {
    for (const seed of [1, 2, 3]) {
      // Four sigma of a binomial share: 4 * sqrt(9000 * 1/3 * 2/3) = 179.
      for (const count of shares(policy, [endpoint(1), endpoint(2), endpoint(3)], 9000, seed)) {
        assert.ok(Math.abs(count - 3000) <= 179, `${count} of 9000`)
      }
    }
  })

  // Envoy's RANDOM takes no notice of weights.
  const [expected, deviation] = policy === Cluster_LbPolicy.RANDOM ? [5000, 50] : [2000, 40]
  test(`${name}: ${policy === Cluster_LbPolicy.RANDOM ? 'weights do not count' : 'weights are shares'}`, () => {
    const [light, heavy] = shares(policy, [endpoint(1, 1), endpoint(2, 4)], 10_000)
    // Four sigma of a binomial share.
    assert.ok(Math.abs(light! - expected) <= 4 * deviation, `${light} and ${heavy}`)
  })
}

test('ROUND_ROBIN takes each exactly once a round, and by weight exactly', () => {
  assert.deepEqual(shares(Cluster_LbPolicy.ROUND_ROBIN, [endpoint(1), endpoint(2), endpoint(3)], 300), [100, 100, 100])
  assert.deepEqual(
    shares(Cluster_LbPolicy.ROUND_ROBIN, [endpoint(1, 1), endpoint(2, 2), endpoint(3, 7)], 1000),
    [100, 200, 700],
  )
})

test('LEAST_REQUEST never takes the busier of the two it looked at', () => {
  const [busy, idle] = [endpoint(1), endpoint(2)]
  busy.activeRequests = 50
  // Only when both draws fall on the busy one: a quarter of the picks, 4 sigma = 173.
  const [taken] = shares(Cluster_LbPolicy.LEAST_REQUEST, [busy, idle], 10_000)
  assert.ok(Math.abs(taken! - 2500) <= 173, `${taken} of 10000`)
})

test('LEAST_REQUEST by weight gives a busy endpoint less', () => {
  const [busy, idle] = [endpoint(1, 4), endpoint(2, 1)]
  busy.activeRequests = 3
  assert.deepEqual(shares(Cluster_LbPolicy.LEAST_REQUEST, [busy, idle], 1000), [500, 500])
})
