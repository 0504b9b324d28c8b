// The times that an Envoy has counted, off a page as an Envoy 1.40 writes it.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { BUCKET_BOUNDS } from '../base/histogram-buckets.ts'
import { timesOf } from './envoy-times.ts'

const NAME = 'outbound|9000|v2|shop.default.svc.cluster.local'
const asked: URL[] = []
let page: unknown = {}
// As much of a head as Envoy takes.
const admin = createServer({ maxHeaderSize: 60 * 1024 }, (request, response) => {
  asked.push(new URL(request.url ?? '', 'http://envoy'))
  response.end(JSON.stringify(page))
})
await new Promise<void>(resolve => admin.listen(0, '127.0.0.1', resolve))
after(() => admin.close())
const address = `http://127.0.0.1:${(admin.address() as AddressInfo).port}`

test('each class is read as often as it was counted; clusters that Envoy does not know are left out', async () => {
  const buckets = BUCKET_BOUNDS.map(bound => ({ upper_bound: bound, interval: 1, cumulative: bound === 250 ? 7 : 0 }))
  const histogram = {
    name: `cluster.${NAME}.upstream_rq_time`,
    buckets: [...buckets, { upper_bound: 7, cumulative: 9 }],
  }
  page = { stats: [{ histograms: [histogram] }] }
  const [load, ...more] = await timesOf(address, [NAME, 'another'])
  assert.equal(load?.name, NAME)
  assert.deepEqual(more, [])
  assert.equal(load.times[BUCKET_BOUNDS.indexOf(250)], 7)
  assert.equal(
    load.times.reduce((a, b) => a + b),
    7,
  )
  assert.deepEqual([load.succeeded, load.failed, load.issued], [0, 0, 0], 'Envoy tells those itself')
})

test('asked for by name alone, twice, so that the second answer is fresh', async () => {
  asked.length = 0
  page = {}
  assert.deepEqual(await timesOf(address, [NAME, 'b.c']), [])
  assert.equal(asked.length, 2)
  const { pathname, searchParams } = asked[1]!
  assert.equal(pathname, '/stats')
  const filter = new RegExp(searchParams.get('filter')!)
  assert.ok(filter.test(`cluster.${NAME}.upstream_rq_time`))
  assert.ok(filter.test('cluster.b.c.upstream_rq_time'))
  for (const other of [
    'cluster.bxc.upstream_rq_time',
    'cluster.outbound.upstream_rq_time',
    `x.cluster.${NAME}.upstream_rq_time`,
  ])
    assert.ok(!filter.test(other), other)
})

test('more clusters than one request may name are asked for in several', async () => {
  asked.length = 0
  page = {}
  const names = Array.from(
    { length: 1000 },
    (_, index) => `outbound|9000|v2|service-${index}.default.svc.cluster.local`,
  )
  await timesOf(address, names)
  const [, ...filters] = asked.map(({ searchParams }) => new RegExp(searchParams.get('filter')!))
  for (const name of names)
    assert.equal(filters.filter(filter => filter.test(`cluster.${name}.upstream_rq_time`)).length, 1)
})
