// Cookies as Envoy reads and sets them.
import type { HeaderList } from '../../transport/header-list.ts'

/** The first cookie of this name, without the quotes that may stand about its value; null when there is none. */
export function cookieValue(headers: HeaderList, name: string): string | null {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== 'cookie') continue
    const found = valueIn(headers[i + 1]!, name)
    if (found !== null) return found
  }
  return null
}

function valueIn(cookies: string, name: string): string | null {
  let at = 0
  while (at < cookies.length) {
    let end = cookies.indexOf(';', at)
    if (end < 0) end = cookies.length
    while (cookies.charCodeAt(at) === 0x20) at++
    const value = at + name.length + 1
    if (value <= end && cookies.startsWith(name, at) && cookies.charCodeAt(value - 1) === 0x3d) {
      const quoted = end - value >= 2 && cookies.charCodeAt(value) === 0x22 && cookies.charCodeAt(end - 1) === 0x22
      return quoted ? cookies.slice(value + 1, end - 1) : cookies.slice(value, end)
    }
    at = end + 1
  }
  return null
}
