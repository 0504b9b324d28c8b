// Sets of Unicode code points as flat, sorted, disjoint ranges: low, high, low, high.

export type RuneRanges = readonly number[]

export const MAX_RUNE = 0x10_ffff

/** Sorts, and joins what overlaps or touches. */
export function normaliseRanges(ranges: RuneRanges): RuneRanges {
  const pairs: [number, number][] = []
  for (let i = 0; i < ranges.length; i += 2) pairs.push([ranges[i]!, ranges[i + 1]!])
  pairs.sort((a, b) => a[0] - b[0])
  const joined: number[] = []
  for (const [low, high] of pairs) {
    const last = joined.length - 1
    if (last > 0 && low <= joined[last]! + 1) joined[last] = Math.max(joined[last]!, high)
    else joined.push(low, high)
  }
  return joined
}

/** Everything else; `ranges` must be normalised. */
export function negateRanges(ranges: RuneRanges): RuneRanges {
  const rest: number[] = []
  let next = 0
  for (let i = 0; i < ranges.length; i += 2) {
    if (ranges[i]! > next) rest.push(next, ranges[i]! - 1)
    next = ranges[i + 1]! + 1
  }
  if (next <= MAX_RUNE) rest.push(next, MAX_RUNE)
  return rest
}
