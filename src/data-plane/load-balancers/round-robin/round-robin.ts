// ROUND_ROBIN: every endpoint in turn, each as often as it weighs.
import type { Random } from '../../../base/random.ts'
import type { Endpoint, Picker } from '../../cluster/cluster.ts'
import { CreditPicker } from '../contract/credit-picker.ts'
import { type BalancerHost, equallyWeighted, type LoadBalancer } from '../contract/load-balancer.ts'
import { type SlowStart, WarmingPicker } from '../contract/slow-start.ts'

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

class WeightedRotatingPicker extends CreditPicker {
  constructor(endpoints: readonly Endpoint[], weights: readonly number[], random: Random) {
    super(endpoints, weights)
    for (let skipped = Math.floor(random.next() * endpoints.length); skipped > 0; skipped--) this.pick()
  }

  protected override share(_endpoint: Endpoint, weight: number): number {
    return weight
  }
}

class WarmingRotatingPicker extends CreditPicker {
  readonly #host: BalancerHost
  readonly #slowStart: SlowStart

  constructor(endpoints: readonly Endpoint[], weights: readonly number[], host: BalancerHost, slowStart: SlowStart) {
    super(endpoints, weights)
    this.#host = host
    this.#slowStart = slowStart
  }

  protected override now(): number {
    return this.#host.clock.now()
  }

  protected override share(endpoint: Endpoint, weight: number, now: number): number {
    return weight * this.#slowStart.factor(endpoint, now)
  }
}

export class RoundRobin implements LoadBalancer {
  readonly hashes = false
  readonly #slowStart: SlowStart | null

  constructor(slowStart: SlowStart | null) {
    this.#slowStart = slowStart
  }

  createPicker(endpoints: readonly Endpoint[], weights: readonly number[], host: BalancerHost): Picker {
    const settled = equallyWeighted(weights)
      ? new RotatingPicker(endpoints, host.random)
      : new WeightedRotatingPicker(endpoints, weights, host.random)
    const until = this.#slowStart?.endsAt(endpoints) ?? 0
    if (this.#slowStart === null || until <= host.clock.now()) return settled
    const warming = new WarmingRotatingPicker(endpoints, weights, host, this.#slowStart)
    return new WarmingPicker(host.clock, until, warming, settled)
  }
}
