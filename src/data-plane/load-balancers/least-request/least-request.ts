// LEAST_REQUEST: the endpoint with fewer requests in flight, of two drawn at random; by weight where weights differ.
import { Cluster_LbPolicy } from '../../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import type { Endpoint, PickContext, Picker } from '../../cluster/cluster.ts'
import { equallyWeighted, type LoadBalancer } from '../contract/load-balancer.ts'

/** The power of two choices, Envoy's default choice_count: nearly as even as looking at all, at the price of two draws. */
class TwoChoicesPicker implements Picker {
  readonly #endpoints: readonly Endpoint[]

  constructor(endpoints: readonly Endpoint[]) {
    this.#endpoints = endpoints
  }

  pick(context: PickContext): Endpoint {
    const { length } = this.#endpoints
    const first = this.#endpoints[Math.floor(context.random() * length)]!
    if (length === 1) return first
    const second = this.#endpoints[Math.floor(context.random() * length)]!
    return second.activeRequests < first.activeRequests ? second : first
  }
}

/**
 * With unequal weights an endpoint's share is its weight over its requests in flight plus one (Envoy's weighted least
 * request with active_request_bias 1), kept exact by the same credits as smooth weighted rotation.
 */
class WeightedLeastRequestPicker implements Picker {
  readonly #endpoints: readonly Endpoint[]
  readonly #credits: Float64Array

  constructor(endpoints: readonly Endpoint[]) {
    this.#endpoints = endpoints
    this.#credits = new Float64Array(endpoints.length)
  }

  pick(): Endpoint {
    const endpoints = this.#endpoints
    const credits = this.#credits
    let best = 0
    let total = 0
    for (let i = 0; i < endpoints.length; i++) {
      const endpoint = endpoints[i]!
      const share = endpoint.weight / (endpoint.activeRequests + 1)
      credits[i]! += share
      total += share
      if (credits[i]! > credits[best]!) best = i
    }
    credits[best]! -= total
    return endpoints[best]!
  }
}

export const LEAST_REQUEST: LoadBalancer = {
  policy: Cluster_LbPolicy.LEAST_REQUEST,
  createPicker: endpoints =>
    equallyWeighted(endpoints) ? new TwoChoicesPicker(endpoints) : new WeightedLeastRequestPicker(endpoints),
}
