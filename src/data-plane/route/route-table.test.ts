import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, fromJson, type JsonObject, type JsonValue } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { SeededRandom } from '../../base/random.ts'
import type { RequestHead } from '../../transport/request-head.ts'
import { RouteConfigurationSchema } from '../../xds/generated/envoy/config/route/v3/route_pb.ts'
import { MESSAGE_REGISTRY } from '../../xds/message-registry.ts'
import type { ConnectionInfo } from '../connection-info.ts'
import { StreamInfo } from '../stream-info.ts'
import { fakeConnection } from '../testing/fake-connection.ts'
import { compileRouteTable } from './compile-route-table.ts'
import { type ForwardRoute, RETRY_ON, type RedirectRoute, type RouteEntry, type RouteTable } from './route-entry.ts'
import { RouteTables } from './route-tables.ts'

function compile(configuration: JsonObject): RouteTable {
  const compiled = compileRouteTable(fromJson(RouteConfigurationSchema, { name: 'r', ...configuration }))
  assert.ok(compiled.ok, compiled.ok ? '' : JSON.stringify(compiled.problems))
  return compiled.value
}

function problemsOf(configuration: JsonObject): string[] {
  const compiled = compileRouteTable(fromJson(RouteConfigurationSchema, { name: 'r', ...configuration }))
  return compiled.ok ? [] : compiled.problems.map(problem => `${problem.code} ${problem.path}`)
}

/** One virtual host for everything. */
function tableOf(routes: JsonValue[], rest: JsonObject = {}): RouteTable {
  return compile({ virtualHosts: [{ name: 'all', domains: ['*'], routes, ...rest }] })
}

function head(path: string, headers: string[] = [], authority = 'example.com', method = 'GET'): RequestHead {
  return { method, path, authority, scheme: 'http', headers, protocol: '' }
}

type Peer = ConnectionInfo['peer']

function match(table: RouteTable, request: RequestHead, random = 0, peer: Peer = null): RouteEntry | null {
  const info = { metadataOf: () => undefined, allMetadata: () => null, connection: { peer } }
  return table.match({ head: request, info, random: () => random })
}

function nameOf(table: RouteTable, request: RequestHead, random = 0): string | undefined {
  return match(table, request, random)?.name
}

const to = (name: string, matcher: JsonObject, action: JsonObject = {}): JsonObject => ({
  name,
  match: matcher,
  route: { cluster: name, ...action },
})

const connection = fakeConnection({ remoteAddress: '10.0.0.9:5555', remoteIp: '10.0.0.9' })

test('virtual hosts: exact, longest suffix, longest prefix, any', () => {
  const domains = ['a.foo.com', '*.foo.com', '*-bar.foo.com', 'foo.*', 'foo.b*', '*', 'with.port:80', '[::1]:80']
  const table = compile({
    virtualHosts: domains.map(domain => ({ name: domain, domains: [domain], routes: [to(domain, { prefix: '/' })] })),
  })
  const hostOf = (authority: string): string | undefined => match(table, head('/', [], authority))?.virtualHost
  assert.equal(hostOf('A.Foo.COM'), 'a.foo.com')
  assert.equal(hostOf('b.foo.com'), '*.foo.com')
  assert.equal(hostOf('b.a.foo.com'), '*.foo.com')
  assert.equal(hostOf('x-bar.foo.com'), '*-bar.foo.com')
  assert.equal(hostOf('-bar.foo.com'), '*.foo.com')
  assert.equal(hostOf('.foo.com'), '*')
  assert.equal(hostOf('foo.com'), 'foo.*')
  assert.equal(hostOf('foo.bar'), 'foo.b*')
  assert.equal(hostOf('with.port:80'), 'with.port:80')
  assert.equal(hostOf('with.port'), '*')
  assert.equal(hostOf('[::1]:80'), '[::1]:80')
})

test('the port does not count where the configuration says so', () => {
  const table = compile({
    ignorePortInHostMatching: true,
    virtualHosts: [{ name: 'v', domains: ['a.com', '[::1]'], routes: [to('x', { prefix: '/' })] }],
  })
  assert.equal(nameOf(table, head('/', [], 'a.com:8080')), 'x')
  assert.equal(nameOf(table, head('/', [], '[::1]:8080')), 'x')
  assert.equal(nameOf(table, head('/', [], 'b.com:8080')), undefined)
})

