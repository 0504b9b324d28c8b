// What a root's rule and its delegate's match together.
import type { HttpMatch } from '../../model/http-match.ts'
import type { StringMatch } from '../../model/string-match.ts'

/** Each of the delegate's with each of the root's that it is part of; null where one is part of none. */
export function mergeMatches(root: readonly HttpMatch[], own: readonly HttpMatch[]): readonly HttpMatch[] | null {
  if (root.length === 0) return own
  if (own.length === 0) return root
  const merged = own.map(match => root.filter(outer => isWithin(match, outer)).map(outer => mergeMatch(outer, match)))
  return merged.some(list => list.length === 0) ? null : merged.flat()
}

export function joinNames(root: string, own: string): string {
  return root === '' || own === '' ? root || own : `${root}-${own}`
}

function mergeMatch(root: HttpMatch, own: HttpMatch): HttpMatch {
  const port = own.port ?? root.port
  return {
    ...root,
    ...own,
    name: joinNames(root.name, own.name),
    headers: { ...root.headers, ...own.headers },
    withoutHeaders: { ...root.withoutHeaders, ...own.withoutHeaders },
    queryParams: { ...root.queryParams, ...own.queryParams },
    ...(port === undefined ? {} : { port }),
    sourceLabels: { ...root.sourceLabels, ...own.sourceLabels },
    sourceNamespace: own.sourceNamespace || root.sourceNamespace,
    gateways: own.gateways.length > 0 ? own.gateways : root.gateways,
  }
}

function isWithin(own: HttpMatch, root: HttpMatch): boolean {
  const fields = ['uri', 'scheme', 'method', 'authority'] as const
  if (!fields.every(field => isPart(own[field], root[field]))) return false
  const maps = ['headers', 'withoutHeaders', 'queryParams'] as const
  if (!maps.every(map => Object.entries(own[map]).every(([name, match]) => isPart(match, valueOf(root[map], name)))))
    return false
  if (own.ignoreUriCase !== root.ignoreUriCase) return false
  if (own.port !== undefined && root.port !== undefined && own.port !== root.port) return false
  if (root.sourceNamespace !== '' && own.sourceNamespace !== root.sourceNamespace) return false
  if (!Object.entries(own.sourceLabels).every(([key, value]) => (valueOf(root.sourceLabels, key) ?? value) === value))
    return false
  return root.gateways.length === 0 || own.gateways.every(gateway => root.gateways.includes(gateway))
}

/**
 * A regex meets no other match of the same text: whether one is part of the other is not asked. Nor does presence (`{}`)
 * on either side, or an empty text at the root (istiod).
 */
function isPart(own: StringMatch | undefined, root: StringMatch | undefined): boolean {
  if (!own || !root) return true
  if (own.kind === 'regex' || root.kind === 'regex' || own.kind === 'present' || root.kind === 'present') return false
  if (root.kind === 'exact') return root.value !== '' && own.kind === 'exact' && own.value === root.value
  return own.value.startsWith(root.value)
}

function valueOf<T>(map: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined
}
