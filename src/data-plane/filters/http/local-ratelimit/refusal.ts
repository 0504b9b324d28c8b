// What a request that gets no token is answered with.
import type { LocalReply } from '../../../http/local-reply.ts'
import { RESPONSE_FLAG } from '../../../response-flag.ts'

/** `grpcStatus` null: what `status` means to a gRPC client. */
export function refusal(status: number, grpcStatus: number | null): LocalReply {
  return {
    status,
    body: 'local_rate_limited',
    details: 'local_rate_limited',
    flags: RESPONSE_FLAG.RL,
    isFailure: true,
    ...(grpcStatus !== null && { grpcStatus }),
  }
}

export function withFields(reply: LocalReply, headers: readonly string[]): LocalReply {
  return { ...reply, headers }
}
