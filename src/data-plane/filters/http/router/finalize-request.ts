// What the route makes of a request before it goes upstream.
import { getCombinedHeader, type HeaderList, setHeader } from '../../../../transport/header-list.ts'
import type { RequestHead } from '../../../../transport/request-head.ts'
import type { ClusterChoice, ForwardRoute } from '../../../route/route-entry.ts'
import type { StreamInfo } from '../../../stream-info.ts'
import type { UpstreamConnectionInfo } from '../../../upstream-connection-info.ts'
import type { UpstreamHost } from '../../../upstream-host.ts'

/**
 * `authority` and `path`: what the route makes of them, for every try. The head keeps what came; by what name an endpoint is
 * asked is a try's own matter, and stands in the StreamInfo.
 */
export interface FinalizedRequest {
  readonly head: RequestHead
  authority: string
  path: string
}

/** Envoy's order: timeout, header mutations, host, path (Filter::decodeHeaders, RouteEntryImplBase::finalizeRequestHeaders). */
export function finalizeRequestHeaders(
  request: FinalizedRequest,
  route: ForwardRoute,
  choice: ClusterChoice,
  info: StreamInfo,
  keepOriginal: boolean,
): void {
  const { head } = request
  const { headers } = head
  // As the request came (Envoy), and only once it is forwarded.
  if (route.virtualClusters !== null) info.virtualCluster = route.virtualClusters.find(head)
  if (keepOriginal) setExpectedTimeout(headers, route, 0)
  choice.requestHeaders.apply(headers, info)
  // The weighted cluster's host comes before the route's mutations and leaves no trace; the route's own comes after them,
  // and what was there is kept (Envoy's updateAuthority).
  const before = choice.hostRewrite ?? head.authority
  info.authority = before
  route.requestHeaders.apply(headers, info)
  const authority = route.hostRewrite ?? route.hostFromPath(head) ?? route.requestHeaders.authority
  request.authority = authority ?? before
  info.authority = request.authority
  if (authority !== null && route.keepsForwardedHost) appendForwardedHost(headers, before)
  if (authority !== null && keepOriginal) setHeader(headers, 'x-envoy-original-host', before)
  finalizePath(request, route.rewritePath(head), info, keepOriginal)
}

/**
 * How long the endpoint has for its answer. `elapsedMs`: of the route's time, which a retry has less of; none left is told
 * as one millisecond (Envoy, FilterUtility::setTimeoutHeaders).
 */
export function setExpectedTimeout(headers: HeaderList, route: ForwardRoute, elapsedMs: number): void {
  const { timeoutMs } = route
  // A try that is hedged may answer until the route's time is over.
  const perTry = route.hedgesOnPerTryTimeout ? 0 : route.retry?.perTryTimeoutMs
  const expected = perTry || timeoutMs
  if (expected <= 0) return
  const bounded = timeoutMs > 0 ? Math.max(1, Math.min(expected, timeoutMs - Math.floor(elapsedMs))) : expected
  setHeader(headers, 'x-envoy-expected-rq-timeout-ms', String(bounded))
}

/**
 * There is a connection for the request: where the route says so, it is asked for by its endpoint's name. Returns the
 * authority to send. As in Envoy the next try begins with that, while whom TLS is for stays what the route made of it.
 */
export function finalizeForTry(
  request: FinalizedRequest,
  route: ForwardRoute,
  { connection, endpoint }: { readonly connection: UpstreamConnectionInfo | null; readonly endpoint: UpstreamHost },
  info: StreamInfo,
  { suppressEnvoyHeaders }: { readonly suppressEnvoyHeaders: boolean },
): string {
  info.goBy(connection)
  const before = info.authority
  if (!route.asksForEndpoint || endpoint.hostname === '') return before
  const { headers } = request.head
  info.authority = endpoint.hostname
  if (route.keepsForwardedHost) appendForwardedHost(headers, before)
  if (!suppressEnvoyHeaders) setHeader(headers, 'x-envoy-original-host', before)
  return endpoint.hostname
}

/** A rewritten path is from now on the request's path to logs and header mutations, too. */
export function finalizePath(
  request: FinalizedRequest,
  rewritten: string | null,
  info: StreamInfo,
  keepOriginal: boolean,
): void {
  const { path, headers } = request.head
  request.path = rewritten ?? path
  if (rewritten === null) return
  if (keepOriginal) setHeader(headers, 'x-envoy-original-path', path)
  info.path = rewritten
}

/** Each proxy that rewrites the host adds the one before, unless the proxy before has. */
function appendForwardedHost(headers: HeaderList, host: string): void {
  if (host === '') return
  const before = getCombinedHeader(headers, 'x-forwarded-host') ?? ''
  const last = before.slice(before.lastIndexOf(',') + 1)
  if (last !== host) setHeader(headers, 'x-forwarded-host', before === '' ? host : `${before},${host}`)
}
