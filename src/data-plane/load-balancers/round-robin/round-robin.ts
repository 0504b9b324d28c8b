// ROUND_ROBIN: every endpoint in turn, each as often as it weighs.
import type { Random } from '../../../base/random.ts'
import { Cluster_LbPolicy } from '../../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import type { Endpoint, Picker } from '../../cluster/cluster.ts'
import { equallyWeighted, type LoadBalancer } from '../contract/load-balancer.ts'

/** Begins anywhere, so that proxies that start together do not all begin with the same endpoint. */
class RotatingPicker implements Picker {
  readonly #endpoints: readonly Endpoint[]
  #next: number

  constructor(endpoints: readonly Endpoint[], random: Random) {
    this.#endpoints = endpoints
    this.#next = Math.floor(random.next() * endpoints.length)
  }

  pick(): Endpoint {
    const endpoint = this.#endpoints[this.#next]!
    this.#next = this.#next + 1 === this.#endpoints.length ? 0 : this.#next + 1
    return endpoint
  }
}

/**
 * Smooth weighted rotation: each pick adds every endpoint's weight to its credit, takes the one with most and charges it
 * the sum. Over one cycle each is taken exactly as often as it weighs, spread out as evenly as can be.
 */
class WeightedRotatingPicker implements Picker {
  readonly #endpoints: readonly Endpoint[]
  readonly #credits: Float64Array
  readonly #total: number

  constructor(endpoints: readonly Endpoint[], random: Random) {
    this.#endpoints = endpoints
    this.#credits = new Float64Array(endpoints.length)
    this.#total = endpoints.reduce((sum, endpoint) => sum + endpoint.weight, 0)
    for (let skipped = Math.floor(random.next() * endpoints.length); skipped > 0; skipped--) this.pick()
  }

  pick(): Endpoint {
    const endpoints = this.#endpoints
    const credits = this.#credits
    let best = 0
    for (let i = 0; i < endpoints.length; i++) {
      credits[i]! += endpoints[i]!.weight
      if (credits[i]! > credits[best]!) best = i
    }
    credits[best]! -= this.#total
    return endpoints[best]!
  }
}

export const ROUND_ROBIN: LoadBalancer = {
  policy: Cluster_LbPolicy.ROUND_ROBIN,
  createPicker: (endpoints, random) =>
    equallyWeighted(endpoints) ? new RotatingPicker(endpoints, random) : new WeightedRotatingPicker(endpoints, random),
}
