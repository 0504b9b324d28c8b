// A balancing policy: makes the picker for one set of endpoints. Called whenever the set changes, never per request.
import type { Random } from '../../../base/random.ts'
import type { Cluster_LbPolicy } from '../../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import type { Endpoint, Picker } from '../../cluster/cluster.ts'

export interface LoadBalancer {
  /** The value of Envoy's `Cluster.lb_policy` that asks for it. */
  readonly policy: Cluster_LbPolicy
  /**
   * `endpoints` are those that may be used, at least one, with weights of at least 1. `random` seeds what a picker draws
   * once, such as where a rotation begins; what it draws per pick comes from the pick's context.
   */
  createPicker(endpoints: readonly Endpoint[], random: Random): Picker
}

/** Whether every endpoint weighs the same, which most policies have a cheaper way for. */
export function equallyWeighted(endpoints: readonly Endpoint[]): boolean {
  return endpoints.every(endpoint => endpoint.weight === endpoints[0]!.weight)
}
