// Envoy's slow start: an endpoint that has just become usable gets its share little by little.
import type { Clock } from '../../../base/clock.ts'
import type { Endpoint, PickContext, Picker } from '../../cluster/cluster.ts'

/** The part of an endpoint's weight that counts while it warms up. */
export class SlowStart {
  readonly #windowMs: number
  readonly #exponent: number
  readonly #minimum: number

  /** `minimum`: a fraction of the weight that no endpoint is given less than. */
  constructor(windowMs: number, aggression: number, minimum: number) {
    this.#windowMs = windowMs
    this.#exponent = 1 / aggression
    this.#minimum = minimum
  }

  /** (time since it became usable / window) ^ (1 / aggression), and 1 from the window's end. */
  factor(endpoint: Endpoint, now: number): number {
    const elapsed = Math.max(1, Math.floor(now - endpoint.usableSince))
    if (elapsed >= this.#windowMs) return 1
    return Math.max(this.#minimum, (elapsed / this.#windowMs) ** this.#exponent)
  }

  /** When the last of them is warm. */
  endsAt(endpoints: readonly Endpoint[]): number {
    let latest = Number.NEGATIVE_INFINITY
    for (const { usableSince } of endpoints) if (usableSince > latest) latest = usableSince
    return latest + this.#windowMs
  }
}

/** One picker while endpoints warm up, and the policy's own from then on. */
export class WarmingPicker implements Picker {
  readonly #clock: Clock
  readonly #until: number
  readonly #warming: Picker
  readonly #settled: Picker

  constructor(clock: Clock, until: number, warming: Picker, settled: Picker) {
    this.#clock = clock
    this.#until = until
    this.#warming = warming
    this.#settled = settled
  }

  pick(context: PickContext): Endpoint | null {
    return this.#clock.now() < this.#until ? this.#warming.pick(context) : this.#settled.pick(context)
  }
}
