// gRPC's status of a response, by name or number.
import type { HeaderList } from '../../../transport/header-list.ts'
import { getHeader } from '../../../transport/header-list.ts'
import { httpToGrpcStatus, isGrpcRequest } from '../../http/grpc-status.ts'
import type { StreamInfo } from '../../stream-info.ts'
import type { CompiledOperator, Operator } from './operator.ts'

const CAMEL = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
]
const SNAKE = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
]
const DIGITS = /^[0-9]{1,10}$/
/** Of a field that holds no number. */
const INVALID = -1

export const grpcStatusNumber: Operator = info => (isGrpcRequest(info.requestHeaders) ? grpcStatusOf(info) : null)

/** In the trailers, else in the headers, else what HTTP's status means to gRPC; null where there was no response. */
export function grpcStatusOf(info: StreamInfo): number | null {
  const said = statusIn(info.responseTrailers) ?? statusIn(info.responseHeaders)
  if (said !== null) return said
  return info.responseCode === 0 ? null : httpToGrpcStatus(info.responseCode)
}

function statusIn(fields: HeaderList): number | null {
  const text = getHeader(fields, 'grpc-status')
  if (text === undefined || text === '') return null
  return DIGITS.test(text) ? Number(text) : INVALID
}

export function compileGrpcStatus(argument: string | null): CompiledOperator {
  if (argument === 'NUMBER') return { run: grpcStatusNumber }
  const names = argument === 'SNAKE_STRING' ? SNAKE : CAMEL
  if (argument !== null && argument !== '' && argument !== 'SNAKE_STRING' && argument !== 'CAMEL_STRING')
    return { fault: '%GRPC_STATUS(...)% knows CAMEL_STRING, SNAKE_STRING and NUMBER' }
  return {
    run(info) {
      const status = grpcStatusNumber(info) as number | null
      return status === null ? null : (names[status] ?? String(status))
    },
  }
}
