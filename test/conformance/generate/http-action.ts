// What an HTTP rule does: destinations, redirects, answers, and all that goes with them.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { SUBSETS } from './destination-rule.ts'
import type { GeneratedService } from './service.ts'
import { type Arbitrary, DOMAIN, HEADERS, optional, seldom, VALUES, weighted } from './words.ts'

const OPERATORS = ['%PROTOCOL%', '100%%', '[%REQ(x-user)%]', '%RESPONSE_CODE%'] as const
const written = fc.constantFrom(...VALUES, ...OPERATORS)
const set = (names: readonly string[]): Arbitrary<JsonObject> =>
  fc
    .uniqueArray(fc.tuple(fc.constantFrom(...names), written), {
      minLength: 1,
      maxLength: 2,
      selector: ([name]) => name,
    })
    .map(entries => Object.fromEntries(entries))
/** A field that may stand once only is not added to. */
const operations = (lists: readonly string[], single: readonly string[]): Arbitrary<JsonObject> =>
  optional({
    set: set([...lists, ...single]),
    add: set(lists),
    remove: fc.uniqueArray(fc.constantFrom(...lists, ...single), { minLength: 1, maxLength: 2 }),
  })
const ofRequests = weighted(
  [4, operations([...HEADERS, 'x-new'], ['user-agent'])],
  [1, fc.constantFrom('set.example.com', 'b:8080').map((host): JsonObject => ({ set: { host } }))],
)
const ofResponses = operations(['x-r', 'x-new'], ['server', 'content-type'])
const headers: Arbitrary<JsonObject> = optional({ request: ofRequests, response: ofResponses }).map(
  (headers): JsonObject => ({ headers }),
)

const percentage = fc.constantFrom<JsonObject[]>({ value: 100 }, { value: 100 }, { value: 0 }, {})
const delay: Arbitrary<JsonObject> = percentage.map(percentage => ({ fixedDelay: '20ms', percentage }))
const abort: Arbitrary<JsonObject> = fc
  .tuple(
    fc.constantFrom<JsonObject[]>({ httpStatus: 418 }, { httpStatus: 503 }, { grpcStatus: 'UNAVAILABLE' }),
    percentage,
  )
  .map(([how, percentage]) => ({ ...how, percentage }))
const fault: Arbitrary<JsonObject> = fc
  .oneof(
    abort.map((abort): JsonObject => ({ abort })),
    delay.map((delay): JsonObject => ({ delay })),
    fc.tuple(delay, abort).map(([delay, abort]): JsonObject => ({ delay, abort })),
  )
  .map((fault): JsonObject => ({ fault }))

const origin: Arbitrary<JsonObject> = fc.constantFrom<JsonObject[]>(
  { exact: 'http://a.example.com' },
  { prefix: 'http://a' },
  { regex: 'http://.*\\.example\\.com' },
  { exact: '*' },
)
const cors: Arbitrary<JsonObject> = fc
  .tuple(
    fc.array(origin, { minLength: 1, maxLength: 2 }),
    optional({
      allowMethods: fc.subarray(['GET', 'POST', 'PUT'], { minLength: 1 }),
      allowHeaders: fc.subarray(['x-a', 'x-b'], { minLength: 1 }),
      exposeHeaders: fc.constant(['x-r']),
      maxAge: fc.constantFrom('10s', '1h'),
      allowCredentials: fc.boolean(),
      unmatchedPreflights: fc.constantFrom('FORWARD', 'IGNORE'),
    }),
  )
  .map(([allowOrigins, more]): JsonObject => ({ corsPolicy: { allowOrigins, ...more } }))

