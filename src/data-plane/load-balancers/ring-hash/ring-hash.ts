// RING_HASH: endpoints lie on a ring of hashes, many times each; a request goes to the first at or after its own hash. When
// endpoints come or go only their own arcs change hands (ketama).
import { lessThan, Uint64 } from '../../../base/uint64.ts'
import { xxHash64 } from '../../../base/xx-hash64.ts'
import type { Endpoint, PickContext, Picker } from '../../cluster/cluster.ts'
import type { LoadBalancer } from '../contract/load-balancer.ts'
import { murmurHash2 } from './murmur-hash2.ts'

export interface RingOptions {
  readonly minimumSize: number
  readonly maximumSize: number
  readonly murmur: boolean
}

class RingPicker implements Picker {
  readonly #endpoints: readonly Endpoint[]
  /** The ring in ascending order: hashes as halves, and whose each is. */
  readonly #highs: Uint32Array
  readonly #lows: Uint32Array
  readonly #owners: Uint32Array

  constructor(endpoints: readonly Endpoint[], highs: Uint32Array, lows: Uint32Array, owners: Uint32Array) {
    this.#endpoints = endpoints
    this.#highs = highs
    this.#lows = lows
    this.#owners = owners
  }

  /** An endpoint tried before is passed by as if its place were not there (Envoy: as many places on as it was asked again). */
  pick(context: PickContext): Endpoint {
    const hash = context.hash()
    const place = hash === null ? this.#find(context.random() * 2 ** 32, 0) : this.#find(hash.high, hash.low)
    return this.#endpoints[this.#owners[(place + context.attempt) % this.#owners.length]!]!
  }

  #find(high: number, low: number): number {
    let first = 0
    let end = this.#highs.length
    while (first < end) {
      const middle = (first + end) >>> 1
      if (lessThan(this.#highs[middle]!, this.#lows[middle]!, high, low)) first = middle + 1
      else end = middle
    }
    return first === this.#highs.length ? 0 : first
  }
}

export class RingHash implements LoadBalancer {
  readonly hashes = true
  readonly #options: RingOptions

  constructor(options: RingOptions) {
    this.#options = options
  }

  /**
   * Sized so that the lightest endpoint has a whole number of places, unless that were more than the maximum. What the
   * others are owed beyond whole places is carried on from one to the next, as Envoy builds its ring: both send the same
   * request to the same endpoint.
   */
  createPicker(endpoints: readonly Endpoint[], weights: readonly number[]): Picker {
    const { minimumSize, maximumSize, murmur } = this.#options
    const lightest = weights.reduce((least, weight) => Math.min(least, weight), 1)
    const scale = Math.min(Math.ceil(lightest * minimumSize) / lightest, maximumSize)
    const places: { high: number; low: number; owner: number }[] = []
    const hash = new Uint64()
    let target = 0
    for (const [owner, endpoint] of endpoints.entries()) {
      target += scale * weights[owner]!
      for (let i = 0; places.length < target; i++) {
        const key = `${endpoint.hashKey}_${i}`
        if (murmur) murmurHash2(hash, key)
        else xxHash64(hash, key)
        places.push({ high: hash.high >>> 0, low: hash.low >>> 0, owner })
      }
    }
    places.sort((a, b) => a.high - b.high || a.low - b.low)
    return new RingPicker(
      endpoints,
      Uint32Array.from(places, ({ high }) => high),
      Uint32Array.from(places, ({ low }) => low),
      Uint32Array.from(places, ({ owner }) => owner),
    )
  }
}
