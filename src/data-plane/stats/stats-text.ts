// Envoy's /stats, as text and as JSON.
import { type BucketHistogram, QUANTILES } from './histogram.ts'
import type { Stat, StatFilter } from './stat.ts'

/** `stats` in the order to print, a line each, empty for those left out; histograms follow the rest, as Envoy prints them. */
export function* statsTextLines(stats: readonly Stat[], filter: StatFilter): Generator<string> {
  for (const stat of stats) {
    const isPrinted = stat.kind !== 'histogram' && filter(stat)
    yield isPrinted ? `${stat.name}: ${stat.cell.value}\n` : ''
  }
  for (const stat of stats) {
    const isPrinted = stat.kind === 'histogram' && filter(stat)
    yield isPrinted ? `${stat.name}: ${formatQuantiles(stat.cell)}\n` : ''
  }
}

/** Envoy gives each quantile twice, for the last interval and over all; there are no intervals here: `nan`. */
function formatQuantiles(histogram: BucketHistogram): string {
  if (histogram.count === 0) return 'No recorded values'
  return QUANTILES.map(percent => `P${percent}(nan,${round(histogram.quantile(percent)!)})`).join(' ')
}

/** One JSON text, in parts. */
export function* statsJsonParts(stats: readonly Stat[], filter: StatFilter): Generator<string> {
  yield '{"stats":['
  let comma = ''
  for (const stat of stats) {
    const isPrinted = stat.kind !== 'histogram' && filter(stat)
    yield isPrinted ? comma + JSON.stringify({ name: stat.name, value: stat.cell.value }) : ''
    if (isPrinted) comma = ','
  }
  const head = `${comma}{"histograms":{"supported_quantiles":${JSON.stringify(QUANTILES)},"computed_quantiles":[`
  let before = head
  for (const stat of stats) {
    const isPrinted = stat.kind === 'histogram' && filter(stat)
    yield isPrinted ? before + JSON.stringify({ name: stat.name, values: quantilesOf(stat.cell) }) : ''
    if (isPrinted) before = ','
  }
  yield before === head ? ']}' : ']}}]}'
}

function quantilesOf(histogram: BucketHistogram): object[] {
  return QUANTILES.map(percent => {
    const value = histogram.quantile(percent)
    return { interval: null, cumulative: value === null ? null : round(value) }
  })
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
