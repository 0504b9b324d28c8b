// weft.dev/half-open-probes, an annotation of Weft's own: an endpoint that comes back from its ejection is on probation,
// and has to serve so many requests well, which are all that it gets, before it is fully back.
import type { DestinationRule } from '../../../model/destination-rule.ts'
import type { ObjectContext } from '../../document/kind-definition.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { annotationPlace } from '../contract/weft-annotations.ts'

export const HALF_OPEN_PROBES = 'weft.dev/half-open-probes'
const MAX_PROBES = 1_000_000

/** 0: the annotation is not there. */
export function readHalfOpenProbes({ annotations }: ObjectContext, spec: ObjectReader): number {
  const text = annotations[HALF_OPEN_PROBES]
  if (text === undefined) return 0
  const probes = /^[1-9]\d{0,6}$/.test(text) ? Number(text) : 0
  if (probes < 1 || probes > MAX_PROBES)
    spec.sink.badValue(
      annotationPlace(HALF_OPEN_PROBES, spec),
      `"${text.slice(0, 20)}" is not a whole number from 1 to ${MAX_PROBES}`,
    )
  return probes
}

/** Nobody comes back who has not been sent away. */
export function checkHalfOpenProbes(rule: DestinationRule, spec: ObjectReader): void {
  if (rule.halfOpenProbes === 0) return
  const policies = [rule.trafficPolicy, ...rule.subsets.map(({ trafficPolicy }) => trafficPolicy)]
  const blocks = policies.flatMap(policy => (policy ? [policy, ...policy.portLevelSettings] : []))
  if (blocks.some(({ outlierDetection }) => outlierDetection !== undefined)) return
  spec.sink.report(
    'WEFT-1012',
    'warning',
    annotationPlace(HALF_OPEN_PROBES, spec),
    `${HALF_OPEN_PROBES} has no effect without outlierDetection`,
  )
}
