// HTTPRetry: of VirtualService http[].retries and of MeshConfig.defaultHttpRetryPolicy.
import type { HttpRetry } from '../../../model/http-retry.ts'
import { nearestName } from '../../document/nearest-name.ts'
import type { ObjectReader } from '../../document/object-reader.ts'

/** Envoy's x-envoy-retry-on and x-envoy-retry-grpc-on. */
const CONDITIONS = [
  '5xx',
  'gateway-error',
  'reset',
  'reset-before-request',
  'connect-failure',
  'retriable-4xx',
  'refused-stream',
  'retriable-status-codes',
  'retriable-headers',
  'envoy-ratelimited',
  'http3-post-connect-failure',
  'cancelled',
  'deadline-exceeded',
  'internal',
  'resource-exhausted',
  'unavailable',
]

export function readHttpRetry(reader: ObjectReader): HttpRetry {
  const attempts = reader.integer('attempts', 0, 1000)
  const perTryTimeoutMs = reader.duration('perTryTimeout', 1)
  const backoffMs = reader.duration('backoff', 1)
  const retryOn = reader.string('retryOn') ?? ''
  checkConditions(reader, retryOn)
  const remoteLocalities = reader.boolean('retryRemoteLocalities') ?? false
  const ignorePreviousHosts = reader.boolean('retryIgnorePreviousHosts') ?? true
  if ((attempts ?? 0) === 0 && (perTryTimeoutMs !== undefined || backoffMs !== undefined || retryOn !== ''))
    reader.sink.contradiction(reader, 'attempts of 0 switches retries off; the other fields then mean nothing')
  reader.done()
  return {
    attempts: attempts ?? 0,
    ...(perTryTimeoutMs === undefined ? {} : { perTryTimeoutMs }),
    retryOn,
    ignorePreviousHosts,
    ...(remoteLocalities ? { remoteLocalities } : {}),
    ...(backoffMs === undefined ? {} : { backoffMs }),
  }
}

function checkConditions(reader: ObjectReader, retryOn: string): void {
  if (retryOn === '') return
  for (const part of retryOn.split(',')) {
    const condition = part.trim()
    const place = reader.place('retryOn')
    if (/^\d+$/.test(condition)) {
      if (Number(condition) < 100 || Number(condition) > 599)
        reader.sink.badValue(place, `${condition.slice(0, 20)} is not an HTTP status`)
    } else if (condition === 'retriable-headers') {
      const message = 'retriable-headers never comes true: Istio has no field for the headers'
      reader.sink.report('WEFT-1012', 'warning', place, message, 'name a status, or a condition of its own')
    } else if (!CONDITIONS.includes(condition)) {
      const near = nearestName(condition, CONDITIONS)
      reader.sink.badValue(
        place,
        `"${condition.slice(0, 40)}" is not a retry condition`,
        near && `did you mean "${near}"?`,
      )
    }
  }
}
