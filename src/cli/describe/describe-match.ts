// A VirtualService's match in a few words: `/productpage, /static* and header end-user = jason`.
import type { HttpMatch } from '../../model/http-match.ts'
import type { L4Match } from '../../model/l4-route.ts'
import type { StringMatch } from '../../model/string-match.ts'

export function describeMatches(matches: readonly HttpMatch[]): string {
  return matches.length === 0 ? '/*' : matches.map(describeMatch).join(', ')
}

function describeMatch(match: HttpMatch): string {
  const parts: string[] = []
  if (match.uri) parts.push(describeString(match.uri))
  if (match.method) parts.push(`method ${describeString(match.method)}`)
  if (match.authority) parts.push(`authority ${describeString(match.authority)}`)
  if (match.scheme) parts.push(`scheme ${describeString(match.scheme)}`)
  for (const [name, value] of Object.entries(match.headers)) parts.push(`header ${name} ${describeString(value)}`)
  for (const [name, value] of Object.entries(match.withoutHeaders))
    parts.push(`not header ${name} ${describeString(value)}`)
  for (const [name, value] of Object.entries(match.queryParams)) parts.push(`query ${name} ${describeString(value)}`)
  if (match.port !== undefined) parts.push(`port ${match.port}`)
  const labels = Object.entries(match.sourceLabels)
  if (labels.length > 0) parts.push(`from ${labels.map(([key, value]) => `${key}=${value}`).join(',')}`)
  if (match.sourceNamespace !== '') parts.push(`from namespace ${match.sourceNamespace}`)
  return parts.length === 0 ? '/*' : parts.join(' and ')
}

/** What tls and tcp rules look at: `a.example.com on port 443`. */
export function describeL4Matches(matches: readonly L4Match[]): string {
  return matches.length === 0 ? 'any' : matches.map(describeL4Match).join(', ')
}

function describeL4Match(match: L4Match): string {
  const parts = [[...match.sniHosts, ...match.destinationSubnets.map(subnet => `to ${subnet}`)].join(' ')]
  if (match.port !== undefined) parts.push(`on port ${match.port}`)
  const labels = Object.entries(match.sourceLabels)
  if (labels.length > 0) parts.push(`from ${labels.map(([key, value]) => `${key}=${value}`).join(',')}`)
  if (match.sourceNamespace !== '') parts.push(`from namespace ${match.sourceNamespace}`)
  const told = parts.filter(part => part !== '')
  return told.length === 0 ? 'any' : told.join(' ')
}

function describeString(match: StringMatch): string {
  switch (match.kind) {
    case 'exact':
      return match.value
    case 'prefix':
      return `${match.value}*`
    case 'regex':
      return `~${match.value}`
    default:
      return 'present'
  }
}
