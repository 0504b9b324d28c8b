import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MergedStats } from './merged-stats.ts'
import { isUsed } from './stat.ts'
import type { LeasedScope } from './stats-scope.ts'
import { createStats } from './stats-store.ts'

const whole = (pieces: Iterable<string>): string => [...pieces].join('')

test('a name resolved twice is one object', () => {
  const { root } = createStats()
  const labels = { envoy_cluster_name: 'a' }
  assert.equal(root.scope('cluster', labels).counter('x'), root.scope('cluster', labels).counter('x'))
  assert.equal(root.histogram('h'), root.histogram('h'))
})

test('/stats prints the tag in the name, /stats/prometheus as a label', () => {
  const stats = createStats()
  const cluster = stats.root.scope('cluster', { envoy_cluster_name: 'outbound|9080||reviews' })
  cluster.counter('upstream_rq_total').value += 3
  cluster.counter('upstream_rq_2xx').value += 2
  cluster.counter('upstream_rq_503').value += 1
  stats.root.gauge('server.live').value = 1
  assert.equal(
    whole(stats.text()),
    [
      'cluster.outbound|9080||reviews.upstream_rq_2xx: 2',
      'cluster.outbound|9080||reviews.upstream_rq_503: 1',
      'cluster.outbound|9080||reviews.upstream_rq_total: 3',
      'server.live: 1',
      '',
    ].join('\n'),
  )
  const text = whole(stats.prometheus())
  assert.match(text, /^# TYPE envoy_cluster_upstream_rq_total counter$/m)
  assert.match(text, /^envoy_cluster_upstream_rq_total\{envoy_cluster_name="outbound\|9080\|\|reviews"\} 3$/m)
  assert.match(text, /^envoy_cluster_upstream_rq_xx\{envoy_cluster_name="[^"]+",envoy_response_code_class="2"\} 2$/m)
  assert.match(text, /^envoy_cluster_upstream_rq\{envoy_cluster_name="[^"]+",envoy_response_code="503"\} 1$/m)
  assert.match(text, /^envoy_server_live 1$/m)
})

test("Istio's metrics keep their own name; label values are escaped", () => {
  const stats = createStats()
  stats.root.scope('', { source: 'a"b\\c\nd' }).counter('istio_requests_total').value++
  assert.equal(
    whole(stats.prometheus()),
    '# TYPE istio_requests_total counter\nistio_requests_total{source="a\\"b\\\\c\\nd"} 1\n',
  )
})

test("a histogram has Envoy's buckets, cumulative, with sum and count", () => {
  const stats = createStats()
  const time = stats.root.scope('cluster', { envoy_cluster_name: 'a' }).histogram('upstream_rq_time')
  assert.match(whole(stats.text()), /cluster\.a\.upstream_rq_time: No recorded values/)
  for (const value of [0.4, 3, 3, 700, 4_000_000]) time.record(value)
  const text = whole(stats.prometheus())
  assert.match(text, /envoy_cluster_upstream_rq_time_bucket\{envoy_cluster_name="a",le="0.5"\} 1\n/)
  assert.match(text, /le="5"\} 3\n/)
  assert.match(text, /le="1000"\} 4\n/)
  assert.match(text, /le="3600000"\} 4\n.*le="\+Inf"\} 5\n.*_sum\{envoy_cluster_name="a"\} 4000706.4\n.*_count.* 5\n/)
  assert.match(whole(stats.text()), /P100\(nan,4000000\)/)
})

test('JSON holds values and histograms as Envoy shapes them; a filter narrows', () => {
  const stats = createStats()
  stats.root.counter('a.b').value = 7
  stats.root.histogram('a.h').record(1)
  stats.root.counter('c').value = 1
  const parsed = JSON.parse(whole(stats.json(({ name }) => name.startsWith('a'))))
  assert.deepEqual(parsed.stats[0], { name: 'a.b', value: 7 })
  assert.equal(parsed.stats[1].histograms.computed_quantiles[0].name, 'a.h')
  assert.equal(parsed.stats.length, 2)
  assert.equal(stats.value('c'), 1)
})

