// `thresholds`: what the canary has to keep to.
import { BUCKET_BOUNDS } from '../../../base/histogram-buckets.ts'
import type { RolloutThresholds } from '../../../model/rollout.ts'
import type { ObjectReader } from '../../document/object-reader.ts'

const DEFAULT_MIN_REQUESTS = 20
const MAX_REQUESTS = 1_000_000_000
/** Those that a duration in whole milliseconds can say. */
const CLASSES = BUCKET_BOUNDS.filter(bound => Number.isInteger(bound))

export function readThresholds(spec: ObjectReader): RolloutThresholds {
  const reader = spec.object('thresholds')
  if (!spec.has('thresholds')) spec.missing('thresholds')
  const minRequests = reader?.integer('minRequests', 1, MAX_REQUESTS)
  const successRate = reader?.number('successRate', 0, 100)
  const latencyReader = reader?.object('latency')
  const latency = latencyReader ? readLatency(latencyReader) : null
  if (reader && !reader.has('successRate') && !reader.has('latency'))
    reader.sink.error('WEFT-1006', reader, 'one of successRate and latency is missing')
  reader?.done()
  return { minRequests: minRequests ?? DEFAULT_MIN_REQUESTS, successRate: successRate ?? null, latency }
}

function readLatency(reader: ObjectReader): RolloutThresholds['latency'] {
  const percentile = reader.number('percentile', 1, 100)
  if (!reader.has('percentile')) reader.missing('percentile')
  const maximumMs = reader.duration('maximum', 1)
  if (!reader.has('maximum')) reader.missing('maximum')
  // Proxies count times by class: of any other limit nobody could say how many were above it.
  if (maximumMs !== undefined && !CLASSES.includes(maximumMs))
    reader.sink.badValue(
      reader.place('maximum'),
      `times are counted up to ${CLASSES.join(', ')} ms; choose one of them`,
    )
  reader.done()
  return percentile === undefined || maximumMs === undefined ? null : { percentile, maximumMs }
}
