// Fields and counters as an Envoy 1.40 with the same config gave them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { create } from '@bufbuild/protobuf'
import { packAny } from '../../../../xds/any-pack.ts'
import { CorsPolicySchema } from '../../../../xds/generated/envoy/extensions/filters/http/cors/v3/cors_pb.ts'
import { type FilterStage, filter, routeConfig, withFilters } from '../../../http/testing/filter-stage.ts'
import { compileRoutePolicy } from './config.ts'

const NAME = 'envoy.filters.http.cors'
const CHAIN = [filter('cors.v3.Cors')]
const ORIGINS = [{ exact: 'http://a.com' }]
const FULL: JsonObject = {
  allowOriginStringMatch: ORIGINS,
  allowMethods: 'GET,PUT',
  allowHeaders: 'x-h',
  exposeHeaders: 'x-e',
  maxAge: '100',
  allowCredentials: true,
  allowPrivateNetworkAccess: true,
}
const policy = (fields: JsonObject): JsonObject => ({
  typedPerFilterConfig: { [NAME]: routeConfig('cors.v3.CorsPolicy', fields) },
})
const to = (prefix: string, fields?: JsonObject, action: JsonObject = {}): JsonObject => ({
  match: { prefix },
  route: { cluster: 'c', ...action },
  ...(fields && policy(fields)),
})
const never = { defaultValue: { numerator: 0 } }
const always = { defaultValue: { numerator: 100 } }

const A = 'origin: http://a.com\r\n'
const B = 'origin: http://b.com\r\n'
const PUT = 'access-control-request-method: PUT\r\n'

/** `access-control-*` without the prefix. */
async function corsOf(stage: FilterStage, method: string, path: string, fields: string): Promise<string> {
  const { headers } = await stage.send(`${method} ${path} HTTP/1.1\r\nhost: a.b\r\n${fields}\r\n`)
  const found = Object.entries(headers).filter(([name]) => name.startsWith('access-control-'))
  return found.map(([name, value]) => `${name.slice(15)}=${value}`).join(' ')
}

const answer = (): string =>
  'HTTP/1.1 200 OK\r\naccess-control-allow-origin: up\r\naccess-control-expose-headers: upe\r\ncontent-length: 0\r\n\r\n'
const UPSTREAM = 'allow-origin=up expose-headers=upe'
const ACTUAL = 'allow-origin=http://a.com expose-headers=x-e allow-credentials=true'
const PREFLIGHT =
  'allow-origin=http://a.com allow-credentials=true allow-methods=GET,PUT allow-headers=x-h max-age=100 expose-headers=x-e'

