// The path that a route sends, or redirects to.
import { toByteString } from '../../automata/regex.ts'
import { compileReplacement } from '../../automata/regex-replacement.ts'
import type { RegexMatchAndSubstitute } from '../../xds/generated/envoy/type/matcher/v3/regex_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import { hasControl } from './control-character.ts'
import { compileRegexField } from './string-matcher.ts'

/** Path and query as they came -> as they are sent; null where they stay. */
export type PathRewrite = (path: string) => string | null

/** What the route's path matcher takes of a path: `prefixLength` characters, or with -1 all of it up to the query. */
export interface MatchedPath {
  readonly prefixLength: number
}

/** Where the path ends and its query, or fragment, begins. */
export function pathEnd(path: string): number {
  const query = path.indexOf('?')
  const fragment = path.indexOf('#')
  if (fragment >= 0 && (query < 0 || fragment < query)) return fragment
  return query < 0 ? path.length : query
}

/** Envoy's prefix_rewrite: what the route matched is replaced, for an exact or regex match the whole path. */
export function compilePrefixRewrite(
  rewrite: string,
  matched: MatchedPath,
  path: string,
  check: ResourceCheck,
): PathRewrite {
  if (hasControl(rewrite)) check.error(path, 'must not hold control characters')
  const replacement = toByteString(rewrite)
  const { prefixLength } = matched
  if (prefixLength >= 0) return from => replacement + from.slice(prefixLength)
  return from => replacement + from.slice(pathEnd(from))
}

/** Envoy's regex_rewrite: every match in the path is replaced; the query is left alone. */
export function compileRegexRewrite(
  rewrite: RegexMatchAndSubstitute,
  path: string,
  check: ResourceCheck,
): PathRewrite | null {
  const regex = compileRegexField(rewrite.pattern, `${path}.pattern`, check)
  if (hasControl(rewrite.substitution)) check.error(`${path}.substitution`, 'must not hold control characters')
  if (regex === null) return null
  const compiled = compileReplacement(regex, rewrite.substitution)
  if (!compiled.ok) {
    check.adopt(`${path}.substitution`, compiled.problems)
    return null
  }
  const replacement = compiled.value
  return from => {
    const end = pathEnd(from)
    const path = replacement.replaceAll(end === from.length ? from : from.slice(0, end))
    // Nothing is no path: Envoy leaves the one that came.
    if (path === '') return null
    return end === from.length ? path : path + from.slice(end)
  }
}
