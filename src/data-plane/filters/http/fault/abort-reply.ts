// What an aborted request is answered with.
import { failure, type LocalReply } from '../../../http/local-reply.ts'
import { RESPONSE_FLAG } from '../../../response-flag.ts'

const BODY = 'fault filter abort'
const DETAILS = 'fault_filter_abort'

export function httpAbort(status: number): LocalReply {
  return failure(status, DETAILS, RESPONSE_FLAG.FI, BODY)
}

/** To a client that does not speak gRPC it is a 200 (Envoy). */
export function grpcAbort(grpcStatus: number): LocalReply {
  return { status: 200, body: BODY, details: DETAILS, flags: RESPONSE_FLAG.FI, grpcStatus, isFailure: true }
}
