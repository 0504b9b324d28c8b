// A route that answers with the place to go to instead.
import { toByteString } from '../../automata/regex.ts'
import type { RequestHead } from '../../transport/request-head.ts'
import {
  RedirectAction_RedirectResponseCode as Code,
  type RedirectAction,
  RedirectActionSchema,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import { hasControl } from './control-character.ts'
import { portColon } from './domain-map.ts'
import { NO_MUTATIONS } from './header-mutator.ts'
import {
  compilePrefixRewrite,
  compileRegexRewrite,
  type MatchedPath,
  type PathRewrite,
  pathEnd,
} from './path-rewrite.ts'
import type { HeaderMutations, RedirectRoute, RouteFilters } from './route-entry.ts'
import type { RouteStats } from './route-stats.ts'

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
  /** Of a route that forwards. */
  readonly stats?: RouteStats | null
}

interface Target {
  /** Empty: as it came. */
  readonly scheme: string
  readonly host: string
  /** With its colon. */
  readonly port: string
  /** Even the old scheme's own. */
  readonly keepsPort: boolean
  /** Of what the route matched; null: there is none. */
  readonly rewrite: PathRewrite | null
  /** From path and query as they came to those of the location. */
  path(from: string): string
}

const HERE: Target = { scheme: '', host: '', port: '', keepsPort: false, rewrite: null, path: same }

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
    keepsPort: false,
    ...compilePath(action, matched, path, check),
  }
  return new CompiledRedirect(names, STATUS[action.responseCode] ?? 301, target)
}

/**
 * Envoy's redirect to https for virtual hosts with require_tls: a route of no level, which no header mutation reaches, and
 * whose location has the authority as it came.
 */
export function createTlsRedirect(virtualHost: string, filters: RouteFilters): RedirectRoute {
  const names = { name: '', virtualHost, requestHeaders: NO_MUTATIONS, responseHeaders: NO_MUTATIONS, filters }
  return new CompiledRedirect(names, 301, { ...HERE, scheme: 'https', keepsPort: true })
}

/** The URI that was asked for. */
export function ownLocation(head: RequestHead): string {
  return locationOf(HERE, head)
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

  rewritePath(head: RequestHead): string | null {
    const { rewrite } = this.#target
    return rewrite === null ? null : rewrite(head.path)
  }

  location(head: RequestHead): string {
    return locationOf(this.#target, head)
  }
}

function locationOf({ scheme, host, port, keepsPort, path }: Target, head: RequestHead): string {
  const from = head.scheme
  const to = scheme === '' ? from : scheme
  const authority =
    host !== '' ? host : keepsPort ? head.authority : keptAuthority(head.authority, from, to, port !== '')
  const target = path(head.path)
  // A rewrite may take the slash along; behind the authority there is always one.
  return `${to}://${authority}${port}${target.startsWith('/') ? '' : '/'}${target}`
}

/** The port goes when another is asked for, or when it was the old scheme's own and the scheme changes (Envoy's newUri). */
function keptAuthority(authority: string, from: string, to: string, newPort: boolean): string {
  const colon = portColon(authority)
  if (colon < 0) return authority
  const port = authority.slice(colon)
  const ofOldScheme = (from === 'https' && port === ':443') || (from === 'http' && port === ':80')
  return newPort || (from !== to && ofOldScheme) ? authority.slice(0, colon) : authority
}

function compilePath(
  action: RedirectAction,
  matched: MatchedPath,
  path: string,
  check: ResourceCheck,
): Pick<Target, 'rewrite' | 'path'> {
  const { pathRewriteSpecifier: specifier, stripQuery } = action
  if (specifier.case === 'pathRedirect' && specifier.value !== '')
    return { rewrite: null, path: compileWholePath(specifier.value, stripQuery, `${path}.path_redirect`, check) }
  let rewrite: PathRewrite | null = null
  if (specifier.case === 'prefixRewrite')
    rewrite = compilePrefixRewrite(specifier.value, matched, `${path}.prefix_rewrite`, check)
  if (specifier.case === 'regexRewrite') rewrite = compileRegexRewrite(specifier.value, `${path}.regex_rewrite`, check)
  const whole = rewrite ?? same
  return { rewrite, path: from => (stripQuery ? withoutQuery(whole(from) ?? from) : (whole(from) ?? from)) }
}

/** A query of path_redirect's own wins over the request's, and is not stripped. */
function compileWholePath(to: string, stripQuery: boolean, path: string, check: ResourceCheck): Target['path'] {
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
