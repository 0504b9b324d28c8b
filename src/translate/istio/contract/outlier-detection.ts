// OutlierDetection: of a DestinationRule's trafficPolicy and of MeshConfig.defaultTrafficPolicy.
import type { OutlierDetection } from '../../../model/outlier-detection.ts'
import { integerOf, type ObjectReader } from '../../document/object-reader.ts'

const MAX_COUNT = 0xffff_ffff
const MIN_STATUS = 100
const MAX_STATUS = 599

export function readOutlierDetection(reader: ObjectReader): OutlierDetection {
  const splits = reader.boolean('splitExternalLocalOriginErrors') ?? false
  const localFailures = reader.integer('consecutiveLocalOriginFailures', 0, MAX_COUNT)
  if (!splits && (localFailures ?? 0) > 0)
    reader.sink.contradiction(
      reader.place('consecutiveLocalOriginFailures'),
      'consecutiveLocalOriginFailures counts only with splitExternalLocalOriginErrors',
    )
  const read = {
    consecutive5xxErrors: reader.integer('consecutive5xxErrors', 0, MAX_COUNT),
    consecutiveGatewayErrors: reader.integer('consecutiveGatewayErrors', 0, MAX_COUNT),
    consecutiveLocalOriginFailures: localFailures,
    intervalMs: reader.duration('interval', 1),
    baseEjectionMs: reader.duration('baseEjectionTime', 1),
    maxEjectionPercent: reader.integer('maxEjectionPercent', 0, 100),
    minHealthPercent: reader.integer('minHealthPercent', 0, 100),
  }
  const httpErrorCodes = reader
    .list('outlierDetectionHttpErrorCodes')
    .flatMap(item => integerOf(item, MIN_STATUS, MAX_STATUS, reader.sink) ?? [])
  // Deprecated: consecutiveGatewayErrors and consecutive5xxErrors say which errors are meant. Istio does not look at it.
  if (reader.integer('consecutiveErrors', 0, MAX_COUNT) !== undefined)
    reader.sink.report(
      'WEFT-1012',
      'warning',
      reader.place('consecutiveErrors'),
      'has no effect, as in Istio',
      'say consecutive5xxErrors, or consecutiveGatewayErrors',
    )
  reader.done()
  return { splitExternalLocalOriginErrors: splits, ...read, httpErrorCodes }
}
