// The balancing policies that clusters may ask for.
import type { Cluster_LbPolicy } from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import type { LoadBalancer } from './contract/load-balancer.ts'
import { LEAST_REQUEST } from './least-request/least-request.ts'
import { RANDOM } from './random/random-choice.ts'
import { ROUND_ROBIN } from './round-robin/round-robin.ts'

export const LOAD_BALANCERS: readonly LoadBalancer[] = [ROUND_ROBIN, LEAST_REQUEST, RANDOM]

export function loadBalancerFor(policy: Cluster_LbPolicy): LoadBalancer | undefined {
  return LOAD_BALANCERS.find(balancer => balancer.policy === policy)
}
