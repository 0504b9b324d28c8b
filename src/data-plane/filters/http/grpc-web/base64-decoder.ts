// Base64 (RFC 4648 4) that comes in pieces: whole groups are decoded, the rest waits for the next piece. Padding ends it.

const INVALID = 255
const PAD = 61
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const SEXTETS: Uint8Array = makeSextets()

function makeSextets(): Uint8Array {
  const sextets = new Uint8Array(256).fill(INVALID)
  for (let i = 0; i < ALPHABET.length; i++) sextets[ALPHABET.charCodeAt(i)] = i
  return sextets
}

export class Base64Decoder {
  /** Sextets of the group under way, and how many there are. */
  #bits = 0
  #count = 0
  #padding = 0
  #isOver = false

  /** A group is incomplete: base64 must not end here. */
  get isMidGroup(): boolean {
    return this.#count > 0
  }

  /** What `chunk` completes; null when it is no base64. */
  decode(chunk: Buffer): Buffer | null {
    const bytes = Buffer.allocUnsafe(((this.#count + chunk.length) >> 2) * 3)
    let length = 0
    for (let i = 0; i < chunk.length; i++) {
      if (this.#isOver || !this.#take(chunk[i]!)) return null
      if (this.#count < 4) continue
      const bits = this.#bits
      const padding = this.#padding
      // What padding stands for must be nothing.
      if ((padding === 1 && (bits & 0xff) !== 0) || (padding === 2 && (bits & 0xffff) !== 0)) return null
      bytes[length++] = bits >>> 16
      if (padding < 2) bytes[length++] = (bits >>> 8) & 0xff
      if (padding < 1) bytes[length++] = bits & 0xff
      this.#isOver = padding > 0
      this.#bits = 0
      this.#count = 0
    }
    return bytes.subarray(0, length)
  }

  #take(character: number): boolean {
    let sextet = SEXTETS[character]!
    if (character === PAD) {
      if (this.#count < 2) return false
      this.#padding++
      sextet = 0
    } else if (sextet === INVALID || this.#padding > 0) return false
    this.#bits = (this.#bits << 6) | sextet
    this.#count++
    return true
  }
}
