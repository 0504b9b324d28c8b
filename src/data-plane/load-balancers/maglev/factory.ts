// Envoy's MAGLEV, compiled.
import {
  Cluster_LbPolicy,
  Cluster_MaglevLbConfigSchema,
} from '../../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import type { LoadBalancerFactory } from '../contract/load-balancer.ts'
import { Maglev } from './maglev.ts'

const PATH = 'maglev_lb_config'
const ENVOY_SIZE = 65_537n
const MAX_SIZE = 5_000_011n

export const MAGLEV: LoadBalancerFactory = {
  policy: Cluster_LbPolicy.MAGLEV,
  config: 'maglevLbConfig',
  compile({ lbConfig }, check) {
    const message = lbConfig.case === 'maglevLbConfig' ? lbConfig.value : null
    if (message) check.honour(Cluster_MaglevLbConfigSchema, message, PATH, new Set(['table_size']))
    const size = message?.tableSize ?? ENVOY_SIZE
    if (size > MAX_SIZE) check.error(`${PATH}.table_size`, `is over ${MAX_SIZE}`)
    else if (!isPrime(Number(size))) check.error(`${PATH}.table_size`, 'must be a prime number')
    return new Maglev(Number(size))
  },
}

function isPrime(value: number): boolean {
  if (value < 2) return false
  for (let divisor = 2; divisor * divisor <= value; divisor++) if (value % divisor === 0) return false
  return true
}