test('paths: prefix, exact, separated prefix, regex; case; the query does not count; the first match wins', () => {
  const table = tableOf([
    to('exact', { path: '/a' }),
    to('folded', { prefix: '/CaSe/', caseSensitive: false }),
    to('regex', { safeRegex: { regex: '/r/[0-9]+' } }),
    to('separated', { pathSeparatedPrefix: '/api/dev' }),
    to('long', { prefix: '/api/development' }),
    to('first', { prefix: '/p' }),
    to('never', { prefix: '/pq' }),
    to('rest', { prefix: '/' }),
  ])
  assert.equal(nameOf(table, head('/a?x=1')), 'exact')
  assert.equal(nameOf(table, head('/a/')), 'rest')
  assert.equal(nameOf(table, head('/cAsE/x')), 'folded')
  assert.equal(nameOf(table, head('/r/12?q')), 'regex')
  assert.equal(nameOf(table, head('/r/12x')), 'rest')
  assert.equal(nameOf(table, head('/api/dev')), 'separated')
  assert.equal(nameOf(table, head('/api/dev?x')), 'separated')
  assert.equal(nameOf(table, head('/api/dev/x')), 'separated')
  assert.equal(nameOf(table, head('/api/development/x')), 'long')
  assert.equal(nameOf(table, head('/pqr')), 'first')
  assert.equal(nameOf(table, head('*')), undefined)
  const plain = tableOf([to('é', { path: '/é' })])
  assert.equal(nameOf(plain, head(Buffer.from('/é').toString('latin1'))), 'é')
})

test('headers: every kind, inverted, missing, pseudo', () => {
  const cases: readonly (readonly [matcher: JsonObject, headers: string[], expected: boolean])[] = [
    [{ name: 'X', stringMatch: { exact: 'a,b' } }, ['x', 'a', 'x', 'b'], false],
    [{ name: 'X', stringMatch: { exact: 'b' } }, ['x', 'a', 'x', 'b'], true],
    [{ name: 'x', stringMatch: { exact: 'b' }, invertMatch: true }, ['x', 'a', 'x', 'b'], false],
    [{ name: 'x', stringMatch: { exact: 'A', ignoreCase: true } }, ['x', 'a'], true],
    [{ name: 'x', stringMatch: { prefix: 'ab' } }, ['x', 'abc'], true],
    [{ name: 'x', stringMatch: { suffix: 'BC', ignoreCase: true } }, ['x', 'abc'], true],
    [{ name: 'x', stringMatch: { contains: 'b' } }, ['x', 'abc'], true],
    [{ name: 'x', stringMatch: { safeRegex: { regex: 'a.c' } } }, ['x', 'abcd'], false],
    [{ name: 'x' }, ['x', ''], true],
    [{ name: 'x', presentMatch: true, invertMatch: true }, [], true],
    [{ name: 'x', presentMatch: false }, [], true],
    [{ name: 'x', stringMatch: { exact: 'a' }, invertMatch: true }, ['x', 'b'], true],
    [{ name: 'x', stringMatch: { exact: 'a' }, invertMatch: true }, [], false],
    [{ name: 'x', stringMatch: { exact: 'a' }, invertMatch: true, treatMissingHeaderAsEmpty: true }, [], true],
    [{ name: 'x', stringMatch: { exact: '' }, treatMissingHeaderAsEmpty: true }, [], true],
    [{ name: 'x', rangeMatch: { start: '-5', end: '10' } }, ['x', '-5'], true],
    [{ name: 'x', rangeMatch: { start: '-5', end: '10' } }, ['x', '10'], false],
    [{ name: 'x', rangeMatch: { start: '0', end: '10' } }, ['x', '1a'], false],
    [{ name: ':method', stringMatch: { exact: 'GET' } }, [], true],
    [{ name: ':authority', stringMatch: { suffix: '.com' } }, [], true],
    [{ name: 'host', stringMatch: { exact: 'example.com' } }, [], true],
    [{ name: ':scheme', stringMatch: { exact: 'http' } }, [], true],
    [{ name: ':path', stringMatch: { exact: '/?q=1' } }, [], true],
  ]
  for (const [matcher, headers, expected] of cases) {
    const table = tableOf([to('x', { prefix: '/', headers: [matcher] })])
    assert.equal(nameOf(table, head('/?q=1', headers)) === 'x', expected, JSON.stringify(matcher))
  }
})

