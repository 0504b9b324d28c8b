// Whether a try that failed may be followed by another: Envoy's retry_on, and what Weft adds to it.
import { getHeader } from '../../../../transport/header-list.ts'
import { FIELD } from '../../../../transport/http/field-name.ts'
import type { RequestHead, ResponseHead } from '../../../../transport/request-head.ts'
import { RESET, type ResetReason } from '../../../pool/reset-reason.ts'
import { RETRY_ON, type RetryPolicy } from '../../../route/route-entry.ts'

const ANY_RESET = RETRY_ON['5xx'] | RETRY_ON['gateway-error'] | RETRY_ON.reset
const ANY_GRPC =
  RETRY_ON.cancelled |
  RETRY_ON['deadline-exceeded'] |
  RETRY_ON.internal |
  RETRY_ON['resource-exhausted'] |
  RETRY_ON.unavailable

const GRPC_STATUS: Readonly<Record<string, number>> = {
  '1': RETRY_ON.cancelled,
  '4': RETRY_ON['deadline-exceeded'],
  '8': RETRY_ON['resource-exhausted'],
  '13': RETRY_ON.internal,
  '14': RETRY_ON.unavailable,
}

/** Envoy's retriable_request_headers. */
export function allowsRequest({ retriableRequests }: RetryPolicy, head: RequestHead): boolean {
  for (let i = 0; i < retriableRequests.length; i++) if (retriableRequests[i]!.test(head)) return true
  return retriableRequests.length === 0
}

/** The methods of RFC 9110 9.2.2 and no others: what servers make of the rest (NOTIFY, SUBSCRIBE, MOVE) cannot be known. */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method)
}

const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])

/**
 * `idempotent`: beyond Envoy, a request whose method may be repeated is repeated under any policy when its connection
 * broke before a byte of the response: an instance that dies takes no such request with it.
 */
export function retriesReset(policy: RetryPolicy, reason: ResetReason, idempotent: boolean): boolean {
  const { retryOn } = policy
  if (reason === RESET.overflow) return false
  if (retryOn & ANY_RESET) return true
  if (reason.isConnectFailure) return (retryOn & (RETRY_ON['connect-failure'] | RETRY_ON['reset-before-request'])) !== 0
  return idempotent && reason === RESET.connectionTermination
}

/** A refused stream was not looked at (RFC 9113 8.7), whatever its method; a pooled connection that is dead took nothing. */
export function wasUnprocessed(reason: ResetReason, reusedConnection: boolean, idempotent: boolean): boolean {
  if (reason === RESET.remoteRefused) return true
  return reusedConnection && idempotent && reason === RESET.connectionTermination
}

/** A try that ran into its own time-out: a reset, but none of the network's. */
export function retriesPerTryTimeout(policy: RetryPolicy): boolean {
  return (policy.retryOn & ANY_RESET) !== 0
}

/** Whether there is anything in the response that could ask for another try: in most there is not. */
function looksAtResponse(policy: RetryPolicy, status: number, fields: number): boolean {
  if (status >= 400 || fields & FIELD.grpcStatus) return true
  return policy.retriableStatusCodes.length > 0 || policy.retriableHeaders.length > 0
}

export function retriesResponse(policy: RetryPolicy, head: ResponseHead, fields: number, idempotent: boolean): boolean {
  if (!looksAtResponse(policy, head.status, fields)) return false
  const { retryOn } = policy
  const { status } = head
  if (getHeader(head.headers, 'x-envoy-ratelimited') !== undefined)
    return (retryOn & RETRY_ON['envoy-ratelimited']) !== 0
  if (status >= 500) {
    if (retryOn & RETRY_ON['5xx']) return true
    if (retryOn & RETRY_ON['gateway-error'] && (status === 502 || status === 503 || status === 504)) return true
    if (status === 503 && retriesNextHop(policy, head, idempotent)) return true
  }
  if (retryOn & RETRY_ON['retriable-4xx'] && status === 409) return true
  if (retryOn & RETRY_ON['retriable-status-codes'] && policy.retriableStatusCodes.includes(status)) return true
  if (retryOn & RETRY_ON['retriable-headers'] && hasRetriableHeader(policy, head)) return true
  if ((retryOn & ANY_GRPC) === 0) return false
  return (retryOn & (GRPC_STATUS[getHeader(head.headers, 'grpc-status') ?? ''] ?? 0)) !== 0
}

function hasRetriableHeader({ retriableHeaders }: RetryPolicy, head: ResponseHead): boolean {
  for (let i = 0; i < retriableHeaders.length; i++) if (retriableHeaders[i]!.test(head)) return true
  return false
}

/**
 * The sidecar on the other side says that it could not reach its application, or lost it: as safe to repeat as if this
 * side had failed to connect, and told apart from the application's own 503 by `x-weft-reason`, which the router lets in
 * from peers with a certificate only. Without this an instance whose application died would answer 503 until it leaves
 * the cluster.
 */
function retriesNextHop(policy: RetryPolicy, head: ResponseHead, idempotent: boolean): boolean {
  const reason = getHeader(head.headers, 'x-weft-reason')
  if (reason === undefined || !reason.startsWith(BEFORE_RESPONSE)) return false
  const end = reason.search(/[|}]/)
  const cause = reason.slice(BEFORE_RESPONSE.length, end < 0 ? reason.length : end)
  for (const reset of Object.values(RESET)) if (reset.details === cause) return retriesReset(policy, reset, idempotent)
  return false
}

const BEFORE_RESPONSE = 'upstream_reset_before_response_started{'
