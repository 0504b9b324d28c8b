// What a route answers that forwards nothing: a redirect, or a response of its own.
import type { LocalReply } from '../../../http/local-reply.ts'
import type { DirectResponseRoute, RedirectRoute } from '../../../route/route-entry.ts'
import type { StreamInfo } from '../../../stream-info.ts'
import type { RouterConfig } from './config.ts'
import { type FinalizedRequest, finalizePath } from './finalize-request.ts'

export function directReply(
  request: FinalizedRequest,
  route: RedirectRoute | DirectResponseRoute,
  info: StreamInfo,
  { stats, suppressEnvoyHeaders }: RouterConfig,
): LocalReply {
  if (route.kind === 'redirect') stats.redirects.value++
  else stats.directResponses.value++
  const location = route.location(request.head)
  const headers = location === null ? [] : ['location', location]
  if (route.kind === 'redirect') finalizePath(request, route.rewritePath(request.head), info, !suppressEnvoyHeaders)
  info.responseHeaders = headers
  route.responseHeaders.apply(headers, info)
  const body = route.kind === 'redirect' ? '' : route.body
  return { status: route.status, body, details: 'direct_response', flags: 0, headers, isFailure: false, isFinal: true }
}