test('query parameters are compared as sent; grpc and fractions', () => {
  const table = tableOf([
    to('exact', { prefix: '/', queryParameters: [{ name: 'a', stringMatch: { exact: 'x%20y' } }] }),
    to('present', { prefix: '/', queryParameters: [{ name: 'b', presentMatch: true }] }),
    to('empty', { prefix: '/', queryParameters: [{ name: 'c', stringMatch: { exact: '' } }] }),
    to('grpc', { prefix: '/', grpc: {} }),
    to('half', { prefix: '/half', runtimeFraction: { defaultValue: { numerator: 50 }, runtimeKey: 'k' } }),
    to('rest', { prefix: '/' }),
  ])
  assert.equal(nameOf(table, head('/?z&a=x%20y&a=2')), 'exact')
  assert.equal(nameOf(table, head('/?a=2&a=x%20y')), 'rest')
  assert.equal(nameOf(table, head('/?bb&b')), 'present')
  assert.equal(nameOf(table, head('/?c')), 'empty')
  assert.equal(nameOf(table, head('/?cc=1')), 'rest')
  assert.equal(nameOf(table, head('/', ['content-type', 'application/grpc+proto'])), 'grpc')
  assert.equal(nameOf(table, head('/', ['content-type', 'application/grpc-web'])), 'rest')
  assert.equal(nameOf(table, head('/half'), 0.49), 'half')
  assert.equal(nameOf(table, head('/half'), 0.5), 'rest')
})

const PATHS = ['/', '/a', '/a/', '/ab', '/a/b', '/a/b/c', '/b', '/A/b']
const pathMatcher: fc.Arbitrary<JsonObject> = fc.oneof(
  fc.record({ prefix: fc.constantFrom(...PATHS) }),
  fc.record({ path: fc.constantFrom(...PATHS) }),
  fc.record({ prefix: fc.constantFrom(...PATHS), caseSensitive: fc.constant(false) }),
  fc.record({ pathSeparatedPrefix: fc.constantFrom('/a', '/ab', '/a/b', '/b') }),
  fc.record({ safeRegex: fc.record({ regex: fc.constantFrom('/a.*', '.*b', '/[ab]', '/a/b(/c)?') }) }),
)
const matcher = fc
  .tuple(pathMatcher, fc.constantFrom(null, '1', '2', '3'))
  .map(
    ([path, value]): JsonObject =>
      value === null ? path : { ...path, headers: [{ name: 'k', stringMatch: { exact: value } }] },
  )

test('the index finds the route that trying one after the other finds', () => {
  fc.assert(
    fc.property(fc.array(matcher, { maxLength: 40 }), (matchers: JsonObject[]) => {
      const indexed = tableOf(matchers.map((one, index) => to(String(index), one)))
      const alone = matchers.map((one, index) => tableOf([to(String(index), one)]))
      for (const path of PATHS) {
        for (const headers of [[], ['k', '1'], ['k', '2'], ['k', '4']]) {
          const request = head(`${path}?q`, headers)
          const expected = alone.map(table => nameOf(table, request)).find(name => name !== undefined)
          assert.equal(nameOf(indexed, request), expected, path)
        }
      }
    }),
    { numRuns: 200 },
  )
})

test('weighted clusters share by weight over the sum; zero gets nothing', () => {
  const clusters = [
    { name: 'a', weight: 1 },
    { name: 'z', weight: 0 },
    { name: 'b', weight: 3, hostRewriteLiteral: 'b.com' },
  ]
  const table = tableOf([{ match: { prefix: '/' }, route: { weightedClusters: { clusters } } }])
  const route = match(table, head('/')) as ForwardRoute
  assert.equal(route.chooseCluster(0, []).cluster, 'a')
  assert.equal(route.chooseCluster(0.2499, []).cluster, 'a')
  assert.equal(route.chooseCluster(0.25, []).cluster, 'b')
  assert.equal(route.chooseCluster(0.9999, []).hostRewrite, 'b.com')
  const random = new SeededRandom(9)
  let a = 0
  for (let i = 0; i < 10_000; i++) if (route.chooseCluster(random.next(), []).cluster === 'a') a++
  assert.ok(Math.abs(a - 2500) < 220)
})

test('weighted clusters by a number that the request brings, else by chance', () => {
  const clusters = [
    { name: 'a', weight: 1 },
    { name: 'b', weight: 3 },
  ]
  const named = { headerName: 'X-Draw' }
  const table = tableOf([{ match: { prefix: '/' }, route: { weightedClusters: { clusters, ...named } } }])
  const route = match(table, head('/')) as ForwardRoute
  const chosen = [0, 1, 3, 4, 5].map(value => route.chooseCluster(0.9, ['x-draw', String(value)]).cluster)
  assert.deepEqual(chosen, ['a', 'b', 'b', 'a', 'b'])
  assert.equal(route.chooseCluster(0.9, ['x-draw', 'x']).cluster, 'b')
  assert.equal(route.chooseCluster(0.1, []).cluster, 'a')
})

