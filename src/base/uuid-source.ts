// Random UUIDs (RFC 9562 version 4), made from random bytes fetched for many at once: one call into the system's
// generator for 256 of them.
import type { Random } from './random.ts'

const BYTES_EACH = 16
const BATCH = 256
const LENGTH = 36
const DASH = 45
const DIGITS = Buffer.from('0123456789abcdef')

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
      this.#batch = formatAll(this.#random.bytes(BATCH * BYTES_EACH))
      this.#next = 0
    }
    const at = this.#next++ * LENGTH
    return this.#batch.slice(at, at + LENGTH)
  }
}

function formatAll(random: Buffer): string {
  const text = Buffer.alloc(BATCH * LENGTH, DASH)
  let at = 0
  for (let i = 0; i < random.length; i++) {
    const place = i % BYTES_EACH
    if (place === 4 || place === 6 || place === 8 || place === 10) at++
    let byte = random[i]!
    if (place === 6) byte = 0x40 | (byte & 0x0f)
    else if (place === 8) byte = 0x80 | (byte & 0x3f)
    text[at++] = DIGITS[byte >> 4]!
    text[at++] = DIGITS[byte & 15]!
  }
  return text.toString('latin1')
}
