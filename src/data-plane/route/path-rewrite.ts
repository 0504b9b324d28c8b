// The path that a route sends, or redirects to.
import { toByteString } from '../../automata/regex.ts'
import { compileReplacement, type RegexReplacement } from '../../automata/regex-replacement.ts'
import { typeUrlOf, unpackAny } from '../../xds/any-pack.ts'
import type { TypedExtensionConfig } from '../../xds/generated/envoy/config/core/v3/extension_pb.ts'
import { UriTemplateRewriteConfigSchema } from '../../xds/generated/envoy/extensions/path/rewrite/uri_template/v3/uri_template_rewrite_pb.ts'
import type { RegexMatchAndSubstitute } from '../../xds/generated/envoy/type/matcher/v3/regex_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import { hasControl } from './control-character.ts'
import { compileRegexField } from './string-matcher.ts'
import { compileTemplateRewrite, type UriTemplate } from './uri-template.ts'

/** Path and query as they came -> as they are sent; null where they stay. */
export type PathRewrite = (path: string) => string | null

/** What the route's path matcher takes of a path: `prefixLength` characters, or with -1 all of it up to the query. */
export interface MatchedPath {
  readonly prefixLength: number
  /** By which it was matched; null: by something else. */
  readonly template: UriTemplate | null
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
  const replacement = compileReplacementField(rewrite, path, check)
  return replacement === null ? null : replacing(replacement)
}

/** Envoy's host_rewrite_path_regex: what comes of the path without its query. */
export function compilePathRegex(
  rewrite: RegexMatchAndSubstitute,
  path: string,
  check: ResourceCheck,
): PathRewrite | null {
  const replacement = compileReplacementField(rewrite, path, check)
  return replacement === null ? null : from => replacement.replaceAll(from.slice(0, pathEnd(from))) || null
}

function compileReplacementField(
  rewrite: RegexMatchAndSubstitute,
  path: string,
  check: ResourceCheck,
): RegexReplacement | null {
  const regex = compileRegexField(rewrite.pattern, `${path}.pattern`, check)
  if (hasControl(rewrite.substitution)) check.error(`${path}.substitution`, 'must not hold control characters')
  if (regex === null) return null
  const compiled = compileReplacement(regex, rewrite.substitution)
  if (compiled.ok) return compiled.value
  check.adopt(`${path}.substitution`, compiled.problems)
  return null
}

/** Envoy's path_rewrite_policy: the path is put together anew from the variables of the template that matched it. */
export function compilePathRewritePolicy(
  policy: TypedExtensionConfig,
  { template }: MatchedPath,
  path: string,
  check: ResourceCheck,
): PathRewrite | null {
  const message = unpackAny(policy.typedConfig, UriTemplateRewriteConfigSchema)
  const at = `${path}.typed_config`
  if (message === null) {
    check.unsupported(at, `only ${typeUrlOf(UriTemplateRewriteConfigSchema)} is supported`)
    return null
  }
  if (template === null) {
    check.error(path, 'needs a path_match_policy in the route')
    return null
  }
  const compiled = compileTemplateRewrite(message.pathTemplateRewrite, template)
  if ('fault' in compiled) check.error(`${at}.path_template_rewrite`, compiled.fault)
  else if (!compiled.ok) check.adopt(`${at}.path_template_rewrite`, compiled.problems)
  else return replacing(compiled.value)
  return null
}

/** In the path; the query stays. */
function replacing(replacement: RegexReplacement): PathRewrite {
  return from => {
    const end = pathEnd(from)
    const path = replacement.replaceAll(end === from.length ? from : from.slice(0, end))
    // Nothing is no path: Envoy leaves the one that came.
    if (path === '') return null
    return end === from.length ? path : path + from.slice(end)
  }
}