test('pages come in pieces of so many stats, left out or not, none of them twice', () => {
  const stats = createStats()
  for (let i = 0; i < 3000; i++) stats.root.scope('c', { n: `${i}` }).counter('x').value = i
  stats.root.histogram('h').record(1)
  for (const page of [stats.text(), stats.json(), stats.prometheus()]) {
    const pieces = [...page]
    assert.ok(pieces.length > 6, `${pieces.length}`)
    assert.ok(pieces.every(piece => piece.split('x').length <= 501))
    const numbers = [...pieces.join('').matchAll(/(?:c\.|n=")(\d+)/g)].map(([, n]) => Number(n))
    assert.deepEqual(new Set(numbers).size, 3000)
    assert.equal(numbers.length, 3000)
  }
  assert.deepEqual(whole(stats.text(({ name }) => name === 'c.7.x')), 'c.7.x: 7\n')
  assert.equal([...stats.text(() => false)].join(''), '')
  assert.deepEqual(JSON.parse(whole(stats.json(() => false))), { stats: [] })
  assert.equal(JSON.parse(whole(stats.json(({ name }) => name === 'h'))).stats.length, 1)
})

test('loops add up what each has counted; what is of the process is said once', () => {
  const loops = [1, 2].map(number => {
    const stats = createStats()
    stats.root.counter('cluster.c.upstream_rq_total').value = number
    stats.root.scope('overload').gauge('pressure').value = 40
    stats.root.computedGauge('cluster.c.circuit_breakers.default.remaining_rq', () => 7)
    if (number === 2) stats.root.computedGauge('cluster.c.circuit_breakers.high.rq_open', () => 1)
    return stats.batches()
  })
  const merged = new MergedStats()
  for (const batch of loops[0]!) merged.addOwn(batch)
  for (const batch of loops[1]!) merged.addOther(batch)
  assert.equal(
    whole(merged.pages().text()),
    [
      'cluster.c.circuit_breakers.default.remaining_rq: 7',
      'cluster.c.circuit_breakers.high.rq_open: 1',
      'cluster.c.upstream_rq_total: 3',
      'overload.pressure: 40',
      '',
    ].join('\n'),
  )
})

test('they go from loop to loop in batches, with all that the pages say of them', () => {
  const { root, batches, prometheus, text } = createStats()
  for (let i = 0; i < 600; i++) {
    const scope = root.scope('cluster', { envoy_cluster_name: `c${i}` })
    scope.counter('upstream_rq_2xx').value = i
    scope.histogram('upstream_rq_time').record(i)
  }
  const sizes = Array.from(batches(), ({ names }) => names.length)
  assert.deepEqual(sizes, [500, 500, 200])
  const alone = new MergedStats()
  for (const batch of batches()) alone.addOwn(structuredClone(batch))
  assert.equal(whole(alone.pages().text()), whole(text()))
  assert.equal(whole(alone.pages().prometheus()), whole(prometheus()))
  for (const batch of batches()) alone.addOther(structuredClone(batch))
  const sums = whole(alone.pages().prometheus())
  assert.match(sums, /^envoy_cluster_upstream_rq_xx\{envoy_cluster_name="c599",envoy_response_code_class="2"\} 1198$/m)
  assert.match(sums, /^envoy_cluster_upstream_rq_time_sum\{envoy_cluster_name="c599"\} 1198$/m)
  assert.match(sums, /^envoy_cluster_upstream_rq_time_count\{envoy_cluster_name="c599"\} 2$/m)
})

test('what is leased goes with the last lease of it; what somebody has for good stays', () => {
  const { root, value, batches } = createStats()
  const scopes = ['old', 'new'].map(() => root.scope('http', { envoy_http_conn_manager_prefix: 'a' }).lease())
  const [before, after] = scopes as [LeasedScope, LeasedScope]
  before.counter('rq_total').value = 7
  before.scope('rbac').counter('denied')
  after.counter('rq_total')
  root.scope('http2').counter('keepalive_timeout')
  root.lease().scope('http2').counter('keepalive_timeout')
  before.return()
  before.return()
  assert.deepEqual(
    [...batches()].flatMap(({ names }) => names),
    ['http.a.rq_total', 'http2.keepalive_timeout'],
  )
  assert.equal(value('http.a.rq_total'), 7)
  before.counter('late').value = 1
  after.return()
  assert.deepEqual(
    [...batches()].flatMap(({ names }) => names),
    ['http2.keepalive_timeout'],
  )
  const again = root.scope('http', { envoy_http_conn_manager_prefix: 'a' }).lease()
  assert.equal(again.counter('rq_total').value, 0)
})

test('what was ever seen to be used stays so, of any event loop; counters alone are reset', () => {
  const [main, worker] = [createStats(), createStats()]
  for (const { root } of [main, worker]) {
    root.counter('c')
    root.gauge('g')
    root.histogram('h')
  }
  const used = (): string => {
    const merged = new MergedStats()
    for (const batch of main.batches()) merged.addOwn(batch)
    for (const batch of worker.batches()) merged.addOther(structuredClone(batch))
    return whole(merged.pages().text(isUsed)).replace(/h: .*/, 'h')
  }
  assert.equal(used(), '')
  worker.root.gauge('g').value = 1
  assert.equal(used(), 'g: 1\n')
  worker.root.gauge('g').value = 0
  worker.root.counter('c').value = 2
  main.root.histogram('h').record(1)
  assert.equal(used(), 'c: 2\ng: 0\nh\n')
  assert.equal(whole(main.text(isUsed)).replace(/h: .*/, 'h'), 'h\n')
  worker.root.gauge('g').value = 3
  worker.resetCounters()
  assert.equal(used(), 'c: 0\ng: 3\nh\n')
})
