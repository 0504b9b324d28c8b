// How long a message's body is, said by its fields (RFC 9112 6), and what its connection fields nominate.

/** The number in a Content-Length, or -1: digits only (RFC 9110 8.6), and few enough of them to stay exact. */
export function parseContentLength(value: string): number {
  if (value.length === 0 || value.length > 15) return -1
  let length = 0
  for (let i = 0; i < value.length; i++) {
    const digit = value.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return -1
    length = length * 10 + digit
  }
  return length
}

/** Whether `token` (lower case) is a member of the comma-separated list. */
export function hasToken(list: string, token: string): boolean {
  if (list === token) return true
  const lower = list.toLowerCase()
  let at = lower.indexOf(token)
  while (at >= 0) {
    if (isEdge(lower, at - 1, -1) && isEdge(lower, at + token.length, 1)) return true
    at = lower.indexOf(token, at + 1)
  }
  return false
}

/** Nothing but blanks between `index` and a comma or the end of the text, going by `step`. */
function isEdge(text: string, index: number, step: number): boolean {
  let i = index
  while (i >= 0 && i < text.length && (text.charCodeAt(i) === 32 || text.charCodeAt(i) === 9)) i += step
  return i < 0 || i >= text.length || text.charCodeAt(i) === 44
}
