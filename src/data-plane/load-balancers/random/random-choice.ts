// RANDOM: each pick is drawn anew, with the endpoints' weights as odds.
import { Cluster_LbPolicy } from '../../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import type { Endpoint, PickContext, Picker } from '../../cluster/cluster.ts'
import type { LoadBalancer } from '../contract/load-balancer.ts'

class RandomPicker implements Picker {
  readonly #endpoints: readonly Endpoint[]
  /** Sums of the weights up to and including each endpoint. */
  readonly #bounds: Float64Array

  constructor(endpoints: readonly Endpoint[]) {
    this.#endpoints = endpoints
    this.#bounds = new Float64Array(endpoints.length)
    let sum = 0
    for (let i = 0; i < endpoints.length; i++) {
      sum += endpoints[i]!.weight
      this.#bounds[i] = sum
    }
  }

  pick(context: PickContext): Endpoint {
    const bounds = this.#bounds
    const drawn = context.random() * bounds[bounds.length - 1]!
    let low = 0
    let high = bounds.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (drawn < bounds[middle]!) high = middle
      else low = middle + 1
    }
    return this.#endpoints[low]!
  }
}

export const RANDOM: LoadBalancer = {
  policy: Cluster_LbPolicy.RANDOM,
  createPicker: endpoints => new RandomPicker(endpoints),
}