const retries: Arbitrary<JsonObject> = weighted<JsonObject>(
  [1, fc.constant({ attempts: 0 })],
  [
    4,
    fc
      .tuple(
        fc.integer({ min: 1, max: 3 }),
        optional({
          perTryTimeout: fc.constantFrom('250ms', '5s'),
          retryOn: fc.constantFrom('5xx', 'gateway-error', '503', 'retriable-4xx', 'connect-failure', '418,503'),
          backoff: fc.constant('5ms'),
          retryIgnorePreviousHosts: fc.boolean(),
        }),
      )
      .map(([attempts, more]) => ({ attempts, ...more })),
  ],
).map((retries): JsonObject => ({ retries }))

const rewrite: Arbitrary<JsonObject> = fc
  .oneof(
    fc.constantFrom('/', '/r', '/r/', '/r?x=1').map((uri): JsonObject => ({ uri })),
    fc.constantFrom('r.example.com', 'b').map((authority): JsonObject => ({ authority })),
    fc.constant<JsonObject>({ uri: '/both', authority: 'both.example.com' }),
    fc
      .constantFrom(
        { match: '^/a(.*)$', rewrite: '/x\\1' },
        { match: 'b', rewrite: 'c' },
        { match: '/([^/]*)/([^/]*)', rewrite: '/\\2/\\1' },
      )
      .map((uriRegexRewrite): JsonObject => ({ uriRegexRewrite })),
  )
  .map((rewrite): JsonObject => ({ rewrite }))

export type Action = 'route' | 'redirect' | 'directResponse' | 'delegate'

/** A service as a rule of the namespace may call it; now and then by a name that is another's, or nobody's. */
export function nameOf({ host, namespace }: GeneratedService, from: string): Arbitrary<string> {
  if (!host.endsWith(`.${DOMAIN}`)) return fc.constant(host.replace('*', 'x'))
  const name = host.slice(0, host.indexOf('.'))
  return weighted(
    [16, namespace === from ? fc.constantFrom(host, name) : fc.constant(host)],
    [1, fc.constantFrom(name, `${name}.${namespace}`)],
  )
}

function destination(services: readonly GeneratedService[], namespace: string): Arbitrary<JsonObject> {
  return fc.constantFrom(...services).chain(service => {
    const host = weighted(
      [20, nameOf(service, namespace)],
      [1, fc.constant(service.host)],
      [1, fc.constantFrom('nobody', 'nobody.example.com')],
    )
    const own = service.ports.map((number): JsonObject => ({ port: { number } }))
    const port = weighted<JsonObject>(
      [service.ports.length > 1 ? 2 : 5, fc.constant({})],
      [14, fc.constantFrom(...own)],
      [1, fc.constant({ port: { number: 8082 } })],
    )
    const subset = seldom(
      3,
      weighted<string>([8, fc.constantFrom('v1', 'v2')], [1, fc.constantFrom(...SUBSETS, 'unknown')]).map(
        (subset): JsonObject => ({ subset }),
      ),
    )
    return fc.tuple(host, port, subset).map(([host, port, subset]) => ({ host, ...port, ...subset }))
  })
}

/** With `shares` chance decides between several; without, one of them has all the weight. */
function route(services: readonly GeneratedService[], namespace: string, shares: boolean): Arbitrary<JsonObject> {
  const target = fc
    .tuple(destination(services, namespace), seldom(6, headers))
    .map(([destination, own]): JsonObject => ({ destination, ...own }))
  const weights = shares ? fc.constantFrom([1, 1], [30, 70], [2, 1, 2]) : fc.constantFrom([0, 1], [100, 0], [0, 7, 0])
  const several = weights.chain(list =>
    fc
      .tuple(...list.map(() => target))
      .map(targets => targets.map((each, index): JsonObject => ({ ...each, weight: list[index]! }))),
  )
  const single = fc
    .tuple(
      target,
      seldom(
        3,
        fc.constantFrom(1, 100, 0).map((weight): JsonObject => ({ weight })),
      ),
    )
    .map(([each, weight]): JsonObject[] => [{ ...each, ...weight }])
  return weighted([shares ? 1 : 3, single], [1, several]).map(list => ({ route: list as JsonValue }))
}

