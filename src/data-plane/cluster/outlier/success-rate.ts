// Which endpoints fail more than the others (success rate), or more than may be (failure percentage): Envoy's comparison
// of what each did within one interval. Pure.
import type { OutlierConfig } from './outlier-config.ts'

export interface Tally {
  readonly total: number
  readonly succeeded: number
}

export interface SuccessRates {
  /** In percent, by the index of the tally; -1 where there was too little to tell. */
  readonly rates: readonly number[]
  /** -1: not worked out. */
  readonly average: number
  readonly ejectionThreshold: number
  /** Indices. */
  readonly belowThreshold: readonly number[]
  readonly aboveFailurePercentage: readonly number[]
}

/** `tallies` of endpoints that are out are null: they are not judged. */
export function compareSuccess(config: OutlierConfig, tallies: readonly (Tally | null)[]): SuccessRates {
  const { successRate, failurePercentage } = config
  const rates = tallies.map(() => -1)
  const none = { rates, average: -1, ejectionThreshold: -1, belowThreshold: [], aboveFailurePercentage: [] }
  if (tallies.length < successRate.minimumHosts && tallies.length < failurePercentage.minimumHosts) return none
  const leastVolume = Math.min(successRate.requestVolume, failurePercentage.requestVolume)
  const rate = (index: number): number => (100 * tallies[index]!.succeeded) / tallies[index]!.total
  const withVolume = (volume: number): number[] =>
    [...tallies.keys()].filter(index => (tallies[index]?.total ?? 0) > 0 && tallies[index]!.total >= volume)
  for (const index of withVolume(leastVolume)) rates[index] = rate(index)
  const compared = withVolume(successRate.requestVolume)
  const measured = withVolume(failurePercentage.requestVolume)
  const enough = compared.length > 0 && compared.length >= successRate.minimumHosts
  const average = enough ? mean(compared.map(rate)) : -1
  const deviation = enough ? Math.sqrt(mean(compared.map(index => (rate(index) - average) ** 2))) : 0
  const ejectionThreshold = enough ? average - successRate.deviations * deviation : -1
  return {
    rates,
    average,
    ejectionThreshold,
    belowThreshold: compared.filter(index => enough && rate(index) < ejectionThreshold),
    aboveFailurePercentage: measured.filter(
      index => measured.length >= failurePercentage.minimumHosts && 100 - rate(index) >= failurePercentage.threshold,
    ),
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
