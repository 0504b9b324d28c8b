// Weft's own policy, by response time and errors: of two endpoints drawn at random the one where the request, behind those
// that are in flight, is likely to be answered first (the power of two choices over Finagle's peak EWMA).
import type { Clock } from '../../../base/clock.ts'
import type { Endpoint, PickContext, Picker, RequestTracker } from '../../cluster/cluster.ts'
import { type BalancerHost, equallyWeighted, type LoadBalancer } from '../contract/load-balancer.ts'
import { PeakEwma } from './peak-ewma.ts'

class CheaperOfTwoPicker implements Picker {
  readonly #endpoints: readonly Endpoint[]
  readonly #costs: readonly PeakEwma[]
  /** Draws below it, and not below the one before, fall on the endpoint of the same index; null where all weigh alike. */
  readonly #below: Float64Array | null
  readonly #clock: Clock

  constructor(endpoints: readonly Endpoint[], costs: readonly PeakEwma[], weights: readonly number[], clock: Clock) {
    this.#endpoints = endpoints
    this.#costs = costs
    this.#below = equallyWeighted(weights) ? null : cumulated(weights)
    this.#clock = clock
  }

  pick(context: PickContext): Endpoint {
    const endpoints = this.#endpoints
    if (endpoints.length === 1) return endpoints[0]!
    const first = this.#draw(context.random())
    const second = this.#below === null ? this.#drawOther(first, context.random()) : this.#draw(context.random())
    if (first === second) return endpoints[first]!
    const now = this.#clock.now()
    return this.#load(second, now) < this.#load(first, now) ? endpoints[second]! : endpoints[first]!
  }

  #load(index: number, now: number): number {
    return this.#costs[index]!.cost(now) * (this.#endpoints[index]!.activeRequests + 1)
  }

  #draw(random: number): number {
    const below = this.#below
    if (below === null) return Math.floor(random * this.#endpoints.length)
    let index = 0
    while (index < below.length - 1 && random >= below[index]!) index++
    return index
  }

  #drawOther(first: number, random: number): number {
    const second = Math.floor(random * (this.#endpoints.length - 1))
    return second < first ? second : second + 1
  }
}

export class PeakEwmaBalancer implements LoadBalancer {
  readonly hashes = false
  readonly #decayMs: number

  constructor(decayMs: number) {
    this.#decayMs = decayMs
  }

  createTracker(): RequestTracker {
    return new PeakEwma(this.#decayMs)
  }

  createPicker(endpoints: readonly Endpoint[], weights: readonly number[], { clock }: BalancerHost): Picker {
    const costs = endpoints.map(({ tracker }) => (tracker instanceof PeakEwma ? tracker : new PeakEwma(this.#decayMs)))
    return new CheaperOfTwoPicker(endpoints, costs, weights, clock)
  }
}

function cumulated(weights: readonly number[]): Float64Array {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  let sum = 0
  return Float64Array.from(weights, weight => {
    sum += weight
    return sum / total
  })
}
