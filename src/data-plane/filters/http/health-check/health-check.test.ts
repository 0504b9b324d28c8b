// Statuses, details and counters as an Envoy 1.40 with the same config gave them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, fromJson, type JsonObject } from '@bufbuild/protobuf'
import { packAny } from '../../../../xds/any-pack.ts'
import { HealthCheckSchema } from '../../../../xds/generated/envoy/extensions/filters/http/health_check/v3/health_check_pb.ts'
import { ClusterEndpoint } from '../../../cluster/cluster-endpoint.ts'
import { plainTransport } from '../../../http/testing/fake-proxy.ts'
import { filter, withFilters } from '../../../http/testing/filter-stage.ts'
import { RawClient } from '../../../http/testing/raw-client.ts'
import { compileHealthCheck } from './config.ts'

const healthCheck = (config: JsonObject): JsonObject =>
  filter('health_check.v3.HealthCheck', {
    headers: [{ name: ':path', stringMatch: { exact: '/h' } }],
    ...config,
  })
const CLUSTER = 'x-envoy-upstream-healthchecked-cluster'
const IMMEDIATE = 'x-envoy-immediate-health-check-fail'

test('answers itself, once the whole request has come', () =>
  withFilters({ filters: [healthCheck({ passThroughMode: false })] }, async stage => {
    const ok = await stage.get('/h')
    assert.deepEqual([ok.status, ok.body, ok.headers[CLUSTER]], [200, '', 'own'])
    assert.equal(ok.headers['x-weft-reason'], undefined)
    assert.equal(stage.lastLog, '200 - health_check_ok')
    assert.equal((await stage.get('/x')).headers[CLUSTER], undefined)
    assert.equal(stage.upstream.requests.length, 1)
    const client = new RawClient(stage.proxy.port)
    client.send('POST /h HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nab')
    await stage.get('/x')
    const posted = await client.send('cGET /h HTTP/1.1\r\nhost: a\r\n\r\n').response()
    assert.deepEqual([posted.status, posted.headers['connection']], [200, undefined])
    assert.equal((await client.response()).status, 200)
    client.socket.destroy()
    const { stats } = stage.proxy
    assert.equal(stats.value('http.test.health_check.request_total'), 3)
    assert.equal(stats.value('http.test.health_check.ok'), 3)
  }))

test('a request that ends with trailers is answered after these', () =>
  withFilters(
    {
      filters: [healthCheck({ passThroughMode: false })],
      manager: { httpProtocolOptions: { enableTrailers: true } },
    },
    async stage => {
      const response = await stage.send(
        'POST /h HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-t: 1\r\n\r\n',
      )
      assert.deepEqual([response.status, response.headers['connection']], [200, undefined])
      assert.equal(stage.upstream.requests.length, 0)
    },
  ))

const CASES: readonly (readonly [usable: number, total: number, percent: number, log: string])[] = [
  [0, 0, 50, '503 LH health_check_failed_cluster_empty'],
  [0, 0, 0, '200 - health_check_ok_cluster_healthy'],
  [1, 2, 50, '200 - health_check_ok_cluster_healthy'],
  [1, 2, 51, '503 LH health_check_failed_cluster_unhealthy'],
]

for (const [usable, total, value, log] of CASES) {
  test(`${usable} of ${total} endpoints, ${value} percent wanted: ${log}`, () => {
    const filters = [healthCheck({ passThroughMode: false, clusterMinHealthyPercentages: { c: { value } } })]
    return withFilters({ filters }, async stage => {
      stage.cluster.endpoints = Array.from({ length: total }, (_, index) => {
        const endpoint = new ClusterEndpoint('127.0.0.1', index, 1, plainTransport)
        endpoint.healthy = index < usable
        return endpoint
      })
      await stage.get('/h')
      assert.equal(stage.lastLog, log)
    })
  })
}

test('a cluster that is not there', () => {
  const clusterMinHealthyPercentages = { nope: { value: 0 } }
  return withFilters(
    { filters: [healthCheck({ passThroughMode: false, clusterMinHealthyPercentages })] },
    async stage => {
      assert.equal((await stage.get('/h')).status, 503)
      assert.equal(stage.lastLog, '503 LH health_check_failed_no_cluster_found')
      assert.equal(stage.proxy.stats.value('http.test.health_check.failed_cluster_not_found'), 1)
      const grpc = await stage.get('/h', 'content-type: application/grpc\r\n')
      assert.equal(grpc.headers['grpc-status'], '14')
    },
  )
})

