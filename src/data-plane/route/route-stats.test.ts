// Routes with a stat_prefix, under the names that an Envoy 1.40 gives their counters.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withFilters } from '../http/testing/filter-stage.ts'
import { ok } from '../http/testing/raw-upstream.ts'

test('a route with a stat_prefix is counted under it, and no other is', () => {
  const retryPolicy = { retryOn: '5xx', numRetries: 1, retryBackOff: { baseInterval: '0.001s' } }
  const routes = [
    { match: { prefix: '/mine' }, statPrefix: 'mine', route: { cluster: 'c', retryPolicy } },
    { match: { prefix: '/gone' }, statPrefix: 'gone', route: { cluster: 'nowhere' } },
    { match: { prefix: '/' }, route: { cluster: 'c' } },
  ]
  const answer = (request: { readonly head: { readonly path: string } }): string =>
    request.head.path === '/mine/bad' ? 'HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n' : ok()
  return withFilters({ filters: [], routes, answer }, async stage => {
    await stage.get('/mine')
    await stage.get('/other')
    await stage.get('/gone')
    const bad = stage.get('/mine/bad')
    while (stage.upstream.requests.length < 4) {
      await new Promise(resolve => setImmediate(resolve))
      stage.clock.advance(1)
    }
    await bad
    const { stats } = stage.proxy
    const value = (name: string): number => stats.value(`vhost.all.route.mine.upstream_rq_${name}`)
    const names = ['total', 'completed', '2xx', '5xx', 'retry', 'retry_limit_exceeded', 'timeout', 'time.count']
    assert.deepEqual(names.map(value), [3, 2, 1, 1, 1, 1, 0, 2])
    assert.equal(stats.value('vhost.all.route.gone.upstream_rq_completed'), 0)
  })
})

test('requests of a kind are counted and logged under its name, the rest as others', () => {
  const virtualClusters = [{ name: 'reads', headers: [{ name: ':path', stringMatch: { prefix: '/read' } }] }]
  const routes = [{ match: { prefix: '/' }, route: { cluster: 'c' } }]
  return withFilters({ filters: [], routes, virtualHost: { virtualClusters }, answer: () => ok() }, async stage => {
    for (const path of ['/read/a', '/read/b', '/write']) await stage.get(path)
    const { stats, logs } = stage.proxy
    const total = (name: string): number => stats.value(`vhost.all.vcluster.${name}.upstream_rq_total`)
    assert.deepEqual([total('reads'), total('other')], [2, 1])
    assert.deepEqual(
      logs.map(({ virtualCluster }) => virtualCluster?.name),
      ['reads', 'reads', null],
    )
  })
})
