// Annotations of Weft's own, `weft.dev/...`: where they stand, and which there are.
import { nearestName } from '../../document/nearest-name.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import type { FieldPlace } from '../../document/problem-sink.ts'

const OWN = 'weft.dev/'

export function annotationPlace(name: string, spec: ObjectReader): FieldPlace {
  return { path: `metadata.annotations["${name}"]`, position: spec.position }
}

/** What nobody reads is an error: a misspelt fallback is found out when it is needed. */
export function refuseUnknownAnnotations(
  annotations: Readonly<Record<string, string>>,
  known: readonly string[],
  spec: ObjectReader,
): void {
  for (const name of Object.keys(annotations)) {
    if (!name.startsWith(OWN) || known.includes(name)) continue
    const near = nearestName(name, known)
    const place = annotationPlace(name, spec)
    spec.sink.error('WEFT-1003', place, `"${name}" is no annotation of Weft's`, near && `did you mean "${near}"?`)
  }
}
