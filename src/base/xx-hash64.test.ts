import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from './random.ts'
import { Uint64 } from './uint64.ts'
import { xxHash64 } from './xx-hash64.ts'

const MASK = (1n << 64n) - 1n
const [P1, P2, P3, P4, P5] = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
] as const
const wrap = (value: bigint): bigint => value & MASK
const rotate = (value: bigint, bits: bigint): bigint => wrap((value << bits) | (wrap(value) >> (64n - bits)))
const round = (lane: bigint, input: bigint): bigint => wrap(rotate(wrap(lane + wrap(input * P2)), 31n) * P1)

/** The specification, step by step, in BigInt. */
function specified(bytes: Buffer, seed: bigint): bigint {
  let at = 0
  let hash = wrap(seed + P5)
  if (bytes.length >= 32) {
    const lanes = [wrap(seed + P1 + P2), wrap(seed + P2), seed, wrap(seed - P1)]
    for (; at + 32 <= bytes.length; at += 32)
      for (const i of [0, 1, 2, 3]) lanes[i] = round(lanes[i]!, bytes.readBigUInt64LE(at + 8 * i))
    hash = wrap(rotate(lanes[0]!, 1n) + rotate(lanes[1]!, 7n) + rotate(lanes[2]!, 12n) + rotate(lanes[3]!, 18n))
    for (const lane of lanes) hash = wrap((hash ^ round(0n, lane)) * P1 + P4)
  }
  hash = wrap(hash + BigInt(bytes.length))
  for (; at + 8 <= bytes.length; at += 8)
    hash = wrap(rotate(hash ^ round(0n, bytes.readBigUInt64LE(at)), 27n) * P1 + P4)
  if (at + 4 <= bytes.length) {
    hash = wrap(rotate(hash ^ wrap(BigInt(bytes.readUInt32LE(at)) * P1), 23n) * P2 + P3)
    at += 4
  }
  for (; at < bytes.length; at++) hash = wrap(rotate(hash ^ wrap(BigInt(bytes[at]!) * P5), 11n) * P1)
  hash = wrap((hash ^ (hash >> 33n)) * P2)
  hash = wrap((hash ^ (hash >> 29n)) * P3)
  return hash ^ (hash >> 32n)
}

test('the published sums', () => {
  const hash = (text: string, seed = 0): string => xxHash64(new Uint64(), text, 0, seed).toHex()
  assert.equal(hash(''), 'ef46db3751d8e999')
  assert.equal(hash('a'), 'd24ec4f1a98c6e5b')
  assert.equal(hash('abc'), '44bc2cf5ad770999')
  assert.equal(hash('The quick brown fox jumps over the lazy dog'), '0b242d361fda71bc')
})

test('every length up to three stripes, and any seed, gives what the specification does', () => {
  const random = new SeededRandom(4)
  for (let length = 0; length < 100; length++) {
    const bytes = random.bytes(length)
    const seed = random.bytes(8)
    const high = seed.readInt32BE(0)
    const low = seed.readInt32BE(4)
    const hash = xxHash64(new Uint64(), bytes.toString('latin1'), high, low).toBigInt()
    assert.equal(hash, specified(bytes, seed.readBigUInt64BE(0)), `length ${length}`)
  }
})

test('the remainder is exact for divisors up to 2^37', () => {
  const random = new SeededRandom(5)
  for (const divisor of [1, 2, 100, 65_537, 5_000_011, 2 ** 37 - 25]) {
    for (let i = 0; i < 100; i++) {
      const bytes = random.bytes(8)
      const value = new Uint64().set(bytes.readInt32BE(0), bytes.readInt32BE(4))
      assert.equal(BigInt(value.remainder(divisor)), bytes.readBigUInt64BE(0) % BigInt(divisor))
    }
  }
})