test('a cluster that the request names, by its first such header', () => {
  const table = tableOf([{ match: { prefix: '/' }, route: { clusterHeader: 'X-Cluster' } }])
  const route = match(table, head('/')) as ForwardRoute
  assert.equal(route.chooseCluster(0.5, ['x-cluster', 'a', 'x-cluster', 'b']).cluster, 'a')
  assert.equal(route.chooseCluster(0.5, []).cluster, '')
})

test('timeouts: 15 s when unset, 0 is none; retries with their defaults, and those of the virtual host', () => {
  const table = tableOf(
    [
      to('unset', { path: '/unset' }),
      to('off', { path: '/off' }, { timeout: '0s', maxStreamDuration: { maxStreamDuration: '0s' }, idleTimeout: '0s' }),
      to(
        'own',
        { path: '/own' },
        {
          clusterNotFoundResponseCode: 'NOT_FOUND',
          retryPolicy: {
            retryOn: 'connect-failure, refused-stream,unavailable,cancelled,retriable-status-codes',
            numRetries: 2,
            perTryTimeout: '1.5s',
            retriableStatusCodes: [503],
            retryHostPredicate: [{ name: 'envoy.retry_host_predicates.previous_hosts' }],
            hostSelectionRetryMaxAttempts: '5',
            retryBackOff: { baseInterval: '0.010s' },
          },
        },
      ),
    ],
    { retryPolicy: { retryOn: '5xx' }, includeRequestAttemptCount: true },
  )
  const unset = match(table, head('/unset')) as ForwardRoute
  assert.equal(unset.timeoutMs, 15_000)
  assert.equal(unset.idleTimeoutMs, -1)
  assert.equal(unset.clusterNotFoundStatus, 503)
  assert.equal(unset.attemptCountInRequest, true)
  assert.deepEqual([unset.retry!.attempts, unset.retry!.retryOn, unset.retry!.backoffBaseMs], [1, RETRY_ON['5xx'], 25])
  const off = match(table, head('/off')) as ForwardRoute
  assert.deepEqual([off.timeoutMs, off.idleTimeoutMs], [0, 0])
  const own = match(table, head('/own')) as ForwardRoute
  assert.equal(own.clusterNotFoundStatus, 404)
  assert.deepEqual(own.retry, {
    attempts: 2,
    retryOn:
      RETRY_ON['connect-failure'] |
      RETRY_ON['refused-stream'] |
      RETRY_ON.unavailable |
      RETRY_ON.cancelled |
      RETRY_ON['retriable-status-codes'],
    retriableStatusCodes: [503],
    perTryTimeoutMs: 1500,
    perTryIdleTimeoutMs: 0,
    resetFields: [],
    rateLimitedMaxMs: 300_000,
    retriableHeaders: [],
    retriableRequests: [],
    backoffBaseMs: 10,
    backoffMaxMs: 100,
    avoidPreviousHosts: true,
    hostSelectionAttempts: 5,
    priorityUpdateFrequency: 0,
  })
})

test('rewrites: prefix, whole path, regex; Istio’s double slash is Envoy’s', () => {
  const table = tableOf([
    to('exact', { path: '/exact' }, { prefixRewrite: '/new' }),
    to('regexed', { safeRegex: { regex: '/r/.*' } }, { prefixRewrite: '/new' }),
    to(
      'substitute',
      { prefix: '/s/' },
      { regexRewrite: { pattern: { regex: '^/s/([^/]+)/(.*)$' }, substitution: '/\\2/\\1' } },
    ),
    to('prefix', { prefix: '/p' }, { prefixRewrite: '/' }),
    to('same', { prefix: '/' }),
  ])
  const sent = (path: string): string | null => (match(table, head(path)) as ForwardRoute).rewritePath(head(path))
  assert.equal(sent('/exact?a=1'), '/new?a=1')
  assert.equal(sent('/r/x?a'), '/new?a')
  assert.equal(sent('/s/a/b?q=/s/a/b'), '/b/a?q=/s/a/b')
  assert.equal(sent('/p/x'), '//x')
  assert.equal(sent('/px?y'), '/x?y')
  assert.equal(sent('/other'), null)
})

