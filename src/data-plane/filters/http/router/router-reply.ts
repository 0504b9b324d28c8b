// What the router answers itself: Envoy's statuses, bodies, flags and details.

import { failure, type LocalReply } from '../../../http/local-reply.ts'
import type { ResetReason } from '../../../pool/reset-reason.ts'
import { RESPONSE_FLAG } from '../../../response-flag.ts'

export const ROUTE_NOT_FOUND = failure(404, 'route_not_found', RESPONSE_FLAG.NR)
export const NO_HEALTHY_UPSTREAM = failure(503, 'no_healthy_upstream', RESPONSE_FLAG.UH, 'no healthy upstream')
export const RESPONSE_TIMEOUT = failure(504, 'response_timeout', RESPONSE_FLAG.UT, 'upstream request timeout')
export const PER_TRY_TIMEOUT = failure(504, 'upstream_per_try_timeout', RESPONSE_FLAG.UT, 'upstream request timeout')

export const PER_TRY_IDLE_TIMEOUT = failure(
  504,
  'upstream_per_try_idle_timeout',
  RESPONSE_FLAG.UT,
  'upstream request timeout',
)

const UNPRINTABLE = /[^\x21-\x7e]/g

/** The transport's reason may quote the peer's certificate, and ends up in logs and, by header mutations, in responses. */
export function printable(transportFailure: string): string {
  return transportFailure.replaceAll(UNPRINTABLE, '_')
}

export function clusterNotFound(status: number): LocalReply {
  return failure(status, 'cluster_not_found', RESPONSE_FLAG.NC)
}

/** `transportFailure`: the transport's own reason, empty without. */
export function upstreamReset(reason: ResetReason, transportFailure: string, retried: boolean): LocalReply {
  const cause = transportFailure === '' ? reason.details : `${reason.details}|${transportFailure}`
  // The client is not told the transport's reason: it may name addresses and certificates.
  const body = `upstream connect error or disconnect/reset before headers. ${retried ? 'retried and the latest ' : ''}reset reason: ${reason.text}`
  const overloaded = reason.flag === RESPONSE_FLAG.UO ? ['x-envoy-overloaded', 'true'] : undefined
  return failure(reason.status, `upstream_reset_before_response_started{${cause}}`, reason.flag, body, overloaded)
}

/** The same reply with `x-envoy-attempt-count`, where the virtual host asks for it. */
export function withAttemptCount(reply: LocalReply, attempts: number): LocalReply {
  return { ...reply, headers: ['x-envoy-attempt-count', String(attempts), ...(reply.headers ?? [])] }
}
