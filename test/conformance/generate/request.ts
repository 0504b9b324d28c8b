// Requests near the edges of what the rules match: the path they name, one byte more, another case; the header there,
// empty, absent; the host by each of its names and by none.
import type { JsonObject } from '@bufbuild/protobuf'
import fc from 'fast-check'
import type { CaseRequest } from '../case-file.ts'
import type { ConfigDocument } from './document.ts'
import { entrancesOf, GATEWAY_PROXIES } from './gateway.ts'
import { portsOf } from './service.ts'
import { SIDECAR_PROXIES } from './sidecar.ts'
import type { Surroundings } from './virtual-service.ts'
import {
  type Arbitrary,
  DOMAIN,
  GATEWAY_PORTS,
  HEADERS,
  METHODS,
  PARAMETERS,
  PATH_PATTERNS,
  PATHS,
  seldom,
  VALUE_PATTERNS,
  VALUES,
  weighted,
} from './words.ts'

type Pairs = readonly (readonly [string, string])[]
interface Rule {
  readonly match?: readonly JsonObject[]
  readonly delegate?: { readonly name: string; readonly namespace?: string }
}

const NO_TEXT = '\0'

/** What a StringMatch asks for, and what just misses it; NO_TEXT: nothing at all. */
function near(
  match: JsonObject | undefined,
  patterns: typeof VALUE_PATTERNS,
  others: readonly string[],
): Arbitrary<string> {
  const any = fc.constantFrom(...others)
  if (match === undefined) return any
  const { exact, prefix, regex } = match as { exact?: string; prefix?: string; regex?: string }
  if (regex !== undefined) {
    const known = patterns.find(pattern => pattern.regex === regex)?.near ?? others
    return weighted([5, fc.constantFrom(...known)], [1, any])
  }
  const text = exact ?? prefix
  if (text === undefined) return fc.constantFrom('', 'a', NO_TEXT)
  const hit = exact === undefined ? [text, `${text}b`, `${text}/b`] : [text]
  const misses = [`${text}b`, text.slice(0, -1), `${text}/`, text.toUpperCase(), text.toLowerCase(), NO_TEXT]
  return weighted([6, fc.constantFrom(...hit)], [2, fc.constantFrom(...misses)], [1, any])
}

function pairs(matches: JsonObject | undefined, names: readonly string[]): Arbitrary<Pairs> {
  const asked = Object.entries((matches ?? {}) as Record<string, JsonObject>)
  const wanted = fc.tuple(
    ...asked.map(([name, match]) => near(match, VALUE_PATTERNS, VALUES).map(value => [name, value] as const)),
  )
  const more = weighted<Pairs>(
    [4, fc.constant([])],
    [1, fc.tuple(fc.constantFrom(...names), fc.constantFrom(...VALUES)).map(pair => [pair])],
  )
  return fc.tuple(wanted, more).map(lists => lists.flat().filter(([, value]) => value !== NO_TEXT))
}

const encoded = (text: string): string => `%${text.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`

function path(match: JsonObject): Arbitrary<string> {
  const named = near(match['uri'] as JsonObject | undefined, PATH_PATTERNS, PATHS)
  const bent = fc.constantFrom<((path: string) => string)[]>(
    whole => whole.replace(/[a-z]/, encoded),
    whole => (whole === '/' ? whole : whole.replace('/', '//')),
    whole => `/.${whole}`,
    whole => `/x/..${whole}`,
  )
  const shown = named
    .map(text => (text.startsWith('/') ? text : `/${text.replace(NO_TEXT, '')}`))
    // What merging leaves of nothing but slashes is a difference on purpose (a recorded case).
    .map(text => (/^\/+$/.test(text) ? '/' : text))
  return weighted([9, shown], [1, fc.tuple(shown, bent).map(([text, bend]) => bend(text))])
}

const escaped = (text: string): string => text.replaceAll(' ', '%20')

function hostOf(host: string, services: Surroundings['services']): Arbitrary<string> {
  if (host.startsWith('*')) {
    const within = services.map(service => service.host).filter(name => name.endsWith(host.slice(1)))
    return fc.constantFrom(
      host.replace('*', 'a'),
      host.replace('*', 'b.a'),
      ...within,
      ...within,
      host === '*' ? 'any.test' : host.slice(2),
    )
  }
  const [name, namespace, svc] = host.split('.')
  if (/^\d/.test(host)) return fc.constant(host)
  if (svc !== 'svc') return weighted([8, fc.constant(host)], [1, fc.constantFrom(`x.${host}`, `a${host}`)])
  return fc.constantFrom(
    host,
    name!,
    `${name}.${namespace}`,
    `${name}.${namespace}.svc`,
    host.replace(`.${DOMAIN}`, ''),
  )
}

/** The Host header where it is not the URL's own authority. */
function writtenHost(host: string, port: number): Arbitrary<string | null> {
  return weighted<string | null>(
    [8, fc.constant(null)],
    [4, fc.constant(host)],
    [1, fc.constantFrom(host.toUpperCase(), `${host}:9999`, `${host}:${port === 80 ? 8080 : 80}`)],
  )
}

