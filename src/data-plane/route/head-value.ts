// A request's header, pseudo-headers included, as matchers read it.
import { getCombinedHeader } from '../../transport/header-list.ts'
import type { RequestHead } from '../../transport/request-head.ts'

/** Undefined when absent. `name` is lower case; `host` is another name of `:authority`, as in Envoy's header map. */
export function headValue(head: RequestHead, name: string): string | undefined {
  if (name.charCodeAt(0) !== 58) return name === 'host' ? head.authority : getCombinedHeader(head.headers, name)
  switch (name) {
    case ':authority':
      return head.authority
    case ':method':
      return head.method
    case ':path':
      return head.path
    case ':scheme':
      return head.scheme
    default:
      return undefined
  }
}
