// Statuses, bodies, flags and details as an Envoy 1.40 with the same config gave them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, fromJson, type JsonObject } from '@bufbuild/protobuf'
import { AnySchema } from '@bufbuild/protobuf/wkt'
import { FakeClock } from '../../../../base/clock.ts'
import { packAny } from '../../../../xds/any-pack.ts'
import { HTTPFaultSchema } from '../../../../xds/generated/envoy/extensions/filters/http/fault/v3/fault_pb.ts'
import { filter, routeConfig, withFilters } from '../../../http/testing/filter-stage.ts'
import { RawClient } from '../../../http/testing/raw-client.ts'
import { compileFault } from './config.ts'

const ALL = { numerator: 100 }
const fault = (config: JsonObject) => filter('fault.v3.HTTPFault', config)
const GRPC = 'content-type: application/grpc\r\n'

const headerFaults = fault({
  abort: { headerAbort: {}, percentage: ALL },
  delay: { headerDelay: {}, percentage: ALL },
})

const HEADER_CASES: readonly (readonly [fields: string, status: number, grpc: string | undefined, log: string])[] = [
  ['', 200, undefined, '200 - via_upstream'],
  ['x-envoy-fault-abort-request: 418\r\n', 418, undefined, '418 FI fault_filter_abort'],
  [`x-envoy-fault-abort-request: 418\r\n${GRPC}`, 200, '2', '200 FI fault_filter_abort'],
  [`x-envoy-fault-abort-grpc-request: 5\r\n${GRPC}`, 200, '5', '200 FI fault_filter_abort'],
  [`x-envoy-fault-abort-grpc-request: 99\r\n${GRPC}`, 200, '99', '200 FI fault_filter_abort'],
  ['x-envoy-fault-abort-grpc-request: 5\r\n', 200, undefined, '200 FI fault_filter_abort'],
  [
    'x-envoy-fault-abort-request: 418\r\nx-envoy-fault-abort-request-percentage: 0\r\n',
    200,
    undefined,
    '200 - via_upstream',
  ],
  ['x-envoy-fault-abort-request: 700\r\n', 200, undefined, '200 - via_upstream'],
  ['x-envoy-fault-abort-request: 4e2\r\n', 200, undefined, '200 - via_upstream'],
]

test('aborts as a header of the request asks', () =>
  withFilters({ filters: [headerFaults] }, async stage => {
    for (const [fields, status, grpc, log] of HEADER_CASES) {
      const response = await stage.get('/', fields)
      assert.deepEqual([response.status, response.headers['grpc-status'], stage.lastLog], [status, grpc, log], fields)
      if (!log.includes('FI')) continue
      if (grpc === undefined) assert.equal(response.body, 'fault filter abort')
      else assert.equal(response.headers['grpc-message'], 'fault filter abort')
    }
    assert.equal(stage.proxy.stats.value('http.test.fault.aborts_injected'), 5)
    assert.equal(stage.proxy.stats.value('http.test.fault.active_faults'), 0)
    assert.equal(stage.proxy.logs.at(-1)!.upstreamCluster, 'c')
  }))

test('delays first and aborts when the delay is over; what comes of the body meanwhile is kept', async () => {
  const clock = new FakeClock()
  const filters = [fault({ delay: { fixedDelay: '2s', percentage: ALL } })]
  await withFilters({ filters, clock, answer: ({ body }) => answer(body) }, async stage => {
    const client = new RawClient(stage.proxy.port)
    client.send('POST / HTTP/1.1\r\nhost: a.b\r\ncontent-length: 5\r\n\r\nhello')
    await until(() => stage.proxy.stats.value('http.test.fault.active_faults') === 1)
    clock.advance(1990)
    assert.equal(stage.upstream.requests.length, 0)
    clock.advance(20)
    assert.equal((await client.response()).body, 'hello')
    assert.equal(stage.lastLog, '200 DI via_upstream')
    assert.equal(stage.proxy.stats.value('http.test.fault.active_faults'), 0)
    client.socket.destroy()
  })
  await withFilters({ filters: [headerFaults], clock }, async stage => {
    const client = new RawClient(stage.proxy.port)
    client.send(
      'GET / HTTP/1.1\r\nhost: a\r\nx-envoy-fault-delay-request: 20\r\nx-envoy-fault-abort-request: 503\r\n\r\n',
    )
    await until(() => stage.proxy.stats.value('http.test.fault.delays_injected') === 1)
    clock.advance(30)
    assert.equal((await client.response()).status, 503)
    assert.equal(stage.lastLog, '503 DI,FI fault_filter_abort')
    client.socket.destroy()
  })
})

test('a client that leaves while it is held back takes its fault along', async () => {
  const clock = new FakeClock()
  const filters = [fault({ delay: { fixedDelay: '2s', percentage: ALL }, maxActiveFaults: 1 })]
  await withFilters({ filters, clock }, async stage => {
    const { stats } = stage.proxy
    const client = new RawClient(stage.proxy.port).send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await until(() => stats.value('http.test.fault.active_faults') === 1)
    assert.equal((await stage.get('/')).status, 200)
    assert.equal(stats.value('http.test.fault.faults_overflow'), 1)
    client.socket.destroy()
    await until(() => stats.value('http.test.fault.active_faults') === 0)
    clock.advance(5000)
    assert.equal(stage.upstream.requests.length, 1)
  })
})

