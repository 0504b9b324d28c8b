// The head of a request's copy: what goes upstream, and says that it is a copy (Envoy's ShadowWriterImpl, AsyncStreamImpl).
import { getCombinedHeader, setHeader } from '../../../../transport/header-list.ts'
import type { RequestHead } from '../../../../transport/request-head.ts'

/** `ownIp`: who makes the copy, and so the last in x-forwarded-for. */
export function shadowHead(head: RequestHead, ownIp: string): RequestHead {
  const headers = head.headers.slice()
  setHeader(headers, 'x-envoy-internal', 'true')
  const forwarded = getCombinedHeader(headers, 'x-forwarded-for')
  setHeader(headers, 'x-forwarded-for', forwarded === undefined ? ownIp : `${forwarded},${ownIp}`)
  const { method, path, authority, scheme, protocol, spelling } = head
  const copy: RequestHead = { method, path, authority, scheme, protocol, headers }
  if (spelling !== undefined) copy.spelling = spelling
  return copy
}

/** `reviews:9080` becomes `reviews-shadow:9080`. */
export function shadowAuthority(authority: string): string {
  if (authority === '') return ''
  const colon = authority.lastIndexOf(':')
  // Those of an IPv6 address stand in brackets.
  return colon > authority.lastIndexOf(']')
    ? `${authority.slice(0, colon)}-shadow${authority.slice(colon)}`
    : `${authority}-shadow`
}