test('redirects: scheme, host, port, path, query, and the old port', () => {
  const location = (
    redirect: JsonObject,
    path: string,
    authority = 'a.com',
    by: JsonObject = { prefix: '/' },
    scheme = 'http',
  ): string => {
    const route = match(tableOf([{ match: by, redirect }]), head(path, [], authority)) as RedirectRoute
    return `${route.status} ${route.location({ ...head(path, [], authority), scheme })}`
  }
  assert.equal(location({ httpsRedirect: true }, '/x?y'), '301 https://a.com/x?y')
  assert.equal(location({ httpsRedirect: true }, '/', 'a.com:80'), '301 https://a.com/')
  assert.equal(location({ httpsRedirect: true }, '/', 'a.com:8080'), '301 https://a.com:8080/')
  assert.equal(location({ portRedirect: 8443 }, '/', 'a.com:80'), '301 http://a.com:8443/')
  assert.equal(location({ schemeRedirect: 'http' }, '/', '[::1]:443', { prefix: '/' }, 'https'), '301 http://[::1]/')
  assert.equal(
    location({ hostRedirect: 'b.com', responseCode: 'TEMPORARY_REDIRECT' }, '/x', 'a.com:81'),
    '307 http://b.com/x',
  )
  assert.equal(location({ pathRedirect: '/new' }, '/x?y'), '301 http://a.com/new?y')
  assert.equal(location({ pathRedirect: '/new?z', stripQuery: true }, '/x?y'), '301 http://a.com/new?z')
  assert.equal(location({ pathRedirect: '/new', stripQuery: true }, '/x?y'), '301 http://a.com/new')
  assert.equal(location({ prefixRewrite: '/n' }, '/p/x?y', 'a.com', { prefix: '/p' }), '301 http://a.com/n/x?y')
  assert.equal(
    location({ regexRewrite: { pattern: { regex: 'b+' }, substitution: 'c' }, stripQuery: true }, '/abbb?b'),
    '301 http://a.com/ac',
  )
})

test('a rewrite that leaves no path leaves the one that came; a location has its slash', () => {
  const nothing = { pattern: { regex: '[^a]' }, substitution: '' }
  const sent = match(tableOf([to('r', { prefix: '/' }, { regexRewrite: nothing })]), head('/b?q')) as ForwardRoute
  assert.equal(sent.rewritePath(head('/b?q')), null)
  assert.equal(sent.rewritePath(head('/ba?q')), 'a?q')
  const table = tableOf([{ match: { prefix: '/' }, redirect: { regexRewrite: nothing } }])
  const redirect = match(table, head('/b')) as RedirectRoute
  assert.equal(redirect.location(head('/b', [], 'a.com')), 'http://a.com/b')
  assert.equal(redirect.location(head('/ba', [], 'a.com')), 'http://a.com/a')
  assert.equal(redirect.rewritePath(head('/ba')), 'a')
})

test('a missing header that stands for an empty one is there', () => {
  const present = (treatMissingHeaderAsEmpty: boolean, presentMatch = true): RouteTable =>
    tableOf([to('yes', { prefix: '/', headers: [{ name: 'x', presentMatch, treatMissingHeaderAsEmpty }] })])
  assert.equal(nameOf(present(true), head('/')), 'yes')
  assert.equal(nameOf(present(false), head('/')), undefined)
  assert.equal(nameOf(present(true, false), head('/')), undefined)
})

test('a direct response that may have a location has its own', () => {
  const location = (status: number): string | null => {
    const route = match(
      tableOf([{ match: { prefix: '/' }, directResponse: { status } }]),
      head('/x?y'),
    ) as RedirectRoute
    return route.location(head('/x?y', [], 'a.com:81'))
  }
  assert.equal(location(200), null)
  assert.equal(location(201), 'http://a.com:81/x?y')
  assert.equal(location(304), 'http://a.com:81/x?y')
  assert.equal(location(404), null)
})

test('no mutation of any level reaches the redirect to https', () => {
  const responseHeadersToAdd = [{ header: { key: 'x', value: '1' } }]
  const table = tableOf([to('r', { prefix: '/' })], { requireTls: 'ALL', responseHeadersToAdd })
  const headers: string[] = []
  match(table, head('/'))!.responseHeaders.apply(headers, new StreamInfo(connection, 0, 0))
  assert.deepEqual(headers, [])
})

