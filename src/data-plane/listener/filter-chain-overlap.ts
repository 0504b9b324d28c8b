// Filter chains that would take the same connections: which of them does would hang on their order, so Envoy refuses them.
import type { Cidr } from '../../base/cidr.ts'
import { maskedAddress } from '../route/masked-address.ts'
import type { FilterChainMatch } from './filter-chain-match.ts'

type Value = string | number

/** As in Envoy two matches overlap where they name one value, or both name none, of every criterion. */
const CRITERIA: readonly ((match: FilterChainMatch) => readonly Value[])[] = [
  ({ destinationPort }) => (destinationPort === null ? [] : [destinationPort]),
  ({ destinationRanges }) => destinationRanges.map(rangeText),
  ({ serverNames }) => serverNames,
  ({ transportProtocol }) => [transportProtocol],
  ({ applicationProtocols }) => applicationProtocols,
  ({ directSourceRanges }) => directSourceRanges.map(rangeText),
  ({ sourceType }) => [sourceType],
  ({ sourceRanges }) => sourceRanges.map(rangeText),
  ({ sourcePorts }) => sourcePorts,
]
/** No port, and no name. */
const ANY: readonly Value[] = [-1]

/** The index of each match that overlaps one before it, and of that one: itself where it names something twice. */
export function findOverlaps(matches: readonly FilterChainMatch[]): ReadonlyMap<number, number> {
  const overlaps = new Map<number, number>()
  divide([...matches.keys()], 0, matches, overlaps)
  return overlaps
}

/** `alike` have something in common of each criterion so far. Whoever stands alone has no twin, whatever else it names. */
function divide(
  alike: readonly number[],
  depth: number,
  matches: readonly FilterChainMatch[],
  overlaps: Map<number, number>,
): void {
  const left = alike.filter(index => !overlaps.has(index))
  const [first, ...others] = left
  if (first === undefined || others.length === 0) return
  const valuesOf = CRITERIA[depth]
  if (valuesOf === undefined) {
    for (const index of others) overlaps.set(index, first)
    return
  }
  const groups = new Map<Value, number[]>()
  for (const index of left) {
    const values = valuesOf(matches[index]!)
    for (const value of values.length > 0 ? values : ANY) {
      const group = groups.get(value)
      if (group) group.push(index)
      else groups.set(value, [index])
    }
  }
  for (const group of groups.values()) divide(group, depth + 1, matches, overlaps)
}

function rangeText({ address, prefixLength }: Cidr): string {
  return maskedAddress(address, prefixLength, prefixLength)
}
