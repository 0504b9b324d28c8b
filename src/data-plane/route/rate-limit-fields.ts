// The standard's RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-11): lists of RFC 9651, an item for
// each policy, whose name ties the two together.

/** Of one policy: so many requests in so many whole seconds, and at least one. */
export function policyItem(name: string, quota: number, windowSeconds: number): string {
  return `${quoted(name)};q=${quota};w=${windowSeconds}`
}

/** How it stands: requests left, and where none are, the whole seconds until there is one. `item`: `quoted(name)`. */
export function standingItem(item: string, remaining: number, seconds: number): string {
  return seconds > 0 ? `${item};r=${remaining};t=${seconds}` : `${item};r=${remaining}`
}

/** RFC 9651 3.3.3: printable ASCII, a quote and a backslash escaped. */
export function quoted(name: string): string {
  return `"${name.replaceAll(UNPRINTABLE, '_').replaceAll(ESCAPED, '\\$&')}"`
}

const UNPRINTABLE = /[^\x20-\x7e]/g
const ESCAPED = /["\\]/g
