// Envoy's /stats, as text and as JSON.
import { type BucketHistogram, QUANTILES } from './histogram.ts'
import type { Stat } from './stat.ts'

/** `stats` in the order to print; histograms follow the rest, as Envoy prints them. */
export function formatStatsText(stats: readonly Stat[]): string {
  let values = ''
  let histograms = ''
  for (const stat of stats) {
    if (stat.kind === 'histogram') histograms += `${stat.name}: ${formatQuantiles(stat.cell)}\n`
    else values += `${stat.name}: ${stat.cell.value}\n`
  }
  return values + histograms
}

/** Envoy gives each quantile twice, for the last interval and over all; there are no intervals here: `nan`. */
function formatQuantiles(histogram: BucketHistogram): string {
  if (histogram.count === 0) return 'No recorded values'
  return QUANTILES.map(percent => `P${percent}(nan,${round(histogram.quantile(percent)!)})`).join(' ')
}

export function formatStatsJson(stats: readonly Stat[]): string {
  const values: object[] = []
  const computed: object[] = []
  for (const stat of stats) {
    if (stat.kind !== 'histogram') {
      values.push({ name: stat.name, value: stat.cell.value })
      continue
    }
    const quantiles = QUANTILES.map(percent => {
      const value = stat.cell.quantile(percent)
      return { interval: null, cumulative: value === null ? null : round(value) }
    })
    computed.push({ name: stat.name, values: quantiles })
  }
  if (computed.length > 0) values.push({ histograms: { supported_quantiles: QUANTILES, computed_quantiles: computed } })
  return JSON.stringify({ stats: values })
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