test('actual requests and preflights', () => {
  const routes = [
    to('/full', FULL),
    to('/off', { ...FULL, filterEnabled: never }),
    to('/shadow', { ...FULL, filterEnabled: never, shadowEnabled: always }),
    to('/star', { allowOriginStringMatch: [{ exact: '*' }], allowMethods: '*', allowHeaders: '*' }),
    to('/answered', { ...FULL, forwardNotMatchingPreflights: false }),
    to('/legacy', undefined, { cors: { allowOriginStringMatch: ORIGINS, allowMethods: 'L' } }),
    { match: { prefix: '/direct' }, directResponse: { status: 200 }, ...policy(FULL) },
    to('/none'),
  ]
  const cases: readonly (readonly [method: string, path: string, fields: string, expected: string])[] = [
    ['GET', '/full', A, ACTUAL],
    ['GET', '/full', '', UPSTREAM],
    ['GET', '/full', B, UPSTREAM],
    ['OPTIONS', '/full', A + PUT, PREFLIGHT],
    ['OPTIONS', '/full', A, ACTUAL],
    ['OPTIONS', '/full', B + PUT, UPSTREAM],
    ['OPTIONS', '/full', `${A}access-control-request-method: \r\n`, ACTUAL],
    ['OPTIONS', '/full', PUT, UPSTREAM],
    ['GET', '/off', A, UPSTREAM],
    ['OPTIONS', '/off', A + PUT, UPSTREAM],
    ['GET', '/shadow', A, UPSTREAM],
    ['OPTIONS', '/shadow', A + PUT, UPSTREAM],
    ['GET', '/star', A, 'allow-origin=http://a.com expose-headers=upe'],
    [
      'OPTIONS',
      '/star',
      `${A + PUT}access-control-request-headers: x-q\r\n`,
      'allow-origin=http://a.com allow-methods=PUT allow-headers=x-q',
    ],
    ['OPTIONS', '/answered', B + PUT, 'allow-credentials=true allow-methods=GET,PUT allow-headers=x-h max-age=100'],
    ['OPTIONS', '/legacy', A + PUT, 'allow-origin=http://a.com allow-methods=L'],
    ['OPTIONS', '/direct', A + PUT, ''],
    ['GET', '/direct', A, ''],
    ['OPTIONS', '/none', A + PUT, UPSTREAM],
  ]
  return withFilters({ filters: CHAIN, routes, answer }, async stage => {
    for (const [method, path, fields, expected] of cases)
      assert.equal(await corsOf(stage, method, path, fields), expected, `${method} ${path} ${fields}`)
    const privately = `${A + PUT}access-control-request-private-network: true\r\n`
    assert.match(await corsOf(stage, 'OPTIONS', '/full', privately), / allow-private-network=true /)
    assert.equal(stage.lastLog, '200 - cors_response')
    assert.equal(stage.proxy.stats.value('http.test.cors.origin_valid'), 10)
    assert.equal(stage.proxy.stats.value('http.test.cors.origin_invalid'), 3)
  })
})

test('a preflight is a browser’s, whatever its content type says: it is answered in HTTP', () =>
  withFilters({ filters: CHAIN, routes: [to('/', FULL)] }, async stage => {
    const { status, headers } = await stage.send(
      `OPTIONS / HTTP/1.1\r\nhost: a.b\r\ncontent-type: application/grpc\r\n${A}${PUT}\r\n`,
    )
    assert.deepEqual([status, headers['grpc-status'], headers['content-type']], [200, undefined, undefined])
  }))

test('each field is the most specific level’s that sets it; to be on is the most specific level’s alone', () => {
  const virtualHost = {
    ...policy({ ...FULL, allowMethods: 'VH', maxAge: '7' }),
    cors: { allowOriginStringMatch: ORIGINS, allowMethods: 'VL' },
  }
  const routes = [
    to('/route', { allowMethods: 'R', allowCredentials: false }),
    to('/off', { filterEnabled: never }),
    to('/legacy', undefined, { cors: { allowOriginStringMatch: ORIGINS, allowMethods: 'L' } }),
  ]
  return withFilters({ filters: CHAIN, routes, virtualHost }, async stage => {
    const preflight = (path: string) => corsOf(stage, 'OPTIONS', path, A + PUT)
    assert.equal(
      await preflight('/route'),
      'allow-origin=http://a.com allow-methods=R allow-headers=x-h max-age=7 expose-headers=x-e',
    )
    assert.equal(await preflight('/off'), '')
    assert.match(await preflight('/legacy'), /allow-methods=VH/)
  })
})

test('the deprecated fields: route over virtual host', () => {
  const virtualHost = { cors: { allowOriginStringMatch: ORIGINS, allowMethods: 'VL', maxAge: '3' } }
  const routes = [to('/route', undefined, { cors: { allowMethods: 'L' } }), to('/host')]
  return withFilters({ filters: CHAIN, routes, virtualHost }, async stage => {
    const preflight = (path: string) => corsOf(stage, 'OPTIONS', path, A + PUT)
    assert.equal(await preflight('/route'), 'allow-origin=http://a.com allow-methods=L max-age=3')
    assert.equal(await preflight('/host'), 'allow-origin=http://a.com allow-methods=VL max-age=3')
  })
})

test('what would end a field is refused', () => {
  const compiled = compileRoutePolicy(
    packAny(CorsPolicySchema, create(CorsPolicySchema, { allowMethods: 'a\r\nb: c' })),
  )
  assert.deepEqual(compiled.ok ? [] : compiled.problems.map(({ path }) => path), ['allow_methods'])
})
