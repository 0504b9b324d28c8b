// A balancing policy: makes the picker for one set of endpoints. Called whenever the set changes, never per request.
import type { Clock } from '../../../base/clock.ts'
import type { Random } from '../../../base/random.ts'
import type {
  Cluster_LbPolicy,
  Cluster as ClusterMessage,
} from '../../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import type { ResourceCheck } from '../../../xds/resource-check.ts'
import type { Endpoint, Picker, RequestTracker } from '../../cluster/cluster.ts'

/** `random` seeds what a picker draws once, such as where a rotation begins; what it draws per pick comes from the pick's context. */
export interface BalancerHost {
  readonly clock: Clock
  readonly random: Random
}

export interface LoadBalancer {
  /** The request's own hash decides: then one picker spans all localities of a priority. */
  readonly hashes: boolean
  /**
   * `endpoints` are those that may be used, at least one; `weights`, in their order, are above 0, and for a policy that
   * hashes shares of 1.
   */
  createPicker(endpoints: readonly Endpoint[], weights: readonly number[], host: BalancerHost): Picker
  /** What the policy wants to know of each endpoint's requests; it stays with the endpoint when pickers are replaced. */
  createTracker?(): RequestTracker
}

export interface LoadBalancerFactory {
  /** The value of Envoy's `Cluster.lb_policy` that asks for it. */
  readonly policy: Cluster_LbPolicy
  /** With its part of `Cluster.lb_config`; any other is refused before. */
  compile(message: ClusterMessage, check: ResourceCheck): LoadBalancer
  /** The member of `Cluster.lb_config` that it reads. */
  readonly config: NonNullable<ClusterMessage['lbConfig']['case']> | null
}

/** Whether every endpoint weighs the same, which most policies have a cheaper way for. */
export function equallyWeighted(weights: readonly number[]): boolean {
  return weights.every(weight => weight === weights[0])
}
