// Envoy's fractional percents as a share of 1. There are no runtime layers: a runtime key's default value is its value.
import type { RuntimeFractionalPercent } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import type { FractionalPercent } from '../../xds/generated/envoy/type/v3/percent_pb.ts'

const DENOMINATORS = [100, 10_000, 1_000_000]

/** May exceed 1, as in Envoy, and then always passes. */
export function fractionOf(percent: FractionalPercent | undefined, unset: number): number {
  return percent === undefined ? unset : percent.numerator / (DENOMINATORS[percent.denominator] ?? 100)
}

/** `unset` is for a message that is absent; one without a default value is 0 (Envoy). */
export function runtimeFraction(percent: RuntimeFractionalPercent | undefined, unset: number): number {
  return percent === undefined ? unset : fractionOf(percent.defaultValue, 0)
}
