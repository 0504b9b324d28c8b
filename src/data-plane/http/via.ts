// Via (RFC 9110 7.6.3): each proxy on the way adds itself, as the connection manager's `via` says.
import { getCombinedHeader, type HeaderList, setHeader } from '../../transport/header-list.ts'

export function appendVia(headers: HeaderList, via: string): void {
  const before = getCombinedHeader(headers, 'via')
  setHeader(headers, 'via', before ? `${before}, ${via}` : via)
}