test('in pass-through mode the upstream’s answer is remembered for a while', () => {
  let status = 503
  const answer = (): string => `HTTP/1.1 ${status} X\r\ncontent-length: 2\r\nx-envoy-degraded: \r\nx-u: 1\r\n\r\nno`
  const filters = [healthCheck({ passThroughMode: true, cacheTime: '1s' })]
  return withFilters({ filters, answer }, async stage => {
    const first = await stage.get('/h')
    assert.deepEqual([first.status, first.body, first.headers[CLUSTER]], [503, 'no', 'own'])
    status = 201
    const second = await stage.get('/h')
    assert.deepEqual([second.status, second.body, second.headers['x-envoy-degraded']], [503, '', ''])
    assert.equal(stage.lastLog, '503 LH health_check_cached')
    stage.clock.advance(1000)
    assert.equal((await stage.get('/h')).status, 201)
    assert.equal(stage.lastLog, '201 - via_upstream')
    assert.equal((await stage.get('/h')).status, 201)
    assert.equal(stage.lastLog, '201 - health_check_cached')
    const value = (name: string): number => stage.proxy.stats.value(`http.test.health_check.${name}`)
    assert.deepEqual(['request_total', 'ok', 'failed', 'cached_response', 'degraded'].map(value), [2, 1, 1, 2, 2])
  })
})

test('what contradicts itself is refused', () => {
  const problems = (json: JsonObject): (string | undefined)[] => {
    const compiled = compileHealthCheck(packAny(HealthCheckSchema, fromJson(HealthCheckSchema, json)))
    return compiled.ok ? [] : compiled.problems.map(({ path }) => path)
  }
  assert.deepEqual(problems({}), ['pass_through_mode'])
  assert.deepEqual(problems({ passThroughMode: false, cacheTime: '1s' }), ['cache_time'])
  assert.ok(compileHealthCheck(packAny(HealthCheckSchema, create(HealthCheckSchema, { passThroughMode: false }))).ok)
})

test('what the admin port has failed fails, says so to every client, and sends it away', async () => {
  const health = { failed: false }
  const filters = [healthCheck({ passThroughMode: true, cacheTime: '60s' })]
  await withFilters({ filters, health }, async stage => {
    assert.equal((await stage.get('/h')).status, 200)
    const client = new RawClient(stage.proxy.port)
    assert.equal((await client.send('GET /x HTTP/1.1\r\nhost: a\r\n\r\n').response()).headers['connection'], undefined)
    health.failed = true
    const checked = await stage.get('/h')
    assert.deepEqual([checked.status, checked.headers['connection'], checked.headers[CLUSTER]], [503, 'close', 'own'])
    assert.equal(checked.headers[IMMEDIATE], 'true')
    assert.equal(stage.lastLog, '503 LH health_check_failed')
    const other = await client.send('GET /x HTTP/1.1\r\nhost: a\r\n\r\n').response()
    assert.deepEqual([other.status, other.headers['connection'], other.headers[IMMEDIATE]], [200, 'close', 'true'])
    assert.equal(stage.proxy.stats.value('http.test.health_check.failed'), 1)
    assert.equal(stage.proxy.stats.value('http.test.downstream_cx_drain_close'), 2)
    health.failed = false
    assert.deepEqual((await stage.get('/x')).headers['connection'], undefined)
    client.socket.destroy()
  })
})

test('the answer is decided with the head, whatever comes to pass before the body’s end', async () => {
  const health = { failed: true }
  await withFilters({ filters: [healthCheck({ passThroughMode: true })], health }, async stage => {
    const client = new RawClient(stage.proxy.port)
    client.send('POST /h HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nab')
    await stage.get('/x')
    health.failed = false
    assert.equal((await client.send('c').response()).status, 503)
    assert.equal(stage.lastLog, '503 LH health_check_failed')
    client.socket.destroy()
  })
})
