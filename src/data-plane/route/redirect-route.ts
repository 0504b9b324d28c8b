// A route that answers with the place to go to instead.
import { toByteString } from '../../automata/regex.ts'
import { getHeader } from '../../transport/header-list.ts'
import type { RequestHead } from '../../transport/request-head.ts'
import {
  RedirectAction_RedirectResponseCode as Code,
  type RedirectAction,
  RedirectActionSchema,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import { portColon } from './domain-map.ts'
import { hasControl } from './header-mutator.ts'
import {
  compilePrefixRewrite,
  compileRegexRewrite,
  type MatchedPath,
  type PathRewrite,
  pathEnd,
} from './path-rewrite.ts'
import type { HeaderMutations, RedirectRoute, RouteFilters } from './route-entry.ts'

const FIELDS = new Set([
  'https_redirect',
  'scheme_redirect',
  'host_redirect',
  'port_redirect',
  'path_redirect',
  'prefix_rewrite',
  'regex_rewrite',
  'response_code',
  'strip_query',
])

const STATUS: Readonly<Record<Code, number>> = {
  [Code.MOVED_PERMANENTLY]: 301,
  [Code.FOUND]: 302,
  [Code.SEE_OTHER]: 303,
  [Code.TEMPORARY_REDIRECT]: 307,
  [Code.PERMANENT_REDIRECT]: 308,
}

export interface RouteNames {
  readonly name: string
  readonly virtualHost: string
  readonly requestHeaders: HeaderMutations
  readonly responseHeaders: HeaderMutations
  readonly filters: RouteFilters
}

interface Target {
  /** Empty: as it came. */
  readonly scheme: string
  readonly host: string
  /** With its colon. */
  readonly port: string
  readonly path: PathRewrite
}

export function compileRedirect(
  action: RedirectAction,
  names: RouteNames,
  matched: MatchedPath,
  path: string,
  check: ResourceCheck,
): RedirectRoute {
  check.honour(RedirectActionSchema, action, path, FIELDS)
  const scheme = action.schemeRewriteSpecifier
  if (scheme.case === 'schemeRedirect' && hasControl(scheme.value))
    check.error(`${path}.scheme_redirect`, 'is no scheme')
  if (hasControl(action.hostRedirect)) check.error(`${path}.host_redirect`, 'must not hold control characters')
  if (action.portRedirect > 65_535) check.error(`${path}.port_redirect`, 'is no port')
  const target: Target = {
    scheme:
      scheme.case === 'schemeRedirect' ? scheme.value : scheme.case === 'httpsRedirect' && scheme.value ? 'https' : '',
    host: toByteString(action.hostRedirect),
    port: action.portRedirect === 0 ? '' : `:${action.portRedirect}`,
    path: compilePath(action, matched, path, check),
  }
  return new CompiledRedirect(names, STATUS[action.responseCode] ?? 301, target)
}

/** Envoy's redirect to https for virtual hosts with require_tls. */
export function createTlsRedirect(names: RouteNames): RedirectRoute {
  return new CompiledRedirect(names, 301, { scheme: 'https', host: '', port: '', path: same })
}

class CompiledRedirect implements RedirectRoute {
  readonly kind = 'redirect'
  readonly name: string
  readonly virtualHost: string
  readonly requestHeaders: HeaderMutations
  readonly responseHeaders: HeaderMutations
  readonly filters: RouteFilters
  readonly status: number
  readonly #target: Target

  constructor(names: RouteNames, status: number, target: Target) {
    this.name = names.name
    this.virtualHost = names.virtualHost
    this.requestHeaders = names.requestHeaders
    this.responseHeaders = names.responseHeaders
    this.filters = names.filters
    this.status = status
    this.#target = target
  }

  location(head: RequestHead): string {
    const { scheme, host, port, path } = this.#target
    const from = getHeader(head.headers, 'x-forwarded-proto') ?? head.scheme
    const to = scheme === '' ? from : scheme
    const authority = host === '' ? keptAuthority(head.authority, from, to, port !== '') : host
    return `${to}://${authority}${port}${path(head.path)}`
  }
}

/** The port goes when another is asked for, or when it was the old scheme's own and the scheme changes (Envoy's newUri). */
function keptAuthority(authority: string, from: string, to: string, newPort: boolean): string {
  const colon = portColon(authority)
  if (colon < 0) return authority
  const port = authority.slice(colon)
  const ofOldScheme = (from === 'https' && port === ':443') || (from === 'http' && port === ':80')
  return newPort || (from !== to && ofOldScheme) ? authority.slice(0, colon) : authority
}

function compilePath(action: RedirectAction, matched: MatchedPath, path: string, check: ResourceCheck): PathRewrite {
  const { pathRewriteSpecifier: specifier, stripQuery } = action
  if (specifier.case === 'pathRedirect' && specifier.value !== '')
    return compileWholePath(specifier.value, stripQuery, `${path}.path_redirect`, check)
  let rewrite: PathRewrite = same
  if (specifier.case === 'prefixRewrite')
    rewrite = compilePrefixRewrite(specifier.value, matched, `${path}.prefix_rewrite`, check)
  if (specifier.case === 'regexRewrite')
    rewrite = compileRegexRewrite(specifier.value, `${path}.regex_rewrite`, check) ?? same
  return stripQuery ? from => withoutQuery(rewrite(from)) : rewrite
}

/** A query of path_redirect's own wins over the request's, and is not stripped. */
function compileWholePath(to: string, stripQuery: boolean, path: string, check: ResourceCheck): PathRewrite {
  if (hasControl(to)) check.error(path, 'must not hold control characters')
  const whole = toByteString(to)
  if (stripQuery || whole.includes('?')) return () => whole
  return from => {
    const query = from.indexOf('?')
    return query < 0 ? whole : whole + from.slice(query)
  }
}

function same(path: string): string {
  return path
}

function withoutQuery(path: string): string {
  return path.slice(0, pathEnd(path))
}
