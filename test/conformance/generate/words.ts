// Small alphabets, so that what is generated for a rule and what is generated for a request often meet.
import type { JsonObject } from '@bufbuild/protobuf'
import fc from 'fast-check'

export type Arbitrary<T> = fc.Arbitrary<T>

export const NAMESPACES = ['default', 'shop', 'infra'] as const
export const ROOT_NAMESPACE = 'istio-system'
export const DOMAIN = 'svc.cluster.local'

/** Of services; the gateways have ports of their own. */
export const SERVICE_PORTS = [80, 8080, 8081] as const
export const GATEWAY_PORTS = [8090, 8091] as const

export const PATHS = ['/', '/a', '/a/', '/ab', '/A', '/a/b', '/a/b/', '/api/v1', '/b', '/a.b', '/a%20b'] as const
export const HEADERS = ['x-a', 'x-b', 'x-user'] as const
export const VALUES = ['a', 'b', 'ab', 'A', 'a b', '1', 'a,b', 'jason'] as const
export const PARAMETERS = ['p', 'q', 'P'] as const
export const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'] as const

/** Regular expressions of RE2, with what they take and what they nearly take. */
export interface Pattern {
  readonly regex: string
  readonly near: readonly string[]
}

export const PATH_PATTERNS: readonly Pattern[] = [
  { regex: '.*', near: ['/', '/a', '/b/c'] },
  { regex: '/a.*', near: ['/a', '/ab', '/b', '/A'] },
  { regex: '/[ab]', near: ['/a', '/b', '/ab', '/a/', '/c'] },
  { regex: '/a/(b|ab)', near: ['/a/b', '/a/ab', '/a/abb', '/a/'] },
  { regex: '(?i)/a/b', near: ['/A/b', '/a/B', '/a/b/', '/a/b'] },
  { regex: '/a/[^/]+', near: ['/a/b', '/a/', '/a/b/', '/a/%20'] },
  { regex: '/api/v[0-9]{1,2}', near: ['/api/v1', '/api/v12', '/api/v123', '/api/v'] },
  { regex: '/(a|)(/b)?', near: ['/', '/a', '/a/b', '//b', '/b'] },
]

export const VALUE_PATTERNS: readonly Pattern[] = [
  { regex: '.*', near: ['', 'a', 'a b'] },
  { regex: '.+', near: ['', 'a'] },
  { regex: 'a.*', near: ['a', 'ab', 'ba', 'A'] },
  { regex: 'a|b', near: ['a', 'b', 'ab', 'c'] },
  { regex: '[0-9]+', near: ['1', '12', '1a', ''] },
  { regex: '(?i)jason', near: ['Jason', 'jason', 'json'] },
]

/** An object with each of the fields or without it. */
export function optional(fields: Readonly<Record<string, Arbitrary<JsonObject[string]>>>): Arbitrary<JsonObject> {
  return fc.record(fields, { requiredKeys: [] }) as Arbitrary<JsonObject>
}

/** `rare` once in `times`, else nothing. */
export function seldom(times: number, rare: Arbitrary<JsonObject>): Arbitrary<JsonObject> {
  return fc.oneof({ weight: times - 1, arbitrary: fc.constant<JsonObject>({}) }, { weight: 1, arbitrary: rare })
}

/** One of the alternatives, each as often as its weight says. */
export function weighted<T>(...alternatives: readonly (readonly [number, Arbitrary<T>])[]): Arbitrary<T> {
  return fc.oneof(...alternatives.map(([weight, arbitrary]) => ({ weight, arbitrary })))
}

/** The same for the same seed. */
export function draw<T>(arbitrary: Arbitrary<T>, seed: number, count: number): readonly T[] {
  return fc.sample(arbitrary, { seed, numRuns: count })
}