function methodOf(match: JsonObject): Arbitrary<string> {
  const { exact, prefix } = (match['method'] ?? {}) as { exact?: string; prefix?: string }
  const any = weighted([4, fc.constant('GET')], [2, fc.constantFrom(...METHODS)])
  return exact === undefined && prefix === undefined
    ? any
    : weighted([3, fc.constant(exact ?? prefix ?? 'GET')], [1, any])
}

const BROWSERS: Arbitrary<JsonObject> = fc.record({
  origin: fc.constantFrom('http://a.example.com', 'http://a', 'http://b.example.com', 'null'),
})
const PREFLIGHT: Arbitrary<JsonObject> = BROWSERS.map(origin => ({ ...origin, 'access-control-request-method': 'PUT' }))

/** Of its rules, and of those that they delegate to. */
function matchesOf(service: ConfigDocument, delegates: readonly ConfigDocument[]): readonly JsonObject[] {
  const rules = service.spec['http'] as unknown as readonly Rule[]
  return rules.flatMap(({ match = [{}], delegate }) => {
    const other = delegates.find(({ name, namespace }) => name === delegate?.name && namespace === delegate.namespace)
    const inner = other ? matchesOf(other, []) : [{}]
    return match.flatMap(outer => inner.map(own => ({ ...outer, ...own })))
  })
}

interface Entrance {
  readonly proxy: string
  readonly port: number
}

/** Sidecars by the ports of the host's service, gateways by those of their servers; and now and then anything else. */
function entrance(service: ConfigDocument, host: string, { services, gateways }: Surroundings): Arbitrary<Entrance> {
  const { gateways: named = ['mesh'] } = service.spec as { gateways?: string[] }
  const known = services.find(each => each.host === host || each.host.startsWith(`${host}.`))
  const all = (proxies: object, ports: readonly number[]): Entrance[] =>
    Object.keys(proxies).flatMap(proxy => ports.map(port => ({ proxy, port })))
  const any = [...all(SIDECAR_PROXIES, portsOf(services)), ...all(GATEWAY_PROXIES, GATEWAY_PORTS)]
  const own = [
    ...(named.includes('mesh') ? all(SIDECAR_PROXIES, known?.ports ?? portsOf(services)) : []),
    ...entrancesOf(named, service.namespace, gateways),
  ]
  return own.length === 0
    ? fc.constantFrom(...any)
    : weighted([12, fc.constantFrom(...own)], [1, fc.constantFrom(...any)])
}

/** A request for the VirtualService, at a proxy that it is for, or at any. */
export function requestFor(service: ConfigDocument, surroundings: Surroundings): Arbitrary<CaseRequest> {
  const { services, delegates, shares } = surroundings
  const { hosts } = service.spec as { hosts: string[] }
  const host = fc.constantFrom(...hosts).chain(name => hostOf(fullName(name, service.namespace), services))
  const match = fc.constantFrom(...matchesOf(service, delegates))
  return host
    .chain(host => fc.tuple(fc.constant(host), entrance(service, host, surroundings), match))
    .chain(([host, { proxy, port }, match]) =>
      fc
        .record({
          path: path(match),
          written: writtenHost(host, port),
          method: methodOf(match),
          headers: pairs({ ...(match['withoutHeaders'] as JsonObject), ...(match['headers'] as JsonObject) }, HEADERS),
          query: pairs(match['queryParams'] as JsonObject | undefined, PARAMETERS),
          scheme: seldom(
            8,
            fc.constantFrom('http', 'https').map((proto): JsonObject => ({ 'x-forwarded-proto': proto })),
          ),
          browser: seldom(8, fc.oneof(BROWSERS, PREFLIGHT)),
        })
        .map(parts => ({ ...requestOf(parts, proxy, host, port), ...(shares ? { repeat: REPEATS } : {}) })),
    )
}

/** Enough for each of several destinations to be among them. */
export const REPEATS = 40

interface Parts {
  readonly path: string
  readonly written: string | null
  readonly method: string
  readonly headers: Pairs
  readonly query: Pairs
  readonly scheme: JsonObject
  readonly browser: JsonObject
}

function requestOf(
  { path, written, method, headers, query, scheme, browser }: Parts,
  proxy: string,
  host: string,
  port: number,
): CaseRequest {
  const search = query.map(([name, value]) => (value === '' ? name : `${name}=${escaped(value)}`)).join('&')
  const own = { ...Object.fromEntries(headers), ...scheme, ...browser, ...(written === null ? {} : { host: written }) }
  const preflight = 'access-control-request-method' in browser
  return {
    proxy,
    url: `http://${host}:${port}${escaped(path)}${search === '' ? '' : `?${search}`}`,
    ...(preflight || method !== 'GET' ? { method: preflight ? 'OPTIONS' : method } : {}),
    ...(Object.keys(own).length === 0 ? {} : { headers: own as Record<string, string> }),
  }
}

function fullName(host: string, namespace: string): string {
  return host.includes('.') || host === '*' ? host : `${host}.${namespace}.${DOMAIN}`
}
