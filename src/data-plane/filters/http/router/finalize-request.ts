// What the route makes of a request before it goes upstream.
import { addHeader, setHeader } from '../../../../transport/header-list.ts'
import type { RequestHead } from '../../../../transport/request-head.ts'
import type { ClusterChoice, ForwardRoute } from '../../../route/route-entry.ts'
import type { StreamInfo } from '../../../stream-info.ts'

/** `authority` and `path`: as they are to be sent. The head keeps what came. */
export interface FinalizedRequest {
  readonly head: RequestHead
  authority: string
  path: string
}

/** Envoy's order: header mutations, host, path (RouteEntryImplBase::finalizeRequestHeaders). */
export function finalizeRequestHeaders(
  request: FinalizedRequest,
  route: ForwardRoute,
  choice: ClusterChoice,
  info: StreamInfo,
  keepOriginal: boolean,
): void {
  const { head } = request
  const { headers } = head
  choice.requestHeaders.apply(headers, info)
  route.requestHeaders.apply(headers, info)
  const authority =
    choice.hostRewrite ?? route.hostRewrite ?? choice.requestHeaders.authority ?? route.requestHeaders.authority
  request.authority = authority ?? head.authority
  if (authority !== null && authority !== head.authority && keepOriginal) {
    addHeader(headers, 'x-envoy-original-host', head.authority)
  }
  const path = route.rewritePath(head)
  request.path = path ?? head.path
  if (path !== null && keepOriginal) setHeader(headers, 'x-envoy-original-path', head.path)
  const expected = route.retry?.perTryTimeoutMs || route.timeoutMs
  if (expected > 0 && keepOriginal) {
    const bounded = route.timeoutMs > 0 ? Math.min(expected, route.timeoutMs) : expected
    setHeader(headers, 'x-envoy-expected-rq-timeout-ms', String(bounded))
  }
}
