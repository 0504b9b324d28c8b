// Envoy's RING_HASH, compiled.
import {
  Cluster_LbPolicy,
  Cluster_RingHashLbConfigSchema,
  Cluster_RingHashLbConfig_HashFunction as HashFunction,
} from '../../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import type { LoadBalancerFactory } from '../contract/load-balancer.ts'
import { RingHash } from './ring-hash.ts'

const PATH = 'ring_hash_lb_config'
const FIELDS = new Set(['minimum_ring_size', 'hash_function', 'maximum_ring_size'])
const ENVOY_MINIMUM = 1024n
const MAXIMUM = 8_388_608n

export const RING_HASH: LoadBalancerFactory = {
  policy: Cluster_LbPolicy.RING_HASH,
  config: 'ringHashLbConfig',
  compile({ lbConfig }, check) {
    const message = lbConfig.case === 'ringHashLbConfig' ? lbConfig.value : null
    if (message) check.honour(Cluster_RingHashLbConfigSchema, message, PATH, FIELDS)
    const minimum = message?.minimumRingSize ?? ENVOY_MINIMUM
    const maximum = message?.maximumRingSize ?? MAXIMUM
    if (minimum > MAXIMUM) check.error(`${PATH}.minimum_ring_size`, `is over ${MAXIMUM}`)
    if (maximum > MAXIMUM) check.error(`${PATH}.maximum_ring_size`, `is over ${MAXIMUM}`)
    if (minimum > maximum) check.error(`${PATH}.minimum_ring_size`, 'is over maximum_ring_size')
    if (maximum === 0n) check.error(`${PATH}.maximum_ring_size`, 'must be above 0')
    const options = { minimumSize: Math.max(1, Number(minimum)), maximumSize: Number(maximum) }
    return new RingHash({ ...options, murmur: message?.hashFunction === HashFunction.MURMUR_HASH_2 })
  },
}
