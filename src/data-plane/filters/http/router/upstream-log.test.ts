// upstream_log: what it says is compared with an Envoy's (test/differential/corpus/access-log.ts).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { ACCESS_LOG_TYPE } from '../../../access-log-type.ts'
import { filter, withFilters } from '../../../http/testing/filter-stage.ts'
import { ok } from '../../../http/testing/raw-upstream.ts'
import { RESPONSE_FLAG } from '../../../response-flag.ts'

const FILE: JsonObject = {
  name: 'file',
  typedConfig: {
    '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
    path: '/dev/null',
  },
}
const router = (config: JsonObject): JsonObject => filter('router.v3.Router', config)

test('each try has a line before the stream’s own, with what it was answered and how much', () => {
  const retryPolicy = { retryOn: '5xx', numRetries: 1, retryBackOff: { baseInterval: '0.001s' } }
  const routes = [{ name: 'r', match: { prefix: '/' }, route: { cluster: 'c', retryPolicy } }]
  const answers = ['HTTP/1.1 503 No\r\ncontent-length: 2\r\nx-try: 1\r\n\r\nno', ok('good')]
  const manager = { httpFilters: [router({ upstreamLog: [{ ...FILE, filter: { notHealthCheckFilter: {} } }] })] }
  return withFilters({ filters: [], routes, manager, answer: () => answers.shift()! }, async stage => {
    const answered = stage.send('POST /p HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc')
    while (answers.length > 0) {
      await new Promise(resolve => setImmediate(resolve))
      stage.clock.advance(1)
    }
    assert.equal((await answered).status, 200)
    const lines = stage.proxy.logs.map(info => [info.logType, info.responseCode, info.bytesSent, info.bytesReceived])
    assert.deepEqual(lines, [
      // A response that is not taken is not read.
      [ACCESS_LOG_TYPE.upstreamEnd, 503, 3, 0],
      [ACCESS_LOG_TYPE.upstreamEnd, 200, 3, 4],
      [ACCESS_LOG_TYPE.downstreamEnd, 200, 4, 3],
    ])
    const [first] = stage.proxy.logs
    assert.deepEqual([first!.routeName, first!.path, first!.upstreamCluster], ['r', '/p', 'c'])
    assert.ok(first!.responseHeaders.includes('x-try'))
    assert.equal(first!.upstreamHost, stage.cluster.endpoints[0]!.key)
  })
})

test('a try that took too long says so, be it for its whole time or for its silence', async () => {
  for (const [field, flag] of [
    ['perTryTimeout', RESPONSE_FLAG.UT],
    ['perTryIdleTimeout', RESPONSE_FLAG.SI],
  ] as const) {
    const retryPolicy = { retryOn: '5xx', numRetries: 0, [field]: '1s' }
    const routes = [{ match: { prefix: '/' }, route: { cluster: 'c', retryPolicy } }]
    const manager = { httpFilters: [router({ upstreamLog: [FILE] })] }
    await withFilters({ filters: [], routes, manager, answer: () => undefined }, async stage => {
      const answered = stage.get('/')
      while (stage.upstream.requests.length === 0) await new Promise(resolve => setImmediate(resolve))
      stage.clock.advance(1010)
      assert.equal((await answered).status, 504)
      const [attempt] = stage.proxy.logs
      assert.deepEqual([attempt!.logType, attempt!.responseFlags], [ACCESS_LOG_TYPE.upstreamEnd, flag], field)
    })
  }
})

test('a try that the route has no more time for says nothing of it: as an Envoy does', async () => {
  const routes = [{ match: { prefix: '/' }, route: { cluster: 'c', timeout: '1s' } }]
  const manager = { httpFilters: [router({ upstreamLog: [FILE] })] }
  await withFilters({ filters: [], routes, manager, answer: () => undefined }, async stage => {
    const answered = stage.get('/')
    while (stage.upstream.requests.length === 0) await new Promise(resolve => setImmediate(resolve))
    stage.clock.advance(1010)
    assert.equal((await answered).status, 504)
    assert.deepEqual(
      stage.proxy.logs.map(({ logType, responseFlags }) => [logType, responseFlags]),
      [
        [ACCESS_LOG_TYPE.upstreamEnd, 0],
        [ACCESS_LOG_TYPE.downstreamEnd, RESPONSE_FLAG.UT],
      ],
    )
  })
})
