// For tests: policies as clusters ask for them, endpoints to choose from, and how often each was chosen.
import assert from 'node:assert/strict'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { FakeClock } from '../../../base/clock.ts'
import { SeededRandom } from '../../../base/random.ts'
import { Uint64 } from '../../../base/uint64.ts'
import { xxHash64 } from '../../../base/xx-hash64.ts'
import { ClusterSchema } from '../../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { ResourceCheck } from '../../../xds/resource-check.ts'
import type { Endpoint, PickContext, Picker } from '../../cluster/cluster.ts'
import { ClusterEndpoint } from '../../cluster/cluster-endpoint.ts'
import { readBalancing } from '../../cluster/read-balancing.ts'
import type { UpstreamTransport } from '../../upstream-transport.ts'
import type { BalancerHost, LoadBalancer } from '../contract/load-balancer.ts'

const UNDIALLED: UpstreamTransport = { name: 'raw_buffer', connect: () => assert.fail('a picker connects nothing') }

const NOTHING_OWN = { halfOpenProbes: 0, peakEwmaDecayMs: 0 }

export function endpoint(port: number, weight = 1): ClusterEndpoint {
  return new ClusterEndpoint('127.0.0.1', port, weight, UNDIALLED)
}

export function balancer(fields: MessageInitShape<typeof ClusterSchema>): LoadBalancer {
  const check = new ResourceCheck('')
  const { loadBalancer } = readBalancing(create(ClusterSchema, fields), NOTHING_OWN, check)
  assert.deepEqual(check.problems, [])
  return loadBalancer
}

/** Of a policy that cannot be had: `path: message`. */
export function problemsOf(fields: MessageInitShape<typeof ClusterSchema>): string[] {
  const check = new ResourceCheck('')
  readBalancing(create(ClusterSchema, fields), NOTHING_OWN, check)
  return check.problems.map(({ path, message }) => `${path}: ${message}`)
}

export function balancerHost(seed = 7, clock = new FakeClock()): BalancerHost {
  return { random: new SeededRandom(seed), clock }
}

export function pickerOf(policy: LoadBalancer, endpoints: readonly Endpoint[], host = balancerHost()): Picker {
  const total = policy.hashes ? endpoints.reduce((sum, { weight }) => sum + weight, 0) : 1
  return policy.createPicker(
    endpoints,
    endpoints.map(({ weight }) => weight / total),
    host,
  )
}

export interface Asked extends PickContext {
  attempt: number
}

/** `key`: what the request is hashed by; without, nothing is. */
export function asking(key: string | null = null, seed = 7): Asked {
  const random = new SeededRandom(seed)
  const hash = key === null ? null : xxHash64(new Uint64(), key)
  return { random: () => random.next(), previous: null, hash: () => hash, attempt: 0, authority: '' }
}

/** How often each endpoint was picked, in their order: with `keyed` by as many different keys as there are picks. */
export function shares(
  policy: LoadBalancer,
  endpoints: readonly Endpoint[],
  picks: number,
  { seed = 7, keyed = false } = {},
): number[] {
  const picker = pickerOf(policy, endpoints, balancerHost(seed))
  const unkeyed = asking(null, seed)
  const counts = new Map<Endpoint, number>(endpoints.map(one => [one, 0]))
  for (let i = 0; i < picks; i++) {
    const picked = picker.pick(keyed ? asking(`user-${i}`) : unkeyed)
    assert.ok(picked !== null)
    counts.set(picked, counts.get(picked)! + 1)
  }
  return [...counts.values()]
}
