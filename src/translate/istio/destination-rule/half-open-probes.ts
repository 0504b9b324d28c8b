// weft.dev/half-open-probes, an annotation of Weft's own: an endpoint that comes back from its ejection is on probation,
// and has to serve so many requests well, which are all that it gets, before it is fully back.
import type { DestinationRule } from '../../../model/destination-rule.ts'
import type { ObjectContext } from '../../document/kind-definition.ts'
import { nearestName } from '../../document/nearest-name.ts'
import type { ObjectReader } from '../../document/object-reader.ts'

const OWN = 'weft.dev/'
const NAME = 'weft.dev/half-open-probes'
const MAX_PROBES = 1_000_000

/** 0: the annotation is not there. */
export function readHalfOpenProbes({ annotations }: ObjectContext, spec: ObjectReader): number {
  const placeOf = (name: string) => ({ path: `metadata.annotations["${name}"]`, position: spec.position })
  for (const name of Object.keys(annotations)) {
    if (!name.startsWith(OWN) || name === NAME) continue
    const near = nearestName(name, [NAME])
    spec.sink.error(
      'WEFT-1003',
      placeOf(name),
      `"${name}" is no annotation of Weft's`,
      near && `did you mean "${near}"?`,
    )
  }
  const text = annotations[NAME]
  if (text === undefined) return 0
  const probes = /^[1-9]\d{0,6}$/.test(text) ? Number(text) : 0
  if (probes < 1 || probes > MAX_PROBES)
    spec.sink.badValue(placeOf(NAME), `"${text.slice(0, 20)}" is not a whole number from 1 to ${MAX_PROBES}`)
  return probes
}

/** Nobody comes back who has not been sent away. */
export function checkHalfOpenProbes(rule: DestinationRule, spec: ObjectReader): void {
  if (rule.halfOpenProbes === 0) return
  const policies = [rule.trafficPolicy, ...rule.subsets.map(({ trafficPolicy }) => trafficPolicy)]
  const blocks = policies.flatMap(policy => (policy ? [policy, ...policy.portLevelSettings] : []))
  if (blocks.some(({ outlierDetection }) => outlierDetection !== undefined)) return
  const place = { path: `metadata.annotations["${NAME}"]`, position: spec.position }
  spec.sink.report('WEFT-1012', 'warning', place, `${NAME} has no effect without outlierDetection`)
}
