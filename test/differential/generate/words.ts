// Small alphabets, so that what is generated for a route and what is generated for a request often meet.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import fc from 'fast-check'

export type Arbitrary<T> = fc.Arbitrary<T>

export const SEGMENTS = ['a', 'b', 'A', 'ab', 'a.b', 'a;x=1', '%61', '%2F', 'a%20b', '~', 'a+b', '.', '..', ''] as const
export const path: Arbitrary<string> = fc
  .array(fc.constantFrom(...SEGMENTS), { minLength: 0, maxLength: 3 })
  .map(segments => `/${segments.join('/')}`)

export const HEADERS = ['x-a', 'x-b', 'x-c'] as const
export const headerName: Arbitrary<string> = fc.constantFrom(...HEADERS)

export const VALUES = [
  'a',
  'b',
  'ab',
  'abc',
  'ABC',
  'a,b',
  'a, b',
  '0',
  '1',
  '10',
  '-3',
  '+4',
  '007',
  '1.5',
  '99999999999999999999',
] as const
export const value: Arbitrary<string> = fc.constantFrom(...VALUES)

/** Names the cluster where a route leaves that to the request. */
export const CLUSTER_FIELD = 'x-cluster'

/** Decides between weighted clusters. */
export const DRAW_FIELD = 'x-draw'
export const draw: Arbitrary<string> = fc.constantFrom(
  '0',
  '1',
  '3',
  '4',
  '49',
  '52',
  '4000001',
  '007',
  String(2n ** 64n - 1n),
)

export const PARAMETERS = ['p', 'q', 'P'] as const
export const parameterName: Arbitrary<string> = fc.constantFrom(...PARAMETERS)
export const parameterValue: Arbitrary<string> = fc.constantFrom('', 'a', 'b', 'ab', 'A', '1', 'a=b', 'a%20b', 'a+b')

export const PATTERNS = ['a', 'a.*', '.*b', '[0-9]+', '(?i)abc', 'a|b', '', '.*', '^a$', '\\d', 'a{2,3}|ab'] as const
export const pattern: Arbitrary<string> = fc.constantFrom(...PATTERNS.filter(text => text !== ''))

/** An object with each of the fields or without it. */
export function optional<T extends object>(
  fields: { readonly [K in keyof T]: Arbitrary<T[K]> },
): Arbitrary<Partial<T>> {
  return fc.record(fields, { requiredKeys: [] }) as Arbitrary<Partial<T>>
}

/** The same of any fields. */
export function jsonObject(fields: Readonly<Record<string, Arbitrary<JsonValue>>>): Arbitrary<JsonObject> {
  return fc.record<Record<string, JsonValue>>(fields, { requiredKeys: [] })
}

export function several<T>(one: Arbitrary<T>): Arbitrary<T[]> {
  return fc.array(one, { minLength: 1, maxLength: 2 })
}
