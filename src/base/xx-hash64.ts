// xxHash64 (the XXH64 algorithm, xxhash_spec.md), of strings whose characters are bytes: what Envoy hashes with.
import { Uint64 } from './uint64.ts'

// The five primes of the specification, as halves.
const P1H = 0x9e3779b1
const P1L = 0x85ebca87
const P2H = 0xc2b2ae3d
const P2L = 0x27d4eb4f
const P3H = 0x165667b1
const P3L = 0x9e3779f9
const P4H = 0x85ebca77
const P4L = 0xc2b2ae63
const P5H = 0x27d4eb2f
const P5L = 0x165667c5

/** Input is taken in stripes of four lanes of eight bytes. */
const LANE = 8
const STRIPE = 32

// Nothing here calls out, so that one set serves every call.
const LANES = [new Uint64(), new Uint64(), new Uint64(), new Uint64()] as const
const WORD = new Uint64()

/** Puts the hash of `text` into `out`; `seedHigh` and `seedLow` may be those of a hash before, which chains the two. */
export function xxHash64(out: Uint64, text: string, seedHigh = 0, seedLow = 0): Uint64 {
  const { length } = text
  let at = 0
  if (length >= STRIPE) {
    const [first, second, third, fourth] = LANES
    first.set(seedHigh, seedLow).add(P1H, P1L).add(P2H, P2L)
    second.set(seedHigh, seedLow).add(P2H, P2L)
    third.set(seedHigh, seedLow)
    // Minus the prime: its two's complement.
    fourth.set(seedHigh, seedLow).add(~P1H, ~P1L).add(0, 1)
    for (; at + STRIPE <= length; at += STRIPE) {
      round(first, text, at)
      round(second, text, at + LANE)
      round(third, text, at + 2 * LANE)
      round(fourth, text, at + 3 * LANE)
    }
    out.copy(first).rotateLeft(1)
    addRotated(out, second, 7)
    addRotated(out, third, 12)
    addRotated(out, fourth, 18)
    for (const lane of LANES) mergeLane(out, lane)
  } else out.set(seedHigh, seedLow).add(P5H, P5L)
  out.add(0, length)
  for (; at + LANE <= length; at += LANE) {
    WORD.set(0, 0)
    round(WORD, text, at)
    out.xor(WORD.high, WORD.low).rotateLeft(27).multiply(P1H, P1L).add(P4H, P4L)
  }
  if (at + 4 <= length) {
    WORD.set(0, bytesAt(text, at)).multiply(P1H, P1L)
    out.xor(WORD.high, WORD.low).rotateLeft(23).multiply(P2H, P2L).add(P3H, P3L)
    at += 4
  }
  for (; at < length; at++) {
    WORD.set(0, text.charCodeAt(at) & 0xff).multiply(P5H, P5L)
    out.xor(WORD.high, WORD.low).rotateLeft(11).multiply(P1H, P1L)
  }
  return out.xorShiftRight(33).multiply(P2H, P2L).xorShiftRight(29).multiply(P3H, P3L).xorShiftRight(32)
}

/** Takes eight bytes into a lane. */
function round(lane: Uint64, text: string, at: number): void {
  INPUT.set(bytesAt(text, at + 4), bytesAt(text, at)).multiply(P2H, P2L)
  lane.add(INPUT.high, INPUT.low).rotateLeft(31).multiply(P1H, P1L)
}

const INPUT = new Uint64()

function addRotated(out: Uint64, lane: Uint64, bits: number): void {
  INPUT.copy(lane).rotateLeft(bits)
  out.add(INPUT.high, INPUT.low)
}

function mergeLane(out: Uint64, lane: Uint64): void {
  INPUT.copy(lane).multiply(P2H, P2L).rotateLeft(31).multiply(P1H, P1L)
  out.xor(INPUT.high, INPUT.low).multiply(P1H, P1L).add(P4H, P4L)
}

/** Four bytes, little-endian. */
function bytesAt(text: string, at: number): number {
  return (
    (text.charCodeAt(at) & 0xff) |
    ((text.charCodeAt(at + 1) & 0xff) << 8) |
    ((text.charCodeAt(at + 2) & 0xff) << 16) |
    ((text.charCodeAt(at + 3) & 0xff) << 24)
  )
}
