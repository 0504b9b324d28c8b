// Unicode's simple case folding, as RE2's (?i) applies it: a letter stands for its whole orbit (k, K and the Kelvin sign).
import { normaliseRanges, type RuneRanges } from './rune-ranges.ts'

let orbits: ReadonlyMap<number, readonly number[]> | null = null

/** `ranges` and every code point that differs from one in it by case only. */
export function foldRanges(ranges: RuneRanges): RuneRanges {
  const folded = [...ranges]
  let beyondAscii = false
  for (let i = 0; i < ranges.length; i += 2) {
    foldAscii(ranges[i]!, Math.min(ranges[i + 1]!, 127), folded)
    if (ranges[i + 1]! > 127) beyondAscii = true
  }
  if (beyondAscii) {
    orbits ??= buildOrbits()
    for (const [rune, orbit] of orbits) if (contains(ranges, rune)) for (const other of orbit) folded.push(other, other)
  }
  return normaliseRanges(folded)
}

/** ASCII letters have two partners outside ASCII: U+017F (long s) and U+212A (Kelvin sign). */
function foldAscii(low: number, high: number, into: number[]): void {
  for (let rune = low; rune <= high; rune++) {
    const upper = rune >= 65 && rune <= 90
    const lower = rune >= 97 && rune <= 122
    if (!upper && !lower) continue
    const letter = upper ? rune + 32 : rune
    into.push(letter, letter, letter - 32, letter - 32)
    if (letter === 107) into.push(0x212a, 0x212a)
    if (letter === 115) into.push(0x17f, 0x17f)
  }
}

function contains(ranges: RuneRanges, rune: number): boolean {
  let low = 0
  let high = ranges.length / 2 - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    if (rune < ranges[middle * 2]!) high = middle - 1
    else if (rune > ranges[middle * 2 + 1]!) low = middle + 1
    else return true
  }
  return false
}

/** The engine's own tables decide: candidates by upper and lower case, confirmed by a case-insensitive match. */
function buildOrbits(): ReadonlyMap<number, readonly number[]> {
  const groups = new Map<string, number[]>()
  const cased = /[\p{Changes_When_Casemapped}]/u
  for (let rune = 0; rune <= 0x1_ffff; rune++) {
    if (rune >= 0xd800 && rune <= 0xdfff) continue
    const text = String.fromCodePoint(rune)
    if (!cased.test(text)) continue
    const upper = text.toUpperCase()
    const key = ([...upper].length === 1 ? upper : text).toLowerCase()
    const group = groups.get(key)
    if (group) group.push(rune)
    else groups.set(key, [rune])
  }
  const found = new Map<number, readonly number[]>()
  for (const group of groups.values()) {
    if (group.length < 2) continue
    for (const rune of group) {
      const matcher = new RegExp(`^\\u{${rune.toString(16)}}$`, 'iu')
      found.set(
        rune,
        group.filter(other => matcher.test(String.fromCodePoint(other))),
      )
    }
  }
  return found
}
