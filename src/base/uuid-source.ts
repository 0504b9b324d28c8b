// Random UUIDs (RFC 9562 version 4), made from random bytes fetched for many at once: one call into the system's
// generator for 256 of them.
import type { Random } from './random.ts'

const BYTES_EACH = 16
const BATCH = 256
const LENGTH = 36
const VARIANT = ['8', '9', 'a', 'b']

export class UuidSource {
  readonly #random: Random
  /** All of a batch, one behind the other: each is a slice. */
  #batch = ''
  #next = BATCH

  constructor(random: Random) {
    this.#random = random
  }

  next(): string {
    if (this.#next === BATCH) {
      this.#batch = formatAll(this.#random.bytes(BATCH * BYTES_EACH).toString('hex'))
      this.#next = 0
    }
    const at = this.#next++ * LENGTH
    return this.#batch.slice(at, at + LENGTH)
  }
}

function formatAll(hex: string): string {
  const all: string[] = []
  for (let at = 0; at < hex.length; at += 2 * BYTES_EACH) {
    const variant = VARIANT[hex.charCodeAt(at + 16) & 3]!
    all.push(hex.slice(at, at + 8), '-', hex.slice(at + 8, at + 12), '-4', hex.slice(at + 13, at + 16), '-')
    all.push(variant, hex.slice(at + 17, at + 20), '-', hex.slice(at + 20, at + 32))
  }
  return all.join('')
}
