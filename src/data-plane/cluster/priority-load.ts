// How much of a cluster's load each priority gets, by the health of its endpoints: Envoy's rules, in whole percents.

/** Of one priority. */
export interface PriorityHealth {
  readonly total: number
  readonly healthy: number
  readonly degraded: number
}

export interface PriorityLoads {
  /** Percent for healthy endpoints of each priority, then for degraded ones: all together 100. */
  readonly healthy: readonly number[]
  readonly degraded: readonly number[]
  /** Priorities so unwell that the reports are not believed: all their endpoints are used (Envoy's panic). */
  readonly panics: readonly boolean[]
}

/** A priority counts as wholly available while 100/140 of it are: the rest is taken to have been spare (Envoy's default). */
export const OVERPROVISIONING_FACTOR = 140

export function priorityLoads(levels: readonly PriorityHealth[], panicThreshold: number): PriorityLoads {
  const healthy = levels.map(level => availability(level.healthy, level.total))
  const degraded = levels.map(level => availability(level.degraded, level.total))
  const available = Math.min(100, sum(healthy) + sum(degraded))
  const panics = levels.map(level => available < 100 && isInPanic(level, panicThreshold))
  // With no panic to fall into, all load goes to a first priority that has nobody to take it.
  if (available === 0 && panicThreshold === 0)
    return { healthy: levels.map((_, i) => (i === 0 ? 100 : 0)), degraded: levels.map(() => 0), panics }
  if (panics.every(Boolean)) return { healthy: bySize(levels), degraded: levels.map(() => 0), panics }
  return { ...share(healthy, degraded, available), panics }
}

/**
 * Without the priorities in whose place `isExcluded` is true (Envoy's previous_priorities); null when the rest has nobody
 * who is well.
 */
export function loadsWithout(
  levels: readonly PriorityHealth[],
  panicThreshold: number,
  isExcluded: readonly boolean[],
): PriorityLoads | null {
  const { panics } = priorityLoads(levels, panicThreshold)
  const healthy = levels.map(({ healthy, total }, i) => (isExcluded[i] ? 0 : availability(healthy, total)))
  const degraded = levels.map(({ degraded, total }, i) => (isExcluded[i] ? 0 : availability(degraded, total)))
  const available = Math.min(100, sum(healthy) + sum(degraded))
  return available === 0 ? null : { ...share(healthy, degraded, available), panics }
}

function share(
  healthy: readonly number[],
  degraded: readonly number[],
  available: number,
): Omit<PriorityLoads, 'panics'> {
  const healthyLoads = distribute(healthy, 100, available)
  const degradedLoads = distribute(degraded, 100 - sum(healthyLoads), available)
  // What rounding left over goes to the first that can take it.
  const rest = 100 - sum(healthyLoads) - sum(degradedLoads)
  const first = healthy.findIndex(percent => percent > 0)
  if (first >= 0) healthyLoads[first]! += rest
  else degradedLoads[degraded.findIndex(percent => percent > 0)]! += rest
  return { healthy: healthyLoads, degraded: degradedLoads }
}

function availability(count: number, total: number): number {
  return total === 0 ? 0 : Math.min(100, Math.floor((OVERPROVISIONING_FACTOR * count) / total))
}

function isInPanic({ total, healthy, degraded }: PriorityHealth, threshold: number): boolean {
  return (total === 0 ? 0 : (100 * (healthy + degraded)) / total) < threshold
}

/** The first takes all that it can, the next what is left. */
function distribute(availabilities: readonly number[], load: number, available: number): number[] {
  let left = load
  return availabilities.map(percent => {
    const share = Math.min(left, Math.floor((percent * 100) / available))
    left -= share
    return share
  })
}

/** When every priority panics, health says nothing any more: loads follow the numbers of endpoints. */
function bySize(levels: readonly PriorityHealth[]): readonly number[] {
  const total = levels.reduce((count, level) => count + level.total, 0)
  if (total === 0) return levels.map((_, i) => (i === 0 ? 100 : 0))
  const loads = levels.map(level => Math.floor((100 * level.total) / total))
  loads[levels.findIndex(level => level.total > 0)]! += 100 - sum(loads)
  return loads
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
