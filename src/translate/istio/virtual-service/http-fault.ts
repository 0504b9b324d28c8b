// VirtualService http[].fault.
import type { HttpAbort, HttpFault } from '../../../model/http-fault.ts'
import { nearestName } from '../../document/nearest-name.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { readPercentage } from './percentage.ts'

/** By their numbers (gRPC's statuscodes.md). */
const GRPC_STATUSES =
  `OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED
  FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED`.split(/\s+/)
const ABORTS = ['httpStatus', 'grpcStatus', 'http2Error'] as const

export function readHttpFault(reader: ObjectReader): HttpFault {
  const delayReader = reader.object('delay')
  const abortReader = reader.object('abort')
  reader.done()
  if (!delayReader && !abortReader) reader.sink.error('WEFT-1006', reader, 'a fault needs a delay, an abort or both')
  const delay = delayReader && readDelay(delayReader)
  const abort = abortReader && readAbort(abortReader)
  return { ...(delay ? { delay } : {}), ...(abort ? { abort } : {}) }
}

function readDelay(reader: ObjectReader): HttpFault['delay'] {
  const fixedMs = reader.duration('fixedDelay', 1)
  refuse(reader, 'exponentialDelay')
  const percent = reader.integer('percent', 0, 100)
  const percentage = readPercentage(reader, 'percentage')
  reader.done()
  if (percent !== undefined && percentage !== undefined)
    reader.sink.report('WEFT-1012', 'warning', reader.place('percent'), 'has no effect beside percentage')
  const share = percentage ?? percent
  checkShare(reader, share, 'delayed')
  if (fixedMs !== undefined) return { fixedMs, percentage: share ?? 0 }
  if (!reader.has('fixedDelay') && !reader.has('exponentialDelay'))
    reader.sink.report('WEFT-1012', 'warning', reader, 'no request is delayed: fixedDelay is missing')
  return undefined
}

function readAbort(reader: ObjectReader): HttpFault['abort'] {
  const set = ABORTS.filter(kind => reader.has(kind))
  const httpStatus = reader.integer('httpStatus', 200, 599)
  const grpcStatus = reader.string('grpcStatus')
  refuse(reader, 'http2Error')
  const percentage = readPercentage(reader, 'percentage')
  reader.done()
  if (set.length > 1) reader.sink.contradiction(reader, `only one of ${set.join(', ')} may be set`)
  checkShare(reader, percentage, 'aborted')
  const abort = abortOf(httpStatus, grpcStatus, reader)
  if (abort) return { ...abort, percentage: percentage ?? 0 }
  if (set.length === 0)
    reader.sink.report(
      'WEFT-1012',
      'warning',
      reader,
      'no request is aborted: neither httpStatus nor grpcStatus is set',
    )
  return undefined
}

function abortOf(
  httpStatus: number | undefined,
  grpcStatus: string | undefined,
  reader: ObjectReader,
): HttpAbort | undefined {
  if (httpStatus !== undefined) return { kind: 'http', status: httpStatus }
  if (grpcStatus === undefined) return undefined
  const status = GRPC_STATUSES.indexOf(grpcStatus)
  if (status >= 0) return { kind: 'grpc', status }
  const near = nearestName(grpcStatus, GRPC_STATUSES)
  const message = `"${grpcStatus.slice(0, 40)}" is not the name of a gRPC status`
  reader.sink.badValue(reader.place('grpcStatus'), message, near && `did you mean "${near}"?`)
  return undefined
}

/** Fields that Istio's API has and Istio has never had. */
function refuse(reader: ObjectReader, name: string): void {
  if (reader.has(name)) reader.sink.unsupported(reader.place(name), name, 'Istio refuses it, too')
}

/** Nobody who writes a fault means none of the requests. */
function checkShare(reader: ObjectReader, percentage: number | undefined, what: string): void {
  if (percentage === undefined)
    reader.sink.report('WEFT-1012', 'warning', reader, `no request is ${what}: percentage is missing, which is 0`)
}
