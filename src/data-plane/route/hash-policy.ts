// A route's hash_policy, compiled: what of a request keeps it to one endpoint, for clusters that balance by hash.
import { toByteString } from '../../automata/regex.ts'
import { compileReplacement } from '../../automata/regex-replacement.ts'
import { Uint64 } from '../../base/uint64.ts'
import { xxHash64 } from '../../base/xx-hash64.ts'
import {
  type RouteAction_HashPolicy as HashPolicyMessage,
  RouteAction_HashPolicy_ConnectionPropertiesSchema,
  type RouteAction_HashPolicy_Cookie,
  RouteAction_HashPolicy_CookieSchema,
  type RouteAction_HashPolicy_Header,
  RouteAction_HashPolicy_HeaderSchema,
  RouteAction_HashPolicy_QueryParameterSchema,
  RouteAction_HashPolicySchema,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { durationMs, type ResourceCheck } from '../../xds/resource-check.ts'
import type { StreamInfo } from '../stream-info.ts'
import { hasControl } from './control-character.ts'
import { cookieValue } from './cookie.ts'
import { queryParameter } from './query-parameter.ts'
import type { HashedRequest, HashPolicy } from './route-entry.ts'
import { compileRegexField } from './string-matcher.ts'

/** Puts the hash of its part of the request into `out`; false when the request has no such part. */
type HashMethod = (out: Uint64, request: HashedRequest, info: StreamInfo) => boolean

const FIELDS = new Set(['header', 'cookie', 'connection_properties', 'query_parameter', 'terminal'])
const HEADER_FIELDS = new Set(['header_name', 'regex_rewrite'])
const COOKIE_FIELDS = new Set(['name', 'ttl', 'path', 'attributes'])
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** Null: the route names nothing. */
export function compileHashPolicy(
  messages: readonly HashPolicyMessage[],
  path: string,
  check: ResourceCheck,
): HashPolicy | null {
  const methods: HashMethod[] = []
  const terminal: boolean[] = []
  for (const [i, message] of messages.entries()) {
    const method = compileMethod(message, `${path}[${i}]`, check)
    if (method === null) continue
    methods.push(method)
    terminal.push(message.terminal)
  }
  return methods.length === 0 ? null : new CombinedHash(methods, terminal)
}

/** Made at compile time for each policy, and computed with for one request at a time. */
class CombinedHash implements HashPolicy {
  readonly #methods: readonly HashMethod[]
  readonly #terminal: readonly boolean[]
  readonly #part = new Uint64()

  constructor(methods: readonly HashMethod[], terminal: readonly boolean[]) {
    this.#methods = methods
    this.#terminal = terminal
  }

  /** Each part turns what came before by one bit: else two that are alike would cancel out (Envoy's generateHash). */
  generate(request: HashedRequest, info: StreamInfo): Uint64 | null {
    let hash: Uint64 | null = null
    for (let i = 0; i < this.#methods.length; i++) {
      if (this.#methods[i]!(this.#part, request, info)) {
        if (hash === null) hash = new Uint64().copy(this.#part)
        else hash.rotateLeft(1).xor(this.#part.high, this.#part.low)
      }
      if (this.#terminal[i] && hash !== null) break
    }
    return hash
  }
}

function compileMethod(message: HashPolicyMessage, path: string, check: ResourceCheck): HashMethod | null {
  check.honour(RouteAction_HashPolicySchema, message, path, FIELDS)
  const specifier = message.policySpecifier
  switch (specifier.case) {
    case 'header':
      return hashHeader(specifier.value, `${path}.header`, check)
    case 'cookie':
      return hashCookie(specifier.value, `${path}.cookie`, check)
    case 'connectionProperties': {
      const at = `${path}.connection_properties`
      check.honour(RouteAction_HashPolicy_ConnectionPropertiesSchema, specifier.value, at, new Set(['source_ip']))
      return specifier.value.sourceIp ? hashSourceIp : null
    }
    case 'queryParameter': {
      const at = `${path}.query_parameter`
      check.honour(RouteAction_HashPolicy_QueryParameterSchema, specifier.value, at, new Set(['name']))
      const name = toByteString(specifier.value.name)
      if (name === '') check.error(`${at}.name`, 'must not be empty')
      return (out, request) => {
        const value = queryParameter(request.path, name)
        if (value !== null) xxHash64(out, value)
        return value !== null
      }
    }
    case undefined:
      check.error(path, 'needs something to hash')
      return null
    default:
      // filter_state: refused above, as nothing here keeps such objects.
      return null
  }
}

const hashSourceIp: HashMethod = (out, _request, info) => {
  const ip = info.clientIp || info.connection.remoteIp
  if (ip !== '') xxHash64(out, ip)
  return ip !== ''
}

function hashHeader(message: RouteAction_HashPolicy_Header, path: string, check: ResourceCheck): HashMethod | null {
  check.honour(RouteAction_HashPolicy_HeaderSchema, message, path, HEADER_FIELDS)
  const name = message.headerName.toLowerCase()
  if (name === '') check.error(`${path}.header_name`, 'must not be empty')
  const rewrite = compileRewrite(message, `${path}.regex_rewrite`, check)
  return (out, { head, authority, path }) => {
    if (name === ':path') return hashOne(out, path, rewrite)
    if (name === ':authority' || name === 'host') return hashOne(out, authority, rewrite)
    if (name === ':method') return hashOne(out, head.method, rewrite)
    if (name === ':scheme') return hashOne(out, head.scheme, rewrite)
    return hashAll(out, head.headers, name, rewrite)
  }
}

type Rewrite = (value: string) => string

function compileRewrite(message: RouteAction_HashPolicy_Header, path: string, check: ResourceCheck): Rewrite | null {
  if (!message.regexRewrite) return null
  const regex = compileRegexField(message.regexRewrite.pattern, `${path}.pattern`, check)
  if (regex === null) return null
  const compiled = compileReplacement(regex, message.regexRewrite.substitution)
  if (compiled.ok) return value => compiled.value.replaceAll(value)
  check.adopt(`${path}.substitution`, compiled.problems)
  return null
}

function hashOne(out: Uint64, value: string, rewrite: Rewrite | null): boolean {
  xxHash64(out, rewrite === null ? value : rewrite(value))
  return true
}

/** Several values count alike in whatever order they come: sorted, each is hashed with the one before as its seed. */
function hashAll(out: Uint64, headers: readonly string[], name: string, rewrite: Rewrite | null): boolean {
  let first: string | null = null
  let several: string[] | null = null
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== name) continue
    const value = rewrite === null ? headers[i + 1]! : rewrite(headers[i + 1]!)
    if (first === null) first = value
    else if (several === null) several = [first, value]
    else several.push(value)
  }
  if (first === null) return false
  if (several === null) {
    xxHash64(out, first)
    return true
  }
  out.set(0, 0)
  for (const value of several.sort()) xxHash64(out, value, out.high, out.low)
  return true
}

/** With a ttl a client that has no such cookie is given one, made of its connection: on the response, and for this request. */
function hashCookie(message: RouteAction_HashPolicy_Cookie, path: string, check: ResourceCheck): HashMethod | null {
  check.honour(RouteAction_HashPolicy_CookieSchema, message, path, COOKIE_FIELDS)
  const name = toByteString(message.name)
  if (!TOKEN.test(name)) check.error(`${path}.name`, 'must be a cookie name')
  if (isUnfitForCookie(message.path)) check.error(`${path}.path`, 'must not hold semicolons or control characters')
  let attributes = message.path === '' ? '' : `; Path=${toByteString(message.path)}`
  for (const [i, { name, value }] of message.attributes.entries()) {
    if (!TOKEN.test(name)) check.error(`${path}.attributes[${i}].name`, 'must be an attribute name')
    if (isUnfitForCookie(value))
      check.error(`${path}.attributes[${i}].value`, 'must not hold semicolons or control characters')
    attributes += value === '' ? `; ${name}` : `; ${name}=${toByteString(value)}`
  }
  const ttlMs = durationMs(message.ttl, -1)
  // Whole seconds; none stands for a cookie of the client's session.
  const age = ttlMs >= 1000 ? `; Max-Age=${Math.floor(ttlMs / 1000)}` : ''
  return (out, request, info) => {
    const value = cookieValue(request.head.headers, name)
    if (value !== null && value !== '') {
      xxHash64(out, value)
      return true
    }
    if (message.ttl === undefined) return false
    // Alike for every request of the connection, so that those that race for the cookie get the same.
    const made = xxHash64(out, clientAddress(info) + info.connection.localAddress).toHex()
    request.setCookies ??= []
    request.setCookies.push(`${name}="${made}"${age}${attributes}; HttpOnly`)
    xxHash64(out, made)
    return true
  }
}

/** What would end an attribute of a cookie, or its header. */
function isUnfitForCookie(text: string): boolean {
  return text.includes(';') || hasControl(text)
}

function clientAddress({ clientIp, connection }: StreamInfo): string {
  if (clientIp === '') return connection.remoteAddress
  return clientIp.includes(':') ? `[${clientIp}]:0` : `${clientIp}:0`
}
