// Tells what differs between the recorded outcome of a request and Weft's.
import type { Outcome } from '../case-file.ts'
import { comparable } from './normalisation.ts'

export interface Difference {
  /** `status`, `response x-name`, `upstream path`, `upstream header x-name`, `flags`, ... */
  readonly field: string
  readonly recorded: string
  readonly weft: string
}

/** How many standard deviations two shares may lie apart: by chance once in 150 000 comparisons. */
const SIGMAS = 4.5

const ATTEMPTS = 'upstream x-envoy-attempt-count'

export function differences(recorded: Outcome, weft: Outcome): readonly Difference[] {
  const found: Difference[] = [...shareDifferences(recorded.destinations, weft.destinations)]
  // Recorded from one run among several destinations, the rest would be what chance chose last.
  if (recorded.destinations !== undefined && recorded.status === undefined && recorded.error === undefined) return found
  const before = comparable(recorded)
  const after = comparable(weft)
  // How many tries the last of many repetitions took is chance as well.
  if (recorded.destinations !== undefined) for (const side of [before, after]) side.delete(ATTEMPTS)
  for (const field of new Set([...before.keys(), ...after.keys()])) {
    const [was, is] = [before.get(field), after.get(field)]
    if (was !== is) found.push({ field, recorded: was ?? '(none)', weft: is ?? '(none)' })
  }
  return found
}

type Shares = Readonly<Record<string, number>> | undefined

/** Both are samples, so that the bound is that of the difference of two binomial shares. */
function shareDifferences(recorded: Shares, weft: Shares): readonly Difference[] {
  if (recorded === undefined) return []
  const [before, after] = [total(recorded), total(weft)]
  const outside = [...new Set([...Object.keys(recorded), ...Object.keys(weft ?? {})])].filter(key => {
    const [was, is] = [recorded[key] ?? 0, weft?.[key] ?? 0]
    if (was === 0 || is === 0) return true
    const pooled = (was + is) / (before + after)
    const deviation = Math.sqrt(pooled * (1 - pooled) * (1 / before + 1 / after))
    return Math.abs(was / before - is / after) > SIGMAS * deviation
  })
  if (outside.length === 0) return []
  return [{ field: 'destinations', recorded: JSON.stringify(recorded), weft: JSON.stringify(weft) }]
}

function total(shares: Shares): number {
  return Object.values(shares ?? {}).reduce((sum, count) => sum + count, 0)
}
