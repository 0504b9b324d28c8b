import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Cluster, Endpoint } from '../cluster/cluster.ts'
import { EndpointFigures, figureBatches } from './endpoint-figures.ts'

/** As one event loop has it: `count` is in each figure. */
function cluster(count: number, ejection: Endpoint['ejection']): Cluster {
  const counts = { connectionsActive: count, connectFailures: count, connectionsTotal: count }
  const requests = { requestsError: count, requestsSuccess: count, requestsTotal: count }
  const endpoints = Array.from({ length: 1200 }, (_, i) => ({
    key: `10.0.0.1:${i}`,
    ejection: i === 1100 ? ejection : 'closed',
    activeRequests: i,
    stats: { ...counts, ...requests },
  }))
  return { name: 'c', endpoints } as unknown as Cluster
}

test('what the loops have counted is added up, and the worst of them judges', () => {
  const own = cluster(1, 'half-open')
  const figures = new EndpointFigures()
  for (const other of [cluster(10, 'open'), cluster(100, 'closed')]) {
    const batches = [...figureBatches([other])]
    assert.deepEqual(
      batches.map(({ keys }) => keys.length),
      [500, 500, 200],
    )
    for (const batch of batches) figures.add(structuredClone(batch))
  }
  const [first, , last] = [0, 1, 1100].map(i => own.endpoints[i]!)
  assert.deepEqual(Object.fromEntries(figures.of(own, last!)), {
    cx_active: 111,
    cx_connect_fail: 111,
    cx_total: 111,
    rq_active: 3300,
    rq_error: 111,
    rq_success: 111,
    rq_total: 111,
  })
  assert.deepEqual([figures.ejectionOf(own, first!), figures.ejectionOf(own, last!)], ['closed', 'open'])
  const alone = new EndpointFigures()
  assert.equal(alone.ejectionOf(own, last!), 'half-open')
  assert.deepEqual(alone.of(own, last!)[3], ['rq_active', 1100])
})
