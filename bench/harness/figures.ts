// The figures of a benchmark: what each is called, the medians over the rounds, and the table that shows them.
import type { Outcome, Result } from './rounds.ts'

interface Column {
  readonly title: string
  readonly digits: number
}

const COLUMNS = {
  cpuMicrosecondsPerRequest: { title: 'CPU us/request', digits: 1 },
  requests: { title: 'requests', digits: 0 },
  requestsPerSecond: { title: 'requests/s', digits: 0 },
  p50: { title: 'p50 ms', digits: 2 },
  p90: { title: 'p90 ms', digits: 2 },
  p99: { title: 'p99 ms', digits: 2 },
  max: { title: 'max ms', digits: 1 },
  residentMegabytes: { title: 'resident MB', digits: 1 },
  residentIdleMegabytes: { title: 'idle MB', digits: 1 },
  ownMegabytes: { title: 'of it its own MB', digits: 1 },
  kilobytesPerConnection: { title: 'kB/connection', digits: 1 },
  idleCpuPercent: { title: 'CPU % idle', digits: 2 },
  eventLoopDelayMax: { title: 'loop delay max ms', digits: 1 },
  eventLoopDelayP99: { title: 'loop delay p99 ms', digits: 1 },
  residentFirstMegabytes: { title: 'first MB', digits: 1 },
  residentHighestMegabytes: { title: 'highest MB', digits: 1 },
  megabytesPerHour: { title: 'MB/hour, 2nd half', digits: 1 },
} as const satisfies Readonly<Record<string, Column>>

export type FigureName = keyof typeof COLUMNS

export const FIGURES = Object.keys(COLUMNS) as readonly FigureName[]

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Null where a contestant has no such figure. */
export function medianOf(result: Result, figure: FigureName): number | null {
  const values = result.rounds.map(round => round[figure]).filter(value => value !== undefined)
  return values.length === 0 ? null : median(values)
}

/** `0.71 (0.69-0.74)`: the first contestant's figure over another's in the same round and case, median and range. */
function ratio(first: Result | undefined, result: Result, figure: FigureName): string {
  if (first === undefined || first === result) return '-'
  const ratios = result.rounds
    .map((round, index) => first.rounds[index]![figure]! / round[figure]!)
    .filter(value => Number.isFinite(value))
  if (ratios.length === 0) return '-'
  const [low, high] = [Math.min(...ratios), Math.max(...ratios)]
  return `${median(ratios).toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)})`
}

export interface TableShape {
  readonly figures: readonly FigureName[]
  readonly compares: FigureName
}

/** One table, by case and then by contestant; blank where a contestant has no such figure. */
export function formatTable({ results }: Outcome, { figures, compares }: TableShape): string {
  const first = results[0]?.contestant ?? ''
  const titles = figures.flatMap(figure =>
    figure === compares ? [COLUMNS[figure].title, `${first} / it`] : [COLUMNS[figure].title],
  )
  const cases = [...new Set(results.map(result => result.case))]
  const rows = cases.flatMap(name => {
    const those = results.filter(result => result.case === name)
    const reference = those.find(result => result.contestant === first)
    return those.map(result => [
      name,
      result.contestant,
      ...figures.flatMap(figure => {
        const value = medianOf(result, figure)?.toFixed(COLUMNS[figure].digits) ?? ''
        return figure === compares ? [value, ratio(reference, result, compares)] : [value]
      }),
    ])
  })
  // The first column is of cases, and left out where there is but one.
  const table = [['', '', ...titles], ...rows].map(row => (cases.length > 1 ? row : row.slice(1)))
  const names = cases.length > 1 ? 2 : 1
  const widths = table[0]!.map((_, column) => Math.max(...table.map(row => row[column]!.length)))
  return table
    .map(row =>
      row
        .map((cell, i) => (i < names ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
        .join('   ')
        .trimEnd(),
    )
    .join('\n')
}
