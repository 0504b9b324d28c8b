// VirtualService http[]: a rule, and which rules can never be reached.

import type { HttpMatch } from '../../../model/http-match.ts'
import type { Delegate, HttpRoute, HttpRouteAction } from '../../../model/http-route.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { readHttpRetry } from '../contract/http-retry.ts'
import { readCorsPolicy } from './cors-policy.ts'
import { isAuthority, readHeaders } from './header-operations.ts'
import { readDestinations, readDirectResponse, readRedirect, readRewrite } from './http-action.ts'
import { readHttpFault } from './http-fault.ts'
import { readHttpMatch } from './http-match.ts'
import { readMirrors } from './http-mirror.ts'

const ACTIONS = ['route', 'redirect', 'directResponse'] as const

export function readHttpRoute(reader: ObjectReader): HttpRoute {
  const delegate = readDelegate(reader)
  const action = readAction(reader)
  const rewriteReader = reader.object('rewrite')
  const rewrite = rewriteReader ? readRewrite(rewriteReader) : null
  const retriesReader = reader.object('retries')
  const timeoutMs = reader.duration('timeout', 1)
  const headers = readHeaders(reader)
  const faultReader = reader.object('fault')
  const corsReader = reader.object('corsPolicy')
  for (const field of ['rewrite', 'fault'])
    if (action.kind !== 'route' && !delegate && reader.has(field))
      reader.sink.contradiction(
        reader.place(field),
        `${field} goes with route only, not with redirect or directResponse`,
      )
  if (
    rewrite?.authority !== undefined &&
    Object.keys({ ...headers.request.set, ...headers.request.add }).some(isAuthority)
  )
    reader.sink.contradiction(
      reader.place('headers'),
      'the authority is set twice: by rewrite.authority and by headers.request',
    )
  for (const field of ['timeout', 'retries', 'corsPolicy', 'mirror', 'mirrors'])
    if (action.kind !== 'route' && !delegate && reader.has(field))
      reader.sink.report('WEFT-1012', 'warning', reader.place(field), `${field} has no effect without route`)
  const matches = reader.objectList('match').map(readHttpMatch)
  checkPrefixRewrite(reader, action, matches)
  const route: HttpRoute = {
    name: reader.string('name') ?? '',
    matches,
    action,
    ...(delegate ? { delegate } : {}),
    rewrite,
    headers,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(retriesReader ? { retries: readHttpRetry(retriesReader) } : {}),
    ...readMirrors(reader),
    ...(faultReader ? { fault: readHttpFault(faultReader) } : {}),
    ...(corsReader ? { corsPolicy: readCorsPolicy(corsReader) } : {}),
    position: reader.position,
  }
  reader.done()
  return route
}

function readDelegate(parent: ObjectReader): Delegate | undefined {
  const reader = parent.object('delegate')
  if (!reader) return undefined
  for (const field of ['route', 'redirect'])
    if (parent.has(field))
      parent.sink.contradiction(parent.place(field), `a rule that delegates leaves ${field} to its delegate`)
  const delegate = { name: reader.requiredString('name'), namespace: reader.string('namespace') ?? '' }
  reader.done()
  return delegate
}

function readAction(reader: ObjectReader): HttpRouteAction {
  const set = ACTIONS.filter(action => reader.has(action))
  if (set.length > 1) reader.sink.contradiction(reader, `only one of ${set.join(', ')} may be set`)
  const redirect = reader.object('redirect')
  const response = reader.object('directResponse')
  const destinations = readDestinations(reader)
  if (redirect) return { kind: 'redirect', redirect: readRedirect(redirect) }
  if (response) return { kind: 'direct-response', response: readDirectResponse(response) }
  if (set.length === 0 && !reader.has('delegate'))
    reader.sink.error('WEFT-1006', reader, 'one of route, redirect and directResponse is missing')
  else if (set.includes('route') && destinations.length === 0)
    reader.sink.error('WEFT-1006', reader.place('route'), 'a route needs at least one destination')
  return { kind: 'route', destinations }
}

/** What is put in the place of a prefix needs one. */
function checkPrefixRewrite(reader: ObjectReader, action: HttpRouteAction, matches: readonly HttpMatch[]): void {
  if (action.kind !== 'redirect' || action.redirect.prefixRewrite === undefined) return
  if (matches.every(({ uri }) => uri === undefined || uri.kind === 'prefix')) return
  const message = 'redirect.prefixRewrite goes with prefix matches of the uri only'
  reader.sink.contradiction(reader.place('redirect'), message)
}

/** Rules behind one that matches everything (IST0130): Istio does not even generate them. */
export function reportUnreachable(rules: readonly HttpRoute[], readers: readonly ObjectReader[]): void {
  const catchAll = rules.findIndex(
    // Of a rule that delegates, its delegate's rules may match less.
    rule => !rule.delegate && (rule.matches.length === 0 || rule.matches.some(matchesEverything)),
  )
  if (catchAll < 0) return
  for (const reader of readers.slice(catchAll + 1))
    reader.sink.report('WEFT-1012', 'warning', reader, `never reached: http[${catchAll}] before it matches everything`)
}

function matchesEverything(match: HttpMatch): boolean {
  const { uri } = match
  const any =
    uri === undefined || (uri.kind === 'prefix' && uri.value === '/') || (uri.kind === 'regex' && uri.value === '.*')
  const conditions = [match.headers, match.withoutHeaders, match.queryParams, match.sourceLabels]
  const unconditional = !match.scheme && !match.method && !match.authority && match.port === undefined
  const everywhere = match.sourceNamespace === '' && match.gateways.length === 0
  return any && unconditional && everywhere && conditions.every(map => Object.keys(map).length === 0)
}
