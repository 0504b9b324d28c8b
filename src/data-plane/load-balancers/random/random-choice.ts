// RANDOM: each pick is drawn anew, all endpoints alike. Weights do not count, as in Envoy's random balancer.
import { Cluster_LbPolicy } from '../../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import type { Endpoint, PickContext, Picker } from '../../cluster/cluster.ts'
import type { LoadBalancer, LoadBalancerFactory } from '../contract/load-balancer.ts'

class RandomPicker implements Picker {
  readonly #endpoints: readonly Endpoint[]

  constructor(endpoints: readonly Endpoint[]) {
    this.#endpoints = endpoints
  }

  pick(context: PickContext): Endpoint {
    return this.#endpoints[Math.floor(context.random() * this.#endpoints.length)]!
  }
}

const BALANCER: LoadBalancer = {
  hashes: false,
  createPicker: endpoints => new RandomPicker(endpoints),
}

export const RANDOM: LoadBalancerFactory = {
  policy: Cluster_LbPolicy.RANDOM,
  config: null,
  compile: () => BALANCER,
}
