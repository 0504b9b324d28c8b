import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Uint64 } from '../../../base/uint64.ts'
import {
  Cluster_LbPolicy,
  Cluster_RingHashLbConfig_HashFunction as HashFunction,
} from '../../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { asking, balancer, endpoint, pickerOf, problemsOf, shares } from '../testing/balanced.ts'
import { murmurHash2 } from './murmur-hash2.ts'

const lbPolicy = Cluster_LbPolicy.RING_HASH
const config = (value: object) => ({ lbPolicy, lbConfig: { case: 'ringHashLbConfig', value } }) as const
const KEYS = Array.from({ length: 2000 }, (_, i) => `user-${i}`)

test('the same key meets the same endpoint, in whatever order they are listed', () => {
  const endpoints = [endpoint(1), endpoint(2), endpoint(3)]
  const one = pickerOf(balancer({ lbPolicy }), endpoints)
  const other = pickerOf(balancer({ lbPolicy }), endpoints.toReversed())
  for (const key of KEYS) assert.equal(one.pick(asking(key)), other.pick(asking(key, 99)))
})

test('when an endpoint leaves and the others keep their places, only its own keys move', () => {
  const endpoints = [1, 2, 3, 4].map(port => endpoint(port))
  // One place each, whether there are three or four.
  const policy = balancer(config({ minimumRingSize: 1n }))
  const before = pickerOf(policy, endpoints)
  const after = pickerOf(policy, endpoints.slice(1))
  for (const key of KEYS) {
    const owner = before.pick(asking(key))
    if (owner !== endpoints[0]) assert.equal(after.pick(asking(key)), owner)
  }
})

test('a bigger ring is more even', () => {
  const endpoints = Array.from({ length: 10 }, (_, i) => endpoint(i + 1))
  const spread = (minimum: bigint): number => {
    const counts = shares(balancer(config({ minimumRingSize: minimum })), endpoints, 20_000, { keyed: true })
    return Math.max(...counts) / 2000
  }
  // The heaviest of ten arcs over the mean: one sigma is 1/sqrt(places of each).
  assert.ok(spread(100_000n) < 1.1)
  assert.ok(spread(100_000n) < spread(100n))
})

test('maximum_ring_size bounds the ring, even below one place for each', () => {
  const endpoints = Array.from({ length: 10 }, (_, i) => endpoint(i + 1))
  const counts = shares(balancer(config({ minimumRingSize: 4n, maximumRingSize: 4n })), endpoints, 2000, {
    keyed: true,
  })
  assert.equal(counts.filter(count => count > 0).length, 4)
})

test('another attempt goes on round the ring', () => {
  const endpoints = [endpoint(1), endpoint(2), endpoint(3)]
  const picker = pickerOf(balancer({ lbPolicy }), endpoints)
  const context = asking('user-1')
  const met = new Set()
  for (context.attempt = 0; context.attempt < 20; context.attempt++) met.add(picker.pick(context))
  assert.equal(met.size, 3)
})

test('murmur hashes as std::hash of libstdc++ does', () => {
  // From g++ 13: std::hash<std::string_view>{}.
  const hash = (text: string): string => murmurHash2(new Uint64(), text).toHex()
  assert.equal(hash(''), '553e93901e462a6e')
  assert.equal(hash('hello'), '26553298fdbe39c8')
  assert.equal(hash('12345678'), '8c5b90a33a04dca5')
  assert.equal(hash('127.0.0.1:8080_17'), '31d6f52c97eda37b')
  const murmur = balancer(config({ hashFunction: HashFunction.MURMUR_HASH_2 }))
  const [first] = shares(murmur, [endpoint(1), endpoint(2)], 4000, { keyed: true })
  assert.ok(Math.abs(first! - 2000) < 400, `${first} of 4000`)
})

test('sizes out of bounds are refused', () => {
  assert.deepEqual(problemsOf(config({ minimumRingSize: 8_388_609n })), [
    'ring_hash_lb_config.minimum_ring_size: is over 8388608',
    'ring_hash_lb_config.minimum_ring_size: is over maximum_ring_size',
  ])
  assert.deepEqual(problemsOf(config({ minimumRingSize: 20n, maximumRingSize: 10n })), [
    'ring_hash_lb_config.minimum_ring_size: is over maximum_ring_size',
  ])
})
