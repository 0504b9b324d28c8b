// A picker over pickers: each of them is taken as often as its weight says.
import type { Endpoint, PickContext, Picker } from './cluster.ts'

/** In smooth weighted rotation, as Envoy schedules localities. */
export class WeightedPickers implements Picker {
  readonly #pickers: readonly Picker[]
  readonly #weights: readonly number[]
  readonly #credits: Float64Array
  readonly #total: number

  constructor(pickers: readonly Picker[], weights: readonly number[]) {
    this.#pickers = pickers
    this.#weights = weights
    this.#credits = new Float64Array(pickers.length)
    this.#total = weights.reduce((sum, weight) => sum + weight, 0)
  }

  pick(context: PickContext): Endpoint | null {
    const credits = this.#credits
    let best = 0
    for (let i = 0; i < credits.length; i++) {
      credits[i]! += this.#weights[i]!
      if (credits[i]! > credits[best]!) best = i
    }
    credits[best]! -= this.#total
    return this.#pickers[best]!.pick(context)
  }
}

/** By percents of 100: by the request's hash where it has one, so that a hash keeps to its priority, else at random. */
export class SharedPickers implements Picker {
  readonly #pickers: readonly Picker[]
  /** Draws below it, and not below the one before, fall to the picker of the same index. */
  readonly #below: readonly number[]
  readonly #hashes: boolean

  constructor(pickers: readonly Picker[], percents: readonly number[], hashes: boolean) {
    let sum = 0
    this.#pickers = pickers
    this.#below = percents.map(percent => {
      sum += percent
      return sum
    })
    this.#hashes = hashes
  }

  pick(context: PickContext): Endpoint | null {
    const hash = this.#hashes ? context.hash() : null
    const draw = hash === null ? Math.floor(context.random() * 100) : hash.remainder(100)
    let chosen = 0
    while (chosen < this.#below.length - 1 && draw >= this.#below[chosen]!) chosen++
    return this.#pickers[chosen]!.pick(context)
  }
}
