// Istio's Percent: `percentage: {value: 12.5}`.
import type { ObjectReader } from '../../document/object-reader.ts'

/** Envoy counts in millionths: what is smaller would be nothing. */
const SMALLEST = 0.0001

/** Undefined when the field is absent; an empty object is 0, as in protobuf. */
export function readPercentage(parent: ObjectReader, field: string): number | undefined {
  const reader = parent.object(field)
  if (!reader) return undefined
  const value = reader.number('value', 0, 100) ?? 0
  if (value > 0 && value < SMALLEST)
    reader.sink.badValue(reader.place('value'), `${value} is neither 0 nor at least ${SMALLEST}`)
  reader.done()
  return value
}
