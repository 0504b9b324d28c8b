// A 64-bit number that is computed in place, as two halves: hashes are made per request, and a BigInt is made per step.

const SIXTEEN_BITS = 0xffff

/** Halves are signed 32-bit integers, which cost no allocation; every operation wraps as unsigned 64-bit arithmetic does. */
export class Uint64 {
  high = 0
  low = 0

  set(high: number, low: number): this {
    this.high = high | 0
    this.low = low | 0
    return this
  }

  copy(other: Uint64): this {
    this.high = other.high
    this.low = other.low
    return this
  }

  add(high: number, low: number): this {
    const sum = (this.low >>> 0) + (low >>> 0)
    this.low = sum | 0
    this.high = (this.high + high + (sum > 0xffff_ffff ? 1 : 0)) | 0
    return this
  }

  xor(high: number, low: number): this {
    this.high ^= high
    this.low ^= low
    return this
  }

  multiply(high: number, low: number): this {
    const { low: own } = this
    const ownHigh = own >>> 16
    const ownLow = own & SIXTEEN_BITS
    const otherHigh = low >>> 16
    const otherLow = low & SIXTEEN_BITS
    const cross = Math.imul(ownHigh, otherLow) >>> 0
    const middle = cross + (Math.imul(ownLow, otherLow) >>> 16)
    const rest = (Math.imul(ownLow, otherHigh) >>> 0) + (middle & SIXTEEN_BITS)
    const carried = (Math.imul(ownHigh, otherHigh) >>> 0) + Math.floor(middle / 65_536) + Math.floor(rest / 65_536)
    this.high = (carried + Math.imul(this.high, low) + Math.imul(own, high)) | 0
    this.low = Math.imul(own, low)
    return this
  }

  /** By 1 to 31 bits. */
  rotateLeft(bits: number): this {
    const { high, low } = this
    this.high = (high << bits) | (low >>> (32 - bits))
    this.low = (low << bits) | (high >>> (32 - bits))
    return this
  }

  /** `this ^= this >> bits`, the step that mixes a hash. */
  xorShiftRight(bits: number): this {
    const { high, low } = this
    if (bits >= 32) this.low = low ^ (high >>> (bits - 32))
    else {
      this.low = low ^ ((low >>> bits) | (high << (32 - bits)))
      this.high = high ^ (high >>> bits)
    }
    return this
  }

  /** Modulo a number below 2^37, in steps that a double holds exactly. */
  remainder(divisor: number): number {
    const { high, low } = this
    const top = (high >>> 0) % divisor
    const middle = (top * 65_536 + (low >>> 16)) % divisor
    return (middle * 65_536 + (low & SIXTEEN_BITS)) % divisor
  }

  toBigInt(): bigint {
    return (BigInt(this.high >>> 0) << 32n) | BigInt(this.low >>> 0)
  }

  /** Sixteen digits. */
  toHex(): string {
    return (this.high >>> 0).toString(16).padStart(8, '0') + (this.low >>> 0).toString(16).padStart(8, '0')
  }
}

/** Whether `aHigh:aLow` is less, as unsigned numbers. */
export function lessThan(aHigh: number, aLow: number, bHigh: number, bLow: number): boolean {
  return aHigh === bHigh ? aLow >>> 0 < bLow >>> 0 : aHigh >>> 0 < bHigh >>> 0
}
