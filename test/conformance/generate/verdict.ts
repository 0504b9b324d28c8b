// What differs between Istio and Weft in a batch, and is not explained by docs/differences-from-istio.md.
import type { CaseRequest, Outcome } from '../case-file.ts'
import { type Difference, differences } from '../replay/comparison.ts'

export interface Finding {
  readonly request: CaseRequest
  /** Of the batch, from 0. */
  readonly index: number
  readonly istio: Outcome
  readonly weft: Outcome
  readonly differences: readonly Difference[]
}

/**
 * Where chance decides, all but the shares is that of the last of the repetitions. What a later try, or one after a delay,
 * says of the time that is left is a duration.
 */
function isCompared(field: string, { repeat }: CaseRequest, { upstream, flags }: Outcome): boolean {
  if (repeat !== undefined) return field === 'destinations'
  const waited = upstream?.headers['x-envoy-attempt-count'] !== '1' || flags?.includes('DI')
  return !(waited && field === 'upstream x-envoy-expected-rq-timeout-ms')
}

export function judge(
  requests: readonly CaseRequest[],
  istio: readonly Outcome[],
  weft: readonly Outcome[],
): readonly Finding[] {
  return requests.flatMap((request, index) => {
    const [before, after] = [istio[index], weft[index]]
    if (before === undefined || after === undefined) throw new Error(`request ${index + 1} has no outcome`)
    const found = differences(before, alike(after, before)).filter(({ field }) => isCompared(field, request, before))
    return found.length === 0 ? [] : [{ request, index, istio: before, weft: after, differences: found }]
  })
}

/** Subsets of one endpoint each. */
const SINGLE = /^outbound\|\d+\|(v1|v2|canary)\|/

/** Which of several endpoints answers is chance: either is the other. */
function alike(weft: Outcome, { cluster, endpoint = '' }: Outcome): Outcome {
  if (weft.endpoint === undefined || weft.cluster !== cluster || SINGLE.test(cluster ?? '')) return weft
  const serviceOf = (address: string): string => address.slice(0, address.lastIndexOf('.'))
  return serviceOf(weft.endpoint) === serviceOf(endpoint) ? { ...weft, endpoint } : weft
}
