// Smooth weighted rotation: each pick adds every endpoint's share to its credit, takes the one with most and charges it
// the sum. Over one cycle each is taken exactly as often as its share says, spread out as evenly as can be. Shares may
// change between picks.
import type { Endpoint, Picker } from '../../cluster/cluster.ts'

export abstract class CreditPicker implements Picker {
  readonly #endpoints: readonly Endpoint[]
  readonly #weights: readonly number[]
  readonly #credits: Float64Array

  constructor(endpoints: readonly Endpoint[], weights: readonly number[]) {
    this.#endpoints = endpoints
    this.#weights = weights
    this.#credits = new Float64Array(endpoints.length)
  }

  /** What `endpoint`, of this weight, is due at the moment. */
  protected abstract share(endpoint: Endpoint, weight: number, now: number): number

  /** Asked once per pick: what `share` is told. */
  protected now(): number {
    return 0
  }

  pick(): Endpoint {
    const endpoints = this.#endpoints
    const credits = this.#credits
    const now = this.now()
    let best = 0
    let total = 0
    for (let i = 0; i < endpoints.length; i++) {
      const share = this.share(endpoints[i]!, this.#weights[i]!, now)
      credits[i]! += share
      total += share
      if (credits[i]! > credits[best]!) best = i
    }
    credits[best]! -= total
    return endpoints[best]!
  }
}
