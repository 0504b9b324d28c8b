// weft.dev/hedge-on-per-try-timeout, an annotation of Weft's own: a try that runs into `retries.perTryTimeout` goes on, and
// another is sent beside it. Istio has no word for it; Envoy has, and honours it too.
import type { ObjectReader } from '../../document/object-reader.ts'
import { annotationPlace } from '../contract/weft-annotations.ts'

export const HEDGING = 'weft.dev/hedge-on-per-try-timeout'

/** Undefined after a problem was reported. */
export function readHedging(name: string, text: string, spec: ObjectReader): boolean | undefined {
  if (text === 'true' || text === 'false') return text === 'true'
  spec.sink.badValue(annotationPlace(name, spec), `"${text.slice(0, 40)}" is neither "true" nor "false"`)
  return undefined
}
