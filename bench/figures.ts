// The figures of a benchmark, and the table that shows them: medians over rounds, ratios to the first contestant.

export interface Figures {
  readonly name: string
  readonly cpuMicrosecondsPerRequest: number
  readonly requests: number
  /** Milliseconds. */
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly residentMegabytes: number
}

export interface RunOptions {
  readonly rounds: number
  readonly seconds: number
  /** Names of contestants; empty: all that are there. */
  readonly only: readonly string[]
  say(line: string): void
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The median of each figure over the rounds, contestant by contestant. */
export function medians(rounds: readonly (readonly Figures[])[]): Figures[] {
  return rounds[0]!.map(({ name }, index) => {
    const of = (figure: keyof Omit<Figures, 'name'>): number => median(rounds.map(round => round[index]![figure]))
    return {
      name,
      cpuMicrosecondsPerRequest: of('cpuMicrosecondsPerRequest'),
      requests: of('requests'),
      p50: of('p50'),
      p90: of('p90'),
      p99: of('p99'),
      residentMegabytes: of('residentMegabytes'),
    }
  })
}

/** `0.71 (0.69-0.74)`: Weft's cost over the other's, median and range of the rounds. */
function ratio(rounds: readonly (readonly Figures[])[], index: number): string {
  const ratios = rounds.map(round => round[0]!.cpuMicrosecondsPerRequest / round[index]!.cpuMicrosecondsPerRequest)
  const [low, high] = [Math.min(...ratios), Math.max(...ratios)]
  return `${median(ratios).toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)})`
}

export function formatFigures(rounds: readonly (readonly Figures[])[]): string {
  const first = rounds[0]![0]!.name
  const header = ['', 'CPU us/request', `${first} / it`, 'requests', 'p50 ms', 'p90 ms', 'p99 ms', 'resident MB']
  const rows = medians(rounds).map((figures, index) => [
    figures.name,
    figures.cpuMicrosecondsPerRequest.toFixed(1),
    index === 0 ? '-' : ratio(rounds, index),
    String(figures.requests),
    figures.p50.toFixed(2),
    figures.p90.toFixed(2),
    figures.p99.toFixed(2),
    figures.residentMegabytes.toFixed(0),
  ])
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map(row => row[column]!.length)))
  return [header, ...rows]
    .map(row => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('   '))
    .join('\n')
}
