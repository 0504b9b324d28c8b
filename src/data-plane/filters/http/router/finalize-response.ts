// What the router and the route make of a response before it goes downstream.
import { setHeader } from '../../../../transport/header-list.ts'
import { FIELD } from '../../../../transport/http/field-name.ts'
import type { ResponseHead } from '../../../../transport/request-head.ts'
import type { ClusterStats } from '../../../cluster/cluster.ts'
import type { LocalReply } from '../../../http/local-reply.ts'
import type { ClusterChoice, ForwardRoute } from '../../../route/route-entry.ts'
import type { StreamInfo } from '../../../stream-info.ts'

/** `elapsedMs`: since the request was complete; -1: the upstream's time is not told. */
export function finalizeResponseHeaders(
  head: ResponseHead,
  fields: number,
  route: ForwardRoute,
  choice: ClusterChoice,
  info: StreamInfo,
  elapsedMs: number,
): void {
  const { headers } = head
  if (elapsedMs >= 0) {
    const elapsed = String(Math.floor(elapsedMs))
    // The sidecar before this one has set it too; each hop tells of its own.
    if (fields & FIELD.envoy) setHeader(headers, 'x-envoy-upstream-service-time', elapsed)
    else headers.push('x-envoy-upstream-service-time', elapsed)
  }
  if (route.attemptCountInResponse) setHeader(headers, 'x-envoy-attempt-count', String(info.attemptCount))
  info.responseCodeDetails = 'via_upstream'
  info.responseCode = head.status
  info.responseHeaders = headers
  choice.responseHeaders.apply(headers, info)
  route.responseHeaders.apply(headers, info)
}

/** The route's response headers go onto the router's own replies too, as Envoy's `finalizeResponseHeaders` does. */
export function finalizeReply(
  reply: LocalReply,
  route: ForwardRoute,
  choice: ClusterChoice,
  info: StreamInfo,
): LocalReply {
  const headers = reply.headers === undefined ? [] : reply.headers.slice()
  info.responseHeaders = headers
  choice.responseHeaders.apply(headers, info)
  route.responseHeaders.apply(headers, info)
  const { status, body, details, flags, isFailure } = reply
  return { status, body, details, flags, headers, isFailure, isFinal: true }
}

export function countStatus(stats: ClusterStats, status: number): void {
  if (status < 300) stats.upstreamRq2xx.value++
  else if (status < 400) stats.upstreamRq3xx.value++
  else if (status < 500) stats.upstreamRq4xx.value++
  else stats.upstreamRq5xx.value++
}
