// HTTPMatchRequest in every kind, with sources and gateways that the generated mesh has.
import type { JsonObject } from '@bufbuild/protobuf'
import fc from 'fast-check'
import {
  type Arbitrary,
  HEADERS,
  NAMESPACES,
  optional,
  PARAMETERS,
  PATH_PATTERNS,
  PATHS,
  seldom,
  VALUE_PATTERNS,
  VALUES,
  weighted,
} from './words.ts'

const text = (values: readonly string[], regexes: readonly string[]): Arbitrary<JsonObject> =>
  weighted(
    [3, fc.constantFrom(...values).map((exact): JsonObject => ({ exact }))],
    [3, fc.constantFrom(...values.filter(value => value !== '')).map((prefix): JsonObject => ({ prefix }))],
    [2, fc.constantFrom(...regexes).map((regex): JsonObject => ({ regex }))],
  )

const value = text(
  VALUES,
  VALUE_PATTERNS.map(({ regex }) => regex),
)
const valueOrPresence = weighted(
  [6, value],
  [2, fc.constant<JsonObject>({})],
  [1, fc.constant<JsonObject>({ exact: '' })],
)

const named = (names: readonly string[]): Arbitrary<JsonObject> =>
  fc
    .uniqueArray(fc.tuple(fc.constantFrom(...names), valueOrPresence), {
      minLength: 1,
      maxLength: 2,
      selector: ([name]) => name,
    })
    .map(entries => Object.fromEntries(entries))

const uri = text(
  PATHS,
  PATH_PATTERNS.map(({ regex }) => regex),
)

const conditions: Arbitrary<JsonObject> = weighted<JsonObject>(
  [6, fc.constant({})],
  [4, optional({ headers: named(HEADERS) })],
  [2, optional({ withoutHeaders: named(HEADERS) })],
  [2, optional({ queryParams: named(PARAMETERS) })],
  [2, optional({ method: text(['GET', 'POST', 'PUT'], ['P.*', 'GET|HEAD']) })],
  [1, optional({ scheme: text(['http', 'https'], ['https?']) })],
  [2, optional({ headers: named(HEADERS), withoutHeaders: named(HEADERS), queryParams: named(PARAMETERS) })],
)

/** Who calls, and by which way: what the control plane decides for each proxy. */
function surroundings(gateways: readonly string[], ports: readonly number[]): Arbitrary<JsonObject> {
  return weighted<JsonObject>(
    [10, fc.constant({})],
    [
      2,
      fc
        .constantFrom<JsonObject[]>(
          { tier: 'front' },
          { tier: 'back' },
          { app: 'client-a' },
          { app: 'client-a', tier: 'front' },
        )
        .map((sourceLabels): JsonObject => ({ sourceLabels })),
    ],
    [1, fc.constantFrom(...NAMESPACES).map((sourceNamespace): JsonObject => ({ sourceNamespace }))],
    [2, fc.subarray([...gateways], { minLength: 1, maxLength: 2 }).map((gateways): JsonObject => ({ gateways }))],
    [1, fc.constantFrom(...ports).map((port): JsonObject => ({ port }))],
    [1, optional({ sourceLabels: fc.constant({ tier: 'front' }), port: fc.constantFrom(...ports) })],
  )
}

const extras: Arbitrary<JsonObject> = weighted<JsonObject>(
  [8, fc.constant({})],
  [1, fc.constantFrom('one', 'two').map((name): JsonObject => ({ name }))],
  [1, fc.constant({ statPrefix: 'counted' })],
)

/** One block: all of it must hold. `authorities` are hosts of the VirtualService, with and without a port. */
export function httpMatch(
  authorities: readonly string[],
  gateways: readonly string[],
  ports: readonly number[],
): Arbitrary<JsonObject> {
  const authority = text(authorities, ['.*example.*', 'a.*', '[a-z.]+(:[0-9]+)?']).map(
    (authority): JsonObject => ({ authority }),
  )
  return fc
    .record({
      uri: seldomMissing(uri),
      folds: seldom(6, fc.constant<JsonObject>({ ignoreUriCase: true })),
      conditions,
      authority: seldom(8, authority),
      surroundings: surroundings(gateways, ports),
      extras,
    })
    .map(({ uri, folds, conditions, authority, surroundings, extras }) => ({
      ...extras,
      ...uri,
      ...folds,
      ...conditions,
      ...authority,
      ...surroundings,
    }))
}

function seldomMissing(uri: Arbitrary<JsonObject>): Arbitrary<JsonObject> {
  return weighted([5, uri.map((uri): JsonObject => ({ uri }))], [1, fc.constant<JsonObject>({})])
}
