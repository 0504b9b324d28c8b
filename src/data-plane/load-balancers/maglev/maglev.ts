// MAGLEV: a table whose slots endpoints claim in turn, each in an order of its own; a request's hash names its slot. More
// even than a ring and quicker to look up in; a change of endpoints moves a few more requests (NSDI 2016, section 3.4).
import { Uint64 } from '../../../base/uint64.ts'
import { xxHash64 } from '../../../base/xx-hash64.ts'
import type { Endpoint, PickContext, Picker } from '../../cluster/cluster.ts'
import type { LoadBalancer } from '../contract/load-balancer.ts'

/** What a hash is changed in for another attempt; used up before anything else runs. */
const CHANGED = new Uint64()

class MaglevPicker implements Picker {
  readonly #endpoints: readonly Endpoint[]
  readonly #slots: Uint16Array | Uint32Array

  constructor(endpoints: readonly Endpoint[], slots: Uint16Array | Uint32Array) {
    this.#endpoints = endpoints
    this.#slots = slots
  }

  /** For another attempt the hash is changed in most of its bits, by Envoy's formula, lest all retries meet at one endpoint. */
  pick(context: PickContext): Endpoint {
    const slots = this.#slots
    const { attempt } = context
    const hash = context.hash()
    if (hash === null) return this.#endpoints[slots[Math.floor(context.random() * slots.length)]!]!
    if (attempt === 0) return this.#endpoints[slots[hash.remainder(slots.length)]!]!
    return this.#endpoints[slots[CHANGED.copy(hash).xor(-1, -attempt).remainder(slots.length)]!]!
  }
}

interface Claimant {
  readonly index: number
  readonly skip: number
  readonly weight: number
  /** The next slot in its order. */
  next: number
  /** In how many rounds it must have taken part to have earned its next slot, times its weight. */
  due: number
}

export class Maglev implements LoadBalancer {
  readonly hashes = true
  readonly #size: number

  /** `size` is prime, so that every order of slots visits each. */
  constructor(size: number) {
    this.#size = size
  }

  /** Claimants come in the order of their keys: the table depends on who is there, not on how EDS lists them. */
  createPicker(endpoints: readonly Endpoint[], weights: readonly number[]): Picker {
    const size = this.#size
    const heaviest = weights.reduce((most, weight) => Math.max(most, weight), 0)
    const claimants = endpoints.map((endpoint, index) => claimant(endpoint.hashKey, index, weights[index]!, size))
    claimants.sort((a, b) => compareKeys(endpoints[a.index]!.hashKey, endpoints[b.index]!.hashKey))
    const slots = endpoints.length > 0xffff ? new Uint32Array(size) : new Uint16Array(size)
    const taken = new Uint8Array(size)
    let left = size
    for (let round = 1; left > 0; round++) {
      for (const one of claimants) {
        if (left === 0) break
        if (round * one.weight < one.due) continue
        one.due += heaviest
        while (taken[one.next] === 1) one.next = (one.next + one.skip) % size
        slots[one.next] = one.index
        taken[one.next] = 1
        one.next = (one.next + one.skip) % size
        left--
      }
    }
    return new MaglevPicker(endpoints, slots)
  }
}

function claimant(key: string, index: number, weight: number, size: number): Claimant {
  const hash = new Uint64()
  const next = xxHash64(hash, key).remainder(size)
  const skip = xxHash64(hash, key, 0, 1).remainder(size - 1) + 1
  return { index, skip, weight, next, due: 0 }
}

function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
