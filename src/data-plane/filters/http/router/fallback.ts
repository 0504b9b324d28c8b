// Whether a failure of the route's destination is one that its fallback takes over, and the answer that stands in.
import type { ResponseHead } from '../../../../transport/request-head.ts'
import { failure, type LocalReply } from '../../../http/local-reply.ts'
import { RESPONSE_FLAG } from '../../../response-flag.ts'
import type { Fallback } from '../../../route/route-entry.ts'

/** No endpoint, a limit, no connection: not a byte of the request was taken. */
const UNSENT = RESPONSE_FLAG.UH | RESPONSE_FLAG.UO | RESPONSE_FLAG.UF

/**
 * An answer may stand in for whatever has failed; another destination only for what was not sent, or may be sent again
 * (RFC 9110 9.2.2).
 */
export function takesOver(fallback: Fallback, failed: LocalReply, idempotent: boolean): boolean {
  return fallback.kind === 'answer' || idempotent || (failed.flags & UNSENT) !== 0
}

/** What came of the destination stays in the log: its flags, and its details within the fallback's own. */
export function standIn(answer: Extract<Fallback, { kind: 'answer' }>, failed: LocalReply): LocalReply {
  const { status, body, headers } = answer
  return { status, body, headers, details: `fallback{${failed.details}}`, flags: failed.flags, isFailure: false }
}

/** The next sidecar's own word that it did not reach its application, as a failure of this side's. */
export function failureOf(head: ResponseHead): LocalReply {
  return failure(head.status, 'via_upstream')
}
