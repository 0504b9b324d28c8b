// What Envoy 1.40 picked, recorded from it: a mesh of both kinds of proxy keeps each key to one endpoint.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MessageInitShape } from '@bufbuild/protobuf'
import {
  Cluster_LbPolicy,
  type ClusterSchema,
  Cluster_RingHashLbConfig_HashFunction as HashFunction,
} from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { asking, balancer, endpoint, pickerOf } from './testing/balanced.ts'

/** 127.0.0.1:18101 to :18105. */
const WEIGHTS = [1, 2, 3, 3, 5]

/** By cluster: which of the endpoints took `user-0` to `user-63`. */
const PICKS: readonly (readonly [string, MessageInitShape<typeof ClusterSchema>, string])[] = [
  [
    'ring hash',
    { lbPolicy: Cluster_LbPolicy.RING_HASH },
    '0102421314313244221221104434440314443222432444223342403342341321',
  ],
  [
    'ring hash by murmur',
    {
      lbPolicy: Cluster_LbPolicy.RING_HASH,
      lbConfig: { case: 'ringHashLbConfig', value: { hashFunction: HashFunction.MURMUR_HASH_2 } },
    },
    '3444302144211341440234243223342431443443214444134021334244423432',
  ],
  [
    'ring hash of seven places',
    {
      lbPolicy: Cluster_LbPolicy.RING_HASH,
      lbConfig: { case: 'ringHashLbConfig', value: { minimumRingSize: 3n, maximumRingSize: 7n } },
    },
    '4131444444144344441444444444444444444404434443433444444434444144',
  ],
  ['maglev', { lbPolicy: Cluster_LbPolicy.MAGLEV }, '2244421124411204241443342243013432403334414210414130223423434213'],
]

for (const [name, cluster, expected] of PICKS) {
  test(`${name} picks as Envoy does`, () => {
    const endpoints = WEIGHTS.map((weight, i) => endpoint(18_101 + i, weight))
    const picker = pickerOf(balancer(cluster), endpoints)
    const picks = Array.from(expected, (_, i) => picker.pick(asking(`user-${i}`))!.port - 18_101)
    assert.equal(picks.join(''), expected)
  })
}
