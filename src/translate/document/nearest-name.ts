// The likely meant spelling of a name, by edit distance.

/** The candidate nearest to `name`, or undefined when none is near enough to be a slip. */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > 64) return undefined
  const bound = name.length <= 4 ? 1 : name.length <= 8 ? 2 : 3
  let best: string | undefined
  let bestDistance = bound + 1
  for (const candidate of candidates) {
    // Separators count for nothing: a few more or fewer of them are no reason to look away.
    if (Math.abs(candidate.length - name.length) > bound + 3) continue
    const distance = editDistance(normalise(name), normalise(candidate))
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** `retry_on`, `retry-on` and `RetryOn` are all near to `retryOn`. */
function normalise(name: string): string {
  return name.toLowerCase().replaceAll(/[_-]/g, '')
}

/** Optimal string alignment: a swap of two neighbours counts as one edit. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let least = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, beforeLast[j - 2]! + 1)
      row.push(least)
    }
    beforeLast = last
    last = row
  }
  return last[b.length]!
}