test('the weighted cluster mutates first, whichever level wins among the others', () => {
  const requestHeadersToAdd = (value: string): JsonObject => ({
    requestHeadersToAdd: [{ header: { key: 'x', value } }],
  })
  const applied = (mostSpecificHeaderMutationsWins: boolean): string[] => {
    const clusters = [{ name: 'c', weight: 1, ...requestHeadersToAdd('cluster') }]
    const route = { match: { prefix: '/' }, route: { weightedClusters: { clusters } }, ...requestHeadersToAdd('route') }
    const host = { name: 'v', domains: ['*'], routes: [route], ...requestHeadersToAdd('host') }
    const table = compile({ virtualHosts: [host], mostSpecificHeaderMutationsWins })
    const headers: string[] = []
    const forward = match(table, head('/')) as ForwardRoute
    for (const level of [forward.chooseCluster(0, []), forward])
      level.requestHeaders.apply(headers, new StreamInfo(connection, 0, 0))
    return headers.filter((_, index) => index % 2 === 1)
  }
  assert.deepEqual(applied(false), ['cluster', 'route', 'host'])
  assert.deepEqual(applied(true), ['cluster', 'host', 'route'])
})

test('a value that a peer chose cannot end its field', () => {
  const header = { key: 'x-why', value: 'of %UPSTREAM_TRANSPORT_FAILURE_REASON%' }
  const table = compile({
    virtualHosts: [
      { name: 'v', domains: ['*'], routes: [{ ...to('r', { prefix: '/' }), responseHeadersToAdd: [{ header }] }] },
    ],
  })
  const info = new StreamInfo(connection, 0, 0)
  info.upstreamTransportFailureReason = 'SAN a\r\nset-cookie: b'
  const headers: string[] = []
  match(table, head('/'))!.responseHeaders.apply(headers, info)
  assert.deepEqual(headers, ['x-why', 'of SAN a__set-cookie: b'])
})

test('header mutations: removal first, overwriting, appending, levels, operators', () => {
  const add = (key: string, value: string, appendAction = 'APPEND_IF_EXISTS_OR_ADD'): JsonObject => ({
    header: { key, value },
    appendAction,
  })
  const table = compile({
    requestHeadersToAdd: [add('x-level', 'configuration')],
    virtualHosts: [
      {
        name: 'v',
        domains: ['*'],
        requestHeadersToAdd: [add('x-level', 'host'), add('x-set', 'host', 'OVERWRITE_IF_EXISTS_OR_ADD')],
        routes: [
          {
            ...to('r', { prefix: '/' }, { hostRewriteHeader: 'x-host' }),
            requestHeadersToRemove: ['X-Gone'],
            requestHeadersToAdd: [
              add('x-level', 'route'),
              add('x-set', 'route', 'OVERWRITE_IF_EXISTS_OR_ADD'),
              add('x-absent', 'kept', 'ADD_IF_ABSENT'),
              add('x-none', 'no', 'OVERWRITE_IF_EXISTS'),
              add('X-From', '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% 100%% %REQ(user-agent)%'),
              add('x-empty', '%REQ(x-missing)%'),
              { header: { key: 'x-kept', value: '' }, keepEmptyValue: true },
            ],
            responseHeadersToRemove: ['server'],
          },
        ],
      },
    ],
  })
  const route = match(table, head('/')) as ForwardRoute
  const headers = ['x-gone', '1', 'user-agent', 'curl', 'x-set', 'client', 'x-absent', 'client', 'x-host', 'new.com']
  const info = new StreamInfo(connection, 0, 0)
  info.requestHeaders = headers
  route.requestHeaders.apply(headers, info)
  assert.deepEqual(headers, [
    'user-agent',
    'curl',
    'x-set',
    'host',
    'x-absent',
    'client',
    'x-host',
    'new.com',
    'x-level',
    'route',
    'x-from',
    '10.0.0.9 100% curl',
    'x-kept',
    '',
    'x-level',
    'host',
    'x-level',
    'configuration',
  ])
  assert.equal(route.requestHeaders.authority, 'new.com')
  const response = ['server', 'x', 'a', 'b']
  route.responseHeaders.apply(response, info)
  assert.deepEqual(response, ['a', 'b'])
})

test('direct responses; require_tls sends plaintext to https', () => {
  const table = tableOf([{ match: { prefix: '/' }, directResponse: { status: 418, body: { inlineString: 'tea' } } }])
  const route = match(table, head('/'))
  assert.ok(route?.kind === 'direct-response' && route.status === 418 && route.body.toString() === 'tea')
  const secure = tableOf([to('x', { prefix: '/' })], { requireTls: 'ALL' })
  const redirect = match(secure, head('/p'))
  assert.ok(redirect?.kind === 'redirect')
  assert.equal(redirect.location(head('/p')), 'https://example.com/p')
  assert.equal(match(secure, head('/p', ['x-forwarded-proto', 'https']))?.kind, 'forward')
})

