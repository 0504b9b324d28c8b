// Annotations of Weft's own on a DestinationRule: `weft.dev/…`. One that is not known is an error, as an unknown field is.
import type { ObjectContext } from '../../document/kind-definition.ts'
import { nearestName } from '../../document/nearest-name.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import type { FieldPlace } from '../../document/problem-sink.ts'

const OWN = 'weft.dev/'
export const HALF_OPEN_PROBES = 'weft.dev/half-open-probes'
export const PEAK_EWMA = 'weft.dev/peak-ewma'
const KNOWN = [HALF_OPEN_PROBES, PEAK_EWMA]

export function checkOwnAnnotations({ annotations }: ObjectContext, spec: ObjectReader): void {
  for (const name of Object.keys(annotations)) {
    if (!name.startsWith(OWN) || KNOWN.includes(name)) continue
    const near = nearestName(name, KNOWN)
    const message = `"${name}" is no annotation of Weft's`
    spec.sink.error('WEFT-1003', annotationPlace(name, spec), message, near && `did you mean "${near}"?`)
  }
}

export function annotationPlace(name: string, spec: ObjectReader): FieldPlace {
  return { path: `metadata.annotations["${name}"]`, position: spec.position }
}