test('the most specific level decides, and may switch the filter off', () => {
  const name = 'envoy.filters.http.fault'
  const abort = (error: JsonObject): JsonObject => ({
    [name]: routeConfig('fault.v3.HTTPFault', { abort: { ...error, percentage: ALL } }),
  })
  const to = (prefix: string, rest: JsonObject): JsonObject => ({ match: { prefix }, route: { cluster: 'c' }, ...rest })
  const off = { [name]: { '@type': 'type.googleapis.com/envoy.config.route.v3.FilterConfig', disabled: true } }
  const weighted = [{ name: 'c', weight: 1, typedPerFilterConfig: abort({ httpStatus: 555 }) }]
  const routes = [
    to('/route', { typedPerFilterConfig: abort({ grpcStatus: 7 }) }),
    to('/off', { typedPerFilterConfig: off }),
    { match: { prefix: '/weighted' }, route: { weightedClusters: { clusters: weighted } } },
    to('/', {}),
  ]
  const virtualHost = { typedPerFilterConfig: abort({ httpStatus: 500 }) }
  return withFilters({ filters: [fault({})], routes, virtualHost }, async stage => {
    const statuses: number[] = []
    for (const path of ['/off', '/weighted', '/b']) statuses.push((await stage.get(path)).status)
    assert.deepEqual(statuses, [200, 555, 500])
    assert.equal((await stage.get('/route', GRPC)).headers['grpc-status'], '7')
  })
})

test('only requests that the matchers, the cluster and the node are meant for', () => {
  const abort = { httpStatus: 418, percentage: ALL }
  const filters = [
    fault({ abort, headers: [{ name: 'x-user', stringMatch: { exact: 'j' } }], downstreamNodes: ['n'] }),
    fault({ abort: { ...abort, httpStatus: 419 }, upstreamCluster: 'c' }),
    fault({ abort: { ...abort, httpStatus: 420 }, upstreamCluster: 'other' }),
  ]
  return withFilters({ filters }, async stage => {
    const both = 'x-user: j\r\nx-envoy-downstream-service-node: n\r\n'
    assert.equal((await stage.get('/', both)).status, 418)
    assert.equal((await stage.get('/', 'x-user: j\r\n')).status, 419)
    assert.equal((await stage.get('/', 'x-envoy-downstream-service-node: n\r\n')).status, 419)
  })
})

test('a header that asks for less has no say in a fault that config injects', () =>
  withFilters({ filters: [fault({ abort: { httpStatus: 418, percentage: ALL } })] }, async stage =>
    assert.equal((await stage.get('/', 'x-envoy-fault-abort-request-percentage: 0\r\n')).status, 418),
  ))

test('a percentage is drawn', () =>
  withFilters({ filters: [fault({ abort: { httpStatus: 418, percentage: { numerator: 25 } } })] }, async stage => {
    const statuses: number[] = []
    for (let i = 0; i < 200; i++) statuses.push((await stage.get('/')).status)
    const aborted = statuses.filter(status => status === 418).length
    assert.ok(aborted > 25 && aborted < 75, String(aborted))
  }))

test('the route has its say in the headers of what the filter answers', () => {
  const abort = { abort: { httpStatus: 418, percentage: ALL } }
  const add = (key: string, value: string): JsonObject => ({ responseHeadersToAdd: [{ header: { key, value } }] })
  const clusters = [{ name: 'c', weight: 1, ...add('x-cluster', 'c') }]
  const routes = [{ match: { prefix: '/' }, route: { weightedClusters: { clusters } }, ...add('x-route', 'r') }]
  return withFilters({ filters: [fault(abort)], routes }, async stage => {
    const { status, headers } = await stage.get('/')
    assert.deepEqual([status, headers['x-route'], headers['x-cluster']], [418, 'r', 'c'])
  })
})

test('what is not honoured is refused by name', () => {
  const problems = (json: JsonObject): string[] => {
    const compiled = compileFault(packAny(HTTPFaultSchema, fromJson(HTTPFaultSchema, json)))
    return compiled.ok ? [] : compiled.problems.map(({ code, path }) => `${code} ${path}`)
  }
  assert.deepEqual(problems({ responseRateLimit: { fixedLimit: { limitKbps: 0 } }, filterMetadata: {} }), [
    'WEFT-4001 filter_metadata',
    'WEFT-4002 response_rate_limit.fixed_limit.limit_kbps',
  ])
  assert.deepEqual(problems({ responseRateLimit: {} }), ['WEFT-4002 response_rate_limit'])
  assert.deepEqual(problems({ abort: {}, delay: {} }), ['WEFT-4002 delay', 'WEFT-4002 abort'])
  assert.deepEqual(problems({ abort: { httpStatus: 99 }, delay: { fixedDelay: '0s' } }), [
    'WEFT-4002 delay.fixed_delay',
    'WEFT-4002 abort.http_status',
  ])
  assert.equal(compileFault(create(AnySchema, { typeUrl: 'x' })).ok, false)
})

function answer(body: string): string {
  return `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setImmediate(resolve))
}