const redirect: Arbitrary<JsonObject> = fc
  .tuple(
    fc.oneof(
      fc.constantFrom('/to', '/to?q=1').map((uri): JsonObject => ({ uri })),
      fc.constant<JsonObject>({ authority: 'to.example.com' }),
      fc.constantFrom('http', 'https').map((scheme): JsonObject => ({ scheme })),
      fc.constantFrom(80, 443, 8443).map((port): JsonObject => ({ port })),
      fc.constant<JsonObject>({ uri: '/to', authority: 'to.example.com', scheme: 'https' }),
      fc
        .constantFrom('FROM_REQUEST_PORT', 'FROM_PROTOCOL_DEFAULT')
        .map((derivePort): JsonObject => ({ derivePort, authority: 'to.example.com' })),
    ),
    seldom(
      2,
      fc.constantFrom(301, 302, 303, 307, 308).map((redirectCode): JsonObject => ({ redirectCode })),
    ),
  )
  .map(([what, code]) => ({ redirect: { ...what, ...code } }))

/** Not one of 204 with a body: Envoy sends it, and no client can read it. */
const directResponse: Arbitrary<JsonObject> = fc
  .oneof(
    fc.constant<JsonObject>({ status: 204 }),
    fc
      .tuple(
        fc.constantFrom(200, 404, 503),
        fc.constantFrom<JsonObject[]>({}, { body: { string: 'answered here' } }, { body: { bytes: 'aGVsbG8=' } }),
      )
      .map(([status, body]): JsonObject => ({ status, ...body })),
  )
  .map((directResponse): JsonObject => ({ directResponse }))

/** The shortest is for services that answer late. */
const timeout = fc.constantFrom('250ms', '5s').map((timeout): JsonObject => ({ timeout }))

function mirrors(services: readonly GeneratedService[], namespace: string): Arbitrary<JsonObject> {
  return fc
    .tuple(destination(services, namespace), percentage, fc.constantFrom('mirrors', 'mirror', 'older'))
    .map(([destination, percentage, form]): JsonObject => {
      if (form === 'mirrors') return { mirrors: [{ destination, percentage }] }
      return { mirror: destination, ...(form === 'older' ? { mirrorPercent: 50 } : { mirrorPercentage: percentage }) }
    })
}

/** Fields of a rule that forwards, or that leaves forwarding to its delegate. */
function forwarding(services: readonly GeneratedService[], namespace: string): Arbitrary<JsonObject> {
  return fc
    .tuple(
      seldom(4, rewrite),
      seldom(8, fault),
      seldom(7, cors),
      seldom(5, retries),
      seldom(6, timeout),
      seldom(12, mirrors(services, namespace)),
    )
    .map(parts => Object.assign({}, ...parts) as JsonObject)
}

/** All of an HTTP rule but its name and matches. */
export function httpAction(
  action: Action,
  services: readonly GeneratedService[],
  namespace: string,
  shares: boolean,
): Arbitrary<JsonObject> {
  const own = seldom(3, headers)
  const whole = {
    route: fc.tuple(route(services, namespace, shares), own, forwarding(services, namespace)),
    redirect: fc.tuple(redirect, own),
    directResponse: fc.tuple(directResponse, own),
    delegate: fc.tuple(own, forwarding(services, namespace), seldom(10, directResponse)),
  }[action] as Arbitrary<JsonObject[]>
  return whole.map(parts => onceTheAuthority(Object.assign({}, ...parts) as JsonObject))
}

/** Istio refuses a rule that sets the authority in two places. */
function onceTheAuthority(rule: JsonObject): JsonObject {
  const { headers, ...others } = rule as { headers?: { request?: { set?: JsonObject } } } & JsonObject
  const rewrites = (rule['rewrite'] as JsonObject | undefined)?.['authority'] !== undefined
  return rewrites && headers?.request?.set?.['host'] !== undefined ? others : rule
}