test('beside max_stream_duration the timeout is none; max_grpc_timeout bounds a stream by its own deadline, up to it', () => {
  const table = tableOf([
    to('new', { path: '/new' }, { timeout: '3s', maxStreamDuration: {} }),
    to('old', { path: '/old' }, { timeout: '3s', maxGrpcTimeout: '3s' }),
    to('none', { path: '/none' }, { timeout: '0s', maxGrpcTimeout: '0s' }),
  ])
  const [renewed, old, none] = ['/new', '/old', '/none'].map(path => match(table, head(path)) as ForwardRoute)
  assert.equal(renewed!.timeoutMs, 0)
  assert.equal(old!.timeoutMs, 3000)
  assert.deepEqual(old!.streamDuration, { maxMs: -1, grpcTimeoutMaxMs: 3000, grpcTimeoutOffsetMs: 0 })
  assert.deepEqual(none!.streamDuration, { maxMs: -1, grpcTimeoutMaxMs: 0, grpcTimeoutOffsetMs: 0 })
  const other = to('a', { prefix: '/' }, { timeout: '3s', maxGrpcTimeout: '5s', grpcTimeoutOffset: '1s' })
  assert.deepEqual(problemsOf({ virtualHosts: [{ name: 'v', domains: ['*'], routes: [other] }] }), [
    'WEFT-4001 virtual_hosts[0].routes[0].route.max_grpc_timeout',
    'WEFT-4001 virtual_hosts[0].routes[0].route.grpc_timeout_offset',
  ])
})

test('what is not honoured is a problem that names the field, all of them at once; what only describes is taken', () => {
  const host = (routes: JsonValue[], rest: JsonObject = {}): JsonObject => ({
    virtualHosts: [{ name: 'v', domains: ['*'], routes, ...rest }],
  })
  assert.deepEqual(
    problemsOf(
      host(
        [
          to(
            'a',
            { prefix: '/' },
            { hashPolicy: [{ filterState: { key: 'x' } }], requestMirrorPolicies: [{ clusterHeader: 'm' }] },
          ),
          { match: { safeRegex: { regex: '(?=a)' } }, route: { clusterHeader: 'x' } },
          to(
            'c',
            { prefix: '/' },
            { retryPolicy: { retryOn: 'sometimes' }, maxStreamDuration: { maxStreamDuration: '1s' } },
          ),
          { match: { prefix: '/' }, redirect: { regexRewrite: { pattern: { regex: 'a' }, substitution: '\\1' } } },
          { match: { prefix: '/' } },
          {
            ...to('f', { prefix: '/' }),
            requestHeadersToAdd: [{ header: { key: 'host', value: 'x' } }, { header: { key: 'a', value: '%X%' } }],
          },
        ],
        { hedgePolicy: { initialRequests: 2 } },
      ),
    ).sort(),
    [
      'WEFT-4001 virtual_hosts[0].hedge_policy.initial_requests',
      'WEFT-4001 virtual_hosts[0].routes[0].route.hash_policy[0].filter_state',
      'WEFT-4001 virtual_hosts[0].routes[0].route.request_mirror_policies[0].cluster_header',
      'WEFT-4001 virtual_hosts[0].routes[2].route.retry_policy.retry_on',
      'WEFT-4002 virtual_hosts[0].routes[4]',
      'WEFT-4002 virtual_hosts[0].routes[5].request_headers_to_add[0].header.key',
      'WEFT-4003 virtual_hosts[0].routes[1].match.safe_regex.regex',
      'WEFT-4003 virtual_hosts[0].routes[3].redirect.regex_rewrite.substitution',
      'WEFT-4004 virtual_hosts[0].routes[5].request_headers_to_add[1].header.value',
    ],
  )
  assert.deepEqual(
    problemsOf(host([{ ...to('a', { prefix: '/' }), metadata: {}, decorator: { operation: 'o' }, statPrefix: 's' }])),
    [],
  )
  const twice = { virtualHosts: ['a', 'b'].map(name => ({ name, domains: ['x.com', 'X.com'] })) }
  assert.equal(problemsOf(twice).length, 3)
})

