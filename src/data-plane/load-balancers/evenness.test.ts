// How evenly each policy spreads requests over endpoints of any weights: its bound, whatever they are.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Cluster_LbPolicy } from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { createClusterPicker } from '../cluster/cluster-picker.ts'
import type { LoadBalancer } from './contract/load-balancer.ts'
import { balanceByResponseTime } from './registry.ts'
import { asking, balancer, balancerHost, endpoint, shares } from './testing/balanced.ts'

const PICKS = 4000
/** By chance once in two million: of as many comparisons as a run makes, none. */
const SIGMAS = 5.2

const weights = fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 2, maxLength: 8 })
const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

/** Of drawing by chance, over all picks. */
function deviation(share: number): number {
  return Math.sqrt(PICKS * share * (1 - share))
}

interface Policy {
  readonly policy: LoadBalancer
  readonly keyed?: boolean
  readonly ignoresWeights?: boolean
  /** How far from its share of the picks an endpoint may be. */
  bound(share: number, endpoints: number): number
}

const byChance = (share: number): number => SIGMAS * deviation(share)
const RING_SIZE = 1024

const POLICIES: Readonly<Record<string, Policy>> = {
  // Every cycle is exact, and within one each is taken as soon as it is due.
  ROUND_ROBIN: { policy: balancer({ lbPolicy: Cluster_LbPolicy.ROUND_ROBIN }), bound: (_, endpoints) => endpoints },
  LEAST_REQUEST: { policy: balancer({ lbPolicy: Cluster_LbPolicy.LEAST_REQUEST }), bound: byChance },
  RANDOM: { policy: balancer({ lbPolicy: Cluster_LbPolicy.RANDOM }), ignoresWeights: true, bound: byChance },
  'peak EWMA': { policy: balanceByResponseTime(10_000), bound: byChance },
  // Slots differ by one at most: what is left is the chance of the keys.
  MAGLEV: { policy: balancer({ lbPolicy: Cluster_LbPolicy.MAGLEV }), keyed: true, bound: byChance },
  // So many places of a ring: one sigma of what lies between them is a square root's part of the share.
  RING_HASH: {
    policy: balancer({ lbPolicy: Cluster_LbPolicy.RING_HASH }),
    keyed: true,
    bound: share => SIGMAS * Math.hypot(deviation(share), (share * PICKS) / Math.sqrt(share * RING_SIZE)),
  },
}

for (const [name, { policy, keyed = false, ignoresWeights = false, bound }] of Object.entries(POLICIES)) {
  test(`${name}: each gets its share, within the bound`, () => {
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 1000 }), (all, seed) => {
        const endpoints = all.map((weight, index) => endpoint(index + 1, weight))
        const counts = shares(policy, endpoints, PICKS, { seed, keyed })
        for (const [index, count] of counts.entries()) {
          const share = ignoresWeights ? 1 / all.length : all[index]! / sum(all)
          const off = Math.abs(count - share * PICKS)
          assert.ok(off <= bound(share, all.length), `${count} of ${PICKS}, for ${all[index]} of ${all}`)
        }
      }),
      { numRuns: 30 },
    )
  })
}

test('localities: each gets its share by weight, and within it each endpoint its own', () => {
  const locality = fc.record({ weight: fc.integer({ min: 1, max: 10 }), size: fc.integer({ min: 1, max: 3 }) })
  const policy = balancer({ lbPolicy: Cluster_LbPolicy.ROUND_ROBIN })
  fc.assert(
    fc.property(fc.array(locality, { minLength: 1, maxLength: 4 }), localities => {
      const endpoints = localities.flatMap(({ weight, size }, zone) =>
        Array.from({ length: size }, (_, index) => {
          const one = endpoint(100 * zone + index + 1)
          one.locality = { region: 'r', zone: `${zone}`, subZone: '' }
          one.localityWeight = weight
          return one
        }),
      )
      const settings = { loadBalancer: policy, panicThreshold: 50, weighsLocalities: true }
      const picker = createClusterPicker(endpoints, settings, balancerHost())
      const counts = new Map(endpoints.map(one => [one as unknown, 0]))
      const context = asking()
      for (let i = 0; i < PICKS; i++) {
        const picked = picker.pick(context)
        counts.set(picked, counts.get(picked)! + 1)
      }
      const total = sum(localities.map(({ weight }) => weight))
      for (const one of endpoints) {
        const { weight, size } = localities[Number(one.locality.zone)]!
        const share = weight / total / size
        assert.ok(Math.abs(counts.get(one)! - share * PICKS) <= byChance(share) + 1, `${counts.get(one)} for ${share}`)
      }
    }),
    { numRuns: 30 },
  )
})
