// Counters as an Envoy 1.40 with the same config had them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromJson, type JsonObject } from '@bufbuild/protobuf'
import { packAny } from '../../../../xds/any-pack.ts'
import { FilterConfigSchema } from '../../../../xds/generated/envoy/extensions/filters/http/grpc_stats/v3/config_pb.ts'
import { type FilterStage, filter, withFilters } from '../../../http/testing/filter-stage.ts'
import { compileGrpcStats } from './config.ts'

const BODY = '\0\0\0\0\x01a\0\0\0\0\x01b'
const stats = (config: JsonObject): JsonObject[] => [filter('grpc_stats.v3.FilterConfig', config)]
const notFound = (): string =>
  'HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: 5\r\ncontent-length: 0\r\n\r\n'

const call = (stage: FilterStage, path: string, type = 'application/grpc') =>
  stage.send(`POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: ${type}\r\ncontent-length: 12\r\n\r\n${BODY}`)

/** All that is not 0, below `cluster.c.`. */
function counted(stage: FilterStage): Record<string, number> {
  const found: Record<string, number> = {}
  for (const [name, { value }] of stage.proxy.stats.values) {
    if (name.startsWith('cluster.c.') && value > 0) found[name.slice(10)] = value
  }
  return found
}

test('all methods together, unless config says otherwise', () =>
  withFilters({ filters: stats({}), answer: notFound }, async stage => {
    await call(stage, '/pkg.Svc/Method')
    await call(stage, '/x')
    await stage.get('/pkg.Svc/Method')
    assert.deepEqual(counted(stage), {
      'grpc.total': 1,
      'grpc.failure': 1,
      'grpc.request_message_count': 2,
      'grpc.5': 1,
    })
  }))

test('each method apart', () => {
  const config = { statsForAllMethods: true, enableUpstreamStats: true, replaceDotsInGrpcServiceName: true }
  return withFilters({ filters: stats(config), answer: notFound }, async stage => {
    await call(stage, '/pkg.Svc/Method?q')
    for (const path of ['/x', '/a/b/c', '//m', '/s/']) await call(stage, path)
    await call(stage, '/pkg.Svc/Method', 'application/grpc-web')
    assert.deepEqual(counted(stage), {
      'grpc.pkg_Svc.Method.total': 1,
      'grpc.pkg_Svc.Method.failure': 1,
      'grpc.pkg_Svc.Method.request_message_count': 2,
      'grpc.pkg_Svc.Method.5': 1,
      'grpc.pkg_Svc.Method.upstream_rq_time.count': 1,
    })
  })
})

test('methods of a list apart, all others together', () => {
  const services = [{ name: 'pkg.Svc', methodNames: ['Method'] }]
  const options = { filters: stats({ individualMethodStatsAllowlist: { services } }), answer: notFound }
  return withFilters(options, async stage => {
    for (const path of ['/pkg.Svc/Method', '/pkg.Svc/Other', '/pkg.Two/Other']) await call(stage, path)
    const { 'grpc.total': together, 'grpc.pkg.Svc.Method.total': apart } = counted(stage)
    assert.deepEqual([together, apart], [2, 1])
  })
})

test('what is no gRPC response counts for nothing; a local reply does', async () => {
  for (const answer of ['503 X', '200 OK']) {
    const options = {
      filters: stats({}),
      answer: () => `HTTP/1.1 ${answer}\r\ncontent-length: 0\r\n\r\n`,
    }
    await withFilters(options, async stage => {
      await call(stage, '/s/m')
      assert.deepEqual(counted(stage), { 'grpc.request_message_count': 2 })
    })
  }
  const fault = filter('fault.v3.HTTPFault', { abort: { grpcStatus: 7, percentage: { numerator: 100 } } })
  await withFilters({ filters: [...stats({}), fault] }, async stage => {
    await stage.get('/s/m', 'content-type: application/grpc\r\n')
    assert.deepEqual(counted(stage), { 'grpc.total': 1, 'grpc.failure': 1, 'grpc.7': 1 })
  })
})

test('messages of responses, and the status in their trailers', () => {
  const answer = (): string =>
    'HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ntransfer-encoding: chunked\r\n\r\n' +
    `c\r\n${BODY}\r\n0\r\ngrpc-status: 0\r\n\r\n`
  return withFilters({ filters: stats({ emitFilterState: true, statsForAllMethods: false }), answer }, async stage => {
    stage.cluster.http1 = {
      ...stage.cluster.http1,
      trailers: true,
      limits: { ...stage.cluster.http1.limits, trailers: true },
    }
    await call(stage, '/s/m')
    const { 'grpc.response_message_count': messages, 'grpc.success': succeeded } = counted(stage)
    assert.deepEqual([messages, succeeded], [2, 1])
  })
})

test('clients cannot fill the memory with methods', () =>
  withFilters({ filters: stats({ statsForAllMethods: true }), answer: notFound }, async stage => {
    for (let i = 0; i < 1010; i++) await call(stage, `/s/m${i}`)
    assert.equal(counted(stage)['grpc.total'], 10)
  }))

test('a list without names is refused', () => {
  const json = { individualMethodStatsAllowlist: { services: [{}] } }
  const compiled = compileGrpcStats(packAny(FilterConfigSchema, fromJson(FilterConfigSchema, json)))
  const at = 'individual_method_stats_allowlist.services[0]'
  assert.deepEqual(compiled.ok ? [] : compiled.problems.map(({ path }) => path), [`${at}.name`, `${at}.method_names`])
})
