// Randomness, handed in, so that a run can be repeated from its seed.
import { randomBytes } from 'node:crypto'

export interface Random {
  /** A number in [0, 1), for balancing, weights and jitter: not for secrets. */
  next(): number
  /** Bytes fit for secrets and identifiers. */
  bytes(length: number): Buffer
}

export const systemRandom: Random = {
  next: Math.random,
  bytes: randomBytes,
}

/** The same sequence for the same seed (mulberry32); its bytes are predictable and for tests only. */
export class SeededRandom implements Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => Math.floor(this.next() * 256)))
  }
}
