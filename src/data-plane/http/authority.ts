// Host and port of an authority, as host matching wants them (strip_matching_host_port, strip_any_host_port,
// strip_trailing_host_dot).

export type StripPort = 'none' | 'matching' | 'any'

export function stripAuthority(authority: string, strip: StripPort, localPort: number, trailingDot: boolean): string {
  const portAt = portIndex(authority)
  let host = portAt < 0 ? authority : authority.slice(0, portAt)
  let port = portAt < 0 ? '' : authority.slice(portAt)
  if (strip === 'any' || (strip === 'matching' && port === `:${localPort}`)) port = ''
  if (trailingDot && host.endsWith('.')) host = host.slice(0, -1)
  return host + port
}

/** Where the colon before the port is, or -1. Colons inside `[::1]` are not it, nor is one with nothing behind it. */
function portIndex(authority: string): number {
  const colon = authority.lastIndexOf(':')
  return colon > authority.lastIndexOf(']') && colon < authority.length - 1 ? colon : -1
}
