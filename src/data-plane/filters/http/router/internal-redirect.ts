// A redirect that the proxy follows in its client's place: the request that it leads to, or why it is passed on (Envoy's
// Filter::convertRequestHeadersForInternalRedirect).
import { getHeader, type HeaderList, removeHeader, setHeader } from '../../../../transport/header-list.ts'
import { TARGET } from '../../../../transport/http/character.ts'
import { setAbsoluteForm } from '../../../../transport/http1/absolute-form.ts'
import type { RequestHead, ResponseHead } from '../../../../transport/request-head.ts'
import { RedirectHistory } from '../../../http/redirect-history.ts'
import type { InternalRedirectPolicy, RedirectPredicate } from '../../../route/internal-redirect-policy.ts'
import type { TerminalStream } from '../contract/http-filter.ts'
import type { FinalizedRequest } from './finalize-request.ts'
import type { RouterStats } from './router-stats.ts'

/** Null where the client is told of it, which is counted. `route`: the name of the one that has the policy. */
export function redirectedHead(
  { head, authority, path }: FinalizedRequest,
  response: ResponseHead,
  policy: InternalRedirectPolicy,
  route: string,
  stream: TerminalStream,
  stats: RouterStats,
): RequestHead | null {
  const headers = head.headers.slice()
  const target: RequestHead = { method: head.method, path: '', authority: '', scheme: '', headers, protocol: '' }
  if (!setLocation(target, getHeader(response.headers, 'location') ?? '')) {
    stats.redirectBadLocation.value++
    return null
  }
  const isHttp = isPlain(head, stream)
  const targetIsHttp = target.scheme === 'http'
  if (!policy.allowsCrossScheme && isHttp !== targetIsHttp) {
    stats.redirectUnsafeScheme.value++
    return null
  }
  stream.redirects ??= new RedirectHistory()
  if (stream.redirects.count >= policy.maxRedirects) {
    stats.redirectTooMany.value++
    return null
  }
  for (let i = 0; i < policy.headersToCopy.length; i++) copyField(policy.headersToCopy[i]!, response.headers, headers)
  const next = stream.routeFor(target)
  if (next === null) {
    stats.redirectNoRoute.value++
    return null
  }
  for (let i = 0; i < policy.predicates.length; i++) {
    if (accepts(policy.predicates[i]!, route, next.name, isHttp && !targetIsHttp, stream.redirects)) continue
    stats.redirectRejected.value++
    return null
  }
  // RFC 9110 15.4.4: what is there to be seen is fetched.
  if (response.status === 303 && head.method !== 'GET' && head.method !== 'HEAD') {
    target.method = 'GET'
    removeHeader(headers, 'content-length')
  }
  stream.redirects.count++
  setHeader(headers, 'x-envoy-original-url', `${isHttp ? 'http' : 'https'}://${authority}${path}`)
  return target
}

/** Only an absolute one is followed (Envoy); without its fragment, which is the client's own. */
function setLocation(target: RequestHead, location: string): boolean {
  // In the head of another request a blank would end the target.
  for (let i = 0; i < location.length; i++) if (TARGET[location.charCodeAt(i)] !== 1) return false
  if (setAbsoluteForm(target, location) !== null) return false
  const fragment = target.path.indexOf('#')
  if (fragment >= 0) target.path = target.path.slice(0, fragment)
  return true
}

function isPlain({ scheme, headers }: RequestHead, { info }: TerminalStream): boolean {
  return !info.connection.tls || (scheme || getHeader(headers, 'x-forwarded-proto')) === 'http'
}

function copyField(name: string, from: HeaderList, to: HeaderList): void {
  removeHeader(to, name)
  for (let i = 0; i < from.length; i += 2) if (from[i] === name) to.push(name, from[i + 1]!)
}

function accepts(
  predicate: RedirectPredicate,
  route: string,
  next: string,
  gainsTls: boolean,
  history: RedirectHistory,
): boolean {
  if (predicate.kind === 'previous-routes') return history.add(route, next)
  return predicate.kind === 'allow-listed-routes' ? predicate.names.has(next) : !gainsTls
}
