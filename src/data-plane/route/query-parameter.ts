// Query parameters as Envoy's router reads them: split at & and the first =, nothing decoded.

/** First value of `name` in the query of `path`: empty for a name without =, null when absent. */
export function queryParameter(path: string, name: string): string | null {
  let at = path.indexOf('?') + 1
  if (at === 0) return null
  const end = path.length
  while (at <= end) {
    let next = path.indexOf('&', at)
    if (next < 0) next = end
    if (path.startsWith(name, at)) {
      const after = at + name.length
      if (after === next) return ''
      if (after < next && path.charCodeAt(after) === 61) return path.slice(after + 1, next)
    }
    at = next + 1
  }
  return null
}
