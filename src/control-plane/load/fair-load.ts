// What is believed of the reports of several identities, any of which may say what it likes.
import { ClusterLoad } from './cluster-load.ts'

export interface FairLoad {
  /** Of all, none counting for more than is its due. */
  readonly whole: ClusterLoad
  /** Of all but the one that saw most. */
  readonly others: ClusterLoad
}

/**
 * Nobody counts for more than the median of the others, or than `enough` where that is more: shares stay as they were
 * reported, only their number shrinks.
 */
export function fairLoad(loads: readonly ClusterLoad[], enough: number): FairLoad {
  const whole = new ClusterLoad()
  const others = new ClusterLoad()
  const sorted = [...loads].sort((a, b) => sizeOf(a) - sizeOf(b))
  const sizes = sorted.map(sizeOf)
  for (const [index, load] of sorted.entries()) {
    const limit = sizes[index]! > enough ? Math.max(enough, median(sizes.toSpliced(index, 1))) : enough
    whole.add(load, Math.min(1, limit / Math.max(1, sizes[index]!)))
    if (index < sorted.length - 1) others.add(load)
  }
  return { whole, others }
}

function sizeOf({ requests, givenUp, timed }: ClusterLoad): number {
  return Math.max(requests + givenUp, timed)
}

/** Of sorted numbers; the lower of two in the middle. */
function median(sizes: readonly number[]): number {
  return sizes[Math.floor((sizes.length - 1) / 2)] ?? 0
}
