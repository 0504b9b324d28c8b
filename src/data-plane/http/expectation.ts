// `Expect: 100-continue` (RFC 9110 10.1.1) as answered here and not forwarded: the body is taken as it comes (Envoy, with
// proxy_100_continue off).
import { getCombinedHeader, type HeaderList, removeHeader } from '../../transport/header-list.ts'

/** Takes it out of the request; true: the client is to be told to go on. Said twice Envoy forwards it, unanswered. */
export function takeExpectation(headers: HeaderList): boolean {
  if (getCombinedHeader(headers, 'expect')?.toLowerCase() !== '100-continue') return false
  removeHeader(headers, 'expect')
  return true
}
