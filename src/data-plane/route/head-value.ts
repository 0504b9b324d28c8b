// A request's header, pseudo-headers included, as matchers read it.
import { getCombinedHeader } from '../../transport/header-list.ts'
import type { RequestHead } from '../../transport/request-head.ts'

/** The value when a name can have one only: a pseudo-header, or `host`. */
export function hasOneValue(name: string): boolean {
  return name.charCodeAt(0) === 58 || name === 'host'
}

/**
 * A repeated header passes when one of its values does (Envoy since 1.39, `match_headers_individually`): joined by
 * commas they could be made to slip past a rule that names one. Undefined when there is none.
 */
export function someHeadValue(head: RequestHead, name: string, test: (value: string) => boolean): boolean | undefined {
  if (hasOneValue(name)) {
    const value = headValue(head, name)
    return value === undefined ? undefined : test(value)
  }
  const { headers } = head
  let present = false
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== name) continue
    if (test(headers[i + 1]!)) return true
    present = true
  }
  return present ? false : undefined
}

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