test('what is known of the client’s certificate', () => {
  const asks = (name: string, tlsContext: JsonObject): JsonValue => to(name, { prefix: '/', tlsContext })
  const table = tableOf([
    asks('validated', { validated: true }),
    asks('presented', { presented: true }),
    asks('neither', { presented: false, validated: false }),
  ])
  const peer = (validated: boolean): Peer => ({ uriSan: '', dnsSans: [], subject: '', sha256: '', validated })
  const nameFor = (peer: Peer): string | undefined => match(table, head('/'), 0, peer)?.name
  assert.deepEqual([nameFor(peer(true)), nameFor(peer(false)), nameFor(null)], ['validated', 'presented', 'neither'])
})

test('URI templates match, and rewrite with what they matched', () => {
  const policy = (kind: 'match' | 'rewrite', fields: JsonObject): JsonObject => {
    const message = kind === 'match' ? 'UriTemplateMatchConfig' : 'UriTemplateRewriteConfig'
    const type = `type.googleapis.com/envoy.extensions.path.${kind}.uri_template.v3.${message}`
    return { name: 'template', typedConfig: { '@type': type, ...fields } }
  }
  const matching = (pathTemplate: string): JsonObject => ({ pathMatchPolicy: policy('match', { pathTemplate }) })
  const rewriting = (pathTemplateRewrite: string): JsonObject => ({
    pathRewritePolicy: policy('rewrite', { pathTemplateRewrite }),
  })
  const compiled = compileRouteTable(
    fromJson(
      RouteConfigurationSchema,
      {
        name: 'r',
        virtualHosts: [
          {
            name: 'v',
            domains: ['*'],
            routes: [
              to('t', matching('/{country}/{rest=**}'), rewriting('/{rest}/{country}')),
              to('rest', { prefix: '/' }),
            ],
          },
        ],
      },
      { registry: MESSAGE_REGISTRY },
    ),
  )
  assert.ok(compiled.ok, JSON.stringify(compiled))
  const route = match(compiled.value, head('/de/a/b?q=/x')) as ForwardRoute
  assert.equal(route.name, 't')
  assert.equal(route.rewritePath(head('/de/a/b?q=/x')), '/a/b/de?q=/x')
  assert.equal(nameOf(compiled.value, head('/de')), 'rest')
})

test('a host made of the path; copies that a virtual host, or all of the table, sends', () => {
  const regex = { pattern: { regex: '^/([^/]+)/.*$' }, substitution: '\\1.test' }
  const mirrors = (cluster: string): JsonObject => ({ requestMirrorPolicies: [{ cluster }] })
  const table = compile({
    ...mirrors('everywhere'),
    virtualHosts: [
      {
        name: 'a',
        domains: ['a'],
        routes: [
          to('own', { path: '/own' }, mirrors('own')),
          to('r', { prefix: '/' }, { hostRewritePathRegex: regex }),
        ],
        ...mirrors('host'),
      },
      { name: 'b', domains: ['b'], routes: [to('r', { prefix: '/' }, { autoHostRewrite: true })] },
    ],
  })
  const routeOf = (path: string, host: string): ForwardRoute => match(table, head(path, [], host)) as ForwardRoute
  assert.equal(routeOf('/x', 'a').hostFromPath(head('/x/y?z')), 'x.test')
  assert.deepEqual(
    [routeOf('/own', 'a'), routeOf('/', 'a'), routeOf('/', 'b')].map(({ mirrors }) => mirrors.map(one => one.cluster)),
    [['own'], ['host'], ['everywhere']],
  )
  assert.deepEqual([routeOf('/', 'a').asksForEndpoint, routeOf('/', 'b').asksForEndpoint], [false, true])
})

test('RDS: what compiles is taken, what does not leaves its predecessor', () => {
  const tables = new RouteTables()
  const good = create(RouteConfigurationSchema, { name: 'r' })
  assert.deepEqual(tables.update([good]), [])
  const before = tables.get('r')
  const problems = tables.update([fromJson(RouteConfigurationSchema, { name: 'r', virtualHosts: [{ name: 'v' }] })])
  assert.equal(problems[0]?.object, 'RouteConfiguration r')
  assert.equal(tables.get('r'), before)
  tables.update([], ['r'])
  assert.equal(tables.get('r'), undefined)
})

test('RDS: routes that were taken back stay with those who have them, and nobody new is given them', () => {
  const tables = new RouteTables()
  const delivered = create(RouteConfigurationSchema, { name: 'r' })
  tables.update([delivered])
  const old = tables.hold('r')
  const before = tables.get('r')
  tables.update([], ['r'])
  const young = tables.hold('r')
  assert.deepEqual([old.table, young.table], [before, null])
  tables.update([delivered])
  assert.deepEqual([old.table, young.table], [before, tables.get('r')])
})
