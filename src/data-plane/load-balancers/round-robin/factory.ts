// Envoy's ROUND_ROBIN, compiled.
import {
  Cluster_LbPolicy,
  Cluster_RoundRobinLbConfigSchema,
} from '../../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import type { LoadBalancerFactory } from '../contract/load-balancer.ts'
import { compileSlowStart } from '../contract/slow-start-config.ts'
import { RoundRobin } from './round-robin.ts'

const PATH = 'round_robin_lb_config'

export const ROUND_ROBIN: LoadBalancerFactory = {
  policy: Cluster_LbPolicy.ROUND_ROBIN,
  config: 'roundRobinLbConfig',
  compile({ lbConfig }, check) {
    if (lbConfig.case !== 'roundRobinLbConfig') return new RoundRobin(null)
    check.honour(Cluster_RoundRobinLbConfigSchema, lbConfig.value, PATH, new Set(['slow_start_config']))
    return new RoundRobin(compileSlowStart(lbConfig.value.slowStartConfig, `${PATH}.slow_start_config`, check))
  },
}
