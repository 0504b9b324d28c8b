// LEAST_REQUEST: the endpoint with fewest requests in flight, of some drawn at random; by weight where weights differ.
import type { Endpoint, PickContext, Picker } from '../../cluster/cluster.ts'
import { CreditPicker } from '../contract/credit-picker.ts'
import { type BalancerHost, equallyWeighted, type LoadBalancer } from '../contract/load-balancer.ts'
import { type SlowStart, WarmingPicker } from '../contract/slow-start.ts'

/** The power of some choices; of two it is nearly as even as looking at all, at the price of two draws. */
class ChoicesPicker implements Picker {
  readonly #endpoints: readonly Endpoint[]
  readonly #choices: number

  constructor(endpoints: readonly Endpoint[], choices: number) {
    this.#endpoints = endpoints
    this.#choices = choices
  }

  pick(context: PickContext): Endpoint {
    const { length } = this.#endpoints
    let best = this.#endpoints[Math.floor(context.random() * length)]!
    if (length === 1) return best
    for (let choice = 1; choice < this.#choices; choice++) {
      const other = this.#endpoints[Math.floor(context.random() * length)]!
      if (other.activeRequests < best.activeRequests) best = other
    }
    return best
  }
}

/**
 * With unequal weights an endpoint's share is its weight over its requests in flight plus one, to the power of
 * active_request_bias, times what slow start lets it have (Envoy's weighted least request).
 */
class WeightedLeastRequestPicker extends CreditPicker {
  readonly #bias: number
  readonly #slowStart: SlowStart | null
  readonly #host: BalancerHost

  constructor(
    endpoints: readonly Endpoint[],
    weights: readonly number[],
    host: BalancerHost,
    bias: number,
    slowStart: SlowStart | null,
  ) {
    super(endpoints, weights)
    this.#host = host
    this.#bias = bias
    this.#slowStart = slowStart
  }

  protected override now(): number {
    return this.#slowStart === null ? 0 : this.#host.clock.now()
  }

  protected override share(endpoint: Endpoint, weight: number, now: number): number {
    const busy = endpoint.activeRequests + 1
    const share = weight / (this.#bias === 1 ? busy : busy ** this.#bias)
    return this.#slowStart === null ? share : share * this.#slowStart.factor(endpoint, now)
  }
}

export class LeastRequest implements LoadBalancer {
  readonly hashes = false
  readonly #choices: number
  readonly #bias: number
  readonly #slowStart: SlowStart | null

  constructor(choices: number, bias: number, slowStart: SlowStart | null) {
    this.#choices = choices
    this.#bias = bias
    this.#slowStart = slowStart
  }

  createPicker(endpoints: readonly Endpoint[], weights: readonly number[], host: BalancerHost): Picker {
    const settled = equallyWeighted(weights)
      ? new ChoicesPicker(endpoints, this.#choices)
      : new WeightedLeastRequestPicker(endpoints, weights, host, this.#bias, null)
    const until = this.#slowStart?.endsAt(endpoints) ?? 0
    if (this.#slowStart === null || until <= host.clock.now()) return settled
    const warming = new WeightedLeastRequestPicker(endpoints, weights, host, this.#bias, this.#slowStart)
    return new WarmingPicker(host.clock, until, warming, settled)
  }
}
