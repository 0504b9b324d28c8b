// Fields as an Envoy 1.40 with the same config sent them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromJson, type JsonObject } from '@bufbuild/protobuf'
import { packAny } from '../../../../xds/any-pack.ts'
import { HeaderMutationSchema } from '../../../../xds/generated/envoy/extensions/filters/http/header_mutation/v3/header_mutation_pb.ts'
import { type FilterStage, filter, routeConfig, withFilters } from '../../../http/testing/filter-stage.ts'
import { compileHeaderMutation } from './config.ts'

const NAME = 'envoy.filters.http.header_mutation'
const SET = 'OVERWRITE_IF_EXISTS_OR_ADD'
const append = (key: string, value: string, appendAction?: string, rest: JsonObject = {}): JsonObject => ({
  append: { header: { key, value }, ...(appendAction && { appendAction }), ...rest },
})
const chain = (mutations: JsonObject, rest: JsonObject = {}): JsonObject =>
  filter('header_mutation.v3.HeaderMutation', { mutations, ...rest })

/** Values of the fields that begin with `x-` in what the upstream got last. */
function received(stage: FilterStage): string[] {
  const { headers } = stage.upstream.requests.at(-1)!.head
  const found: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    if (/^x-(?!forwarded|request-id|envoy)/.test(headers[i]!)) found.push(`${headers[i]}=${headers[i + 1]}`)
  }
  return found
}

test('requests and responses, one mutation after the other', () => {
  const requestMutations = [
    append('x-set', '1', SET),
    append('x-a', '1'),
    append('x-absent', '1', 'ADD_IF_ABSENT'),
    append('x-absent', '2', 'ADD_IF_ABSENT'),
    append('x-there', 'n', 'OVERWRITE_IF_EXISTS'),
    { remove: 'X-Gone' },
    append('x-f', '%REQ(x-set)%'),
    append('x-empty', '%REQ(nope)%'),
    append('x-kept', '%REQ(nope)%', undefined, { keepEmptyValue: true }),
  ]
  const responseMutations = [append('x-code', '%RESPONSE_CODE%'), append('x-copy', '%RESP(x-up)%'), { remove: 'x-up' }]
  const options = {
    filters: [chain({ requestMutations, responseMutations })],
    routes: [{ match: { path: '/' }, route: { cluster: 'c' } }],
    answer: () => 'HTTP/1.1 200 OK\r\nx-up: 7\r\ncontent-length: 0\r\n\r\n',
  }
  return withFilters(options, async stage => {
    const { headers } = await stage.get('/', 'x-set: 0\r\nx-gone: 1\r\nx-a: 0\r\n')
    assert.deepEqual(received(stage), ['x-set=1', 'x-a=0', 'x-a=1', 'x-absent=1', 'x-f=1', 'x-kept='])
    assert.deepEqual([headers['x-code'], headers['x-copy'], headers['x-up']], ['200', '7', undefined])
    const missing = await stage.get('/none')
    assert.deepEqual([missing.status, missing.headers['x-code']], [404, '404'])
    const grpc = await stage.get('/none', 'content-type: application/grpc\r\n')
    assert.deepEqual([grpc.status, grpc.headers['x-code']], [200, '404'])
    assert.equal(stage.lastLog.slice(0, 3), '200')
  })
})

test('the scheme is the request’s own, or what a proxy that is trusted says', () => {
  const requestMutations = [append('x-scheme', '%REQ(:SCHEME)%')]
  return withFilters({ filters: [chain({ requestMutations })] }, async stage => {
    for (const [target, scheme] of [
      ['/', 'https'],
      ['http://a.b/', 'http'],
    ] as const) {
      await stage.send(`GET ${target} HTTP/1.1\r\nhost: a.b\r\nx-forwarded-proto: https\r\n\r\n`)
      assert.deepEqual(received(stage), [`x-scheme=${scheme}`])
    }
  })
})

test('the cluster of the route is known before the request goes there', () => {
  const requestMutations = [append('x-to', '%UPSTREAM_CLUSTER% %ROUTE_NAME%')]
  const routes = [{ name: 'r', match: { path: '/' }, route: { cluster: 'c' } }]
  return withFilters({ filters: [chain({ requestMutations })], routes }, async stage => {
    await stage.get('/')
    assert.deepEqual(received(stage), ['x-to=c r'])
  })
})

for (const wins of [false, true]) {
  test(`every level of the route, ${wins ? 'least' : 'most'} specific first`, () => {
    const mutations = (value: string): JsonObject => ({
      requestMutations: [append('x-all', value), append('x-one', value, SET)],
      responseMutations: [append('x-all', value), append('x-one', value, SET)],
    })
    const level = (value: string): JsonObject => ({
      typedPerFilterConfig: {
        [NAME]: routeConfig('header_mutation.v3.HeaderMutationPerRoute', { mutations: mutations(value) }),
      },
    })
    const clusters = [{ name: 'c', weight: 1, ...level('cluster') }]
    const options = {
      filters: [chain(mutations('chain'), { mostSpecificHeaderMutationsWins: wins })],
      routes: [{ match: { prefix: '/' }, route: { weightedClusters: { clusters } }, ...level('route') }],
      virtualHost: level('host'),
      routeConfiguration: level('table'),
    }
    const levels = ['cluster', 'route', 'host', 'table']
    if (wins) levels.reverse()
    return withFilters(options, async stage => {
      const { headers } = await stage.get('/')
      const expected = ['chain', ...levels]
      assert.equal(headers['x-all'], expected.join(', '))
      assert.equal(headers['x-one'], expected.at(-1))
      assert.deepEqual(
        received(stage).filter(field => field.startsWith('x-all=')),
        expected.map(v => `x-all=${v}`),
      )
      assert.ok(received(stage).includes(`x-one=${expected.at(-1)}`))
    })
  })
}

test('names that a filter may not touch are refused', () => {
  const problems = (mutation: JsonObject): string[] => {
    const message = fromJson(HeaderMutationSchema, { mutations: { requestMutations: [mutation] } })
    const compiled = compileHeaderMutation(packAny(HeaderMutationSchema, message))
    return compiled.ok ? [] : compiled.problems.map(({ path }) => path ?? '')
  }
  const at = 'mutations.request_mutations[0]'
  for (const name of [':path', 'host', 'content-length', 'x y'])
    assert.deepEqual(problems(append(name, '1')), [`${at}.append.header.key`], name)
  assert.deepEqual(problems({ remove: ':path' }), [`${at}.remove`])
  assert.deepEqual(problems(append('x', 'a\r\nb')), [`${at}.append.header.value`])
  assert.deepEqual(problems({}), [at])
})
