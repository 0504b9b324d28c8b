// MurmurHash64A as libstdc++'s std::hash computes it: Envoy's MURMUR_HASH_2, which agrees with rings of older proxies.
import { Uint64 } from '../../../base/uint64.ts'

const MULTIPLIER_HIGH = 0xc6a4a793
const MULTIPLIER_LOW = 0x5bd1e995
const SEED = 0xc70f6907
const SHIFT = 47

const WORD = new Uint64()

/** Puts the hash of `text`, whose characters are bytes, into `out`. */
export function murmurHash2(out: Uint64, text: string): Uint64 {
  const { length } = text
  WORD.set(0, length).multiply(MULTIPLIER_HIGH, MULTIPLIER_LOW)
  out.set(0, SEED).xor(WORD.high, WORD.low)
  let at = 0
  for (; at + 8 <= length; at += 8) {
    WORD.set(bytesAt(text, at + 4, 4), bytesAt(text, at, 4))
    WORD.multiply(MULTIPLIER_HIGH, MULTIPLIER_LOW).xorShiftRight(SHIFT).multiply(MULTIPLIER_HIGH, MULTIPLIER_LOW)
    out.xor(WORD.high, WORD.low).multiply(MULTIPLIER_HIGH, MULTIPLIER_LOW)
  }
  const rest = length - at
  if (rest > 0) {
    out.xor(bytesAt(text, at + 4, rest - 4), bytesAt(text, at, Math.min(rest, 4)))
    out.multiply(MULTIPLIER_HIGH, MULTIPLIER_LOW)
  }
  return out.xorShiftRight(SHIFT).multiply(MULTIPLIER_HIGH, MULTIPLIER_LOW).xorShiftRight(SHIFT)
}

/** Up to four bytes, little-endian; none for a negative count. */
function bytesAt(text: string, at: number, count: number): number {
  let value = 0
  for (let i = 0; i < count; i++) value |= (text.charCodeAt(at + i) & 0xff) << (8 * i)
  return value
}
