import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { FakeClock } from '../../../base/clock.ts'
import { SeededRandom } from '../../../base/random.ts'
import { OutlierDetectionSchema } from '../../../xds/generated/envoy/config/cluster/v3/outlier_detection_pb.ts'
import { ResourceCheck } from '../../../xds/resource-check.ts'
import { createStats } from '../../stats/stats-store.ts'
import type { UpstreamTransport } from '../../upstream-transport.ts'
import { ClusterEndpoint } from '../cluster-endpoint.ts'
import { readOutlierDetection } from './outlier-config.ts'
import { OutlierDetector } from './outlier-detector.ts'
import { outlierStats } from './outlier-stats.ts'

const TRANSPORT: UpstreamTransport = { name: 'raw_buffer', connect: () => assert.fail('not dialled here') }

function detector(size: number, maxEjectionPercent: number) {
  const message = create(OutlierDetectionSchema, {
    consecutive5xx: 1,
    consecutiveGatewayFailure: 2,
    maxEjectionPercent,
  })
  const config = readOutlierDetection(message, 0, new ResourceCheck(''))
  const stats = createStats()
  const clock = new FakeClock()
  const changes: number[] = []
  const host = { clock, random: new SeededRandom(1) }
  const made = new OutlierDetector(config, outlierStats(stats.root, false), host, () => changes.push(clock.now()))
  const endpoints = Array.from({ length: size }, (_, i) => new ClusterEndpoint('10.0.0.1', i + 1, 1, TRANSPORT))
  made.setEndpoints(endpoints)
  const active = () => stats.value('outlier_detection.ejections_active')
  return { made, endpoints, clock, changes, active, stats }
}

test('the bound on ejections holds when others leave: who has been out for longest comes back', () => {
  const { made, endpoints, clock, active } = detector(4, 50)
  const [first, second, third] = endpoints as [ClusterEndpoint, ClusterEndpoint, ClusterEndpoint]
  first.monitor!.answered(500, false)
  clock.advance(1)
  second.monitor!.answered(500, false)
  assert.equal(active(), 2)
  made.setEndpoints([first, second, third])
  assert.deepEqual(
    endpoints.map(({ ejection }) => ejection),
    ['closed', 'open', 'closed', 'closed'],
  )
  assert.equal(active(), 1)
  made.setEndpoints([second])
  assert.equal(second.usable, true)
  assert.equal(active(), 0)
})

test('an endpoint that has left is not counted, whatever still comes of its requests', () => {
  const { made, endpoints, changes, active } = detector(2, 50)
  const { monitor } = endpoints[0]!
  made.setEndpoints(endpoints.slice(1))
  monitor!.answered(500, false)
  assert.deepEqual([endpoints[0]!.monitor, endpoints[0]!.ejection, active(), changes], [null, 'closed', 0, []])
})

test('a sweep tells once of all that it changes, and ends with its cluster', () => {
  const { made, endpoints, clock, changes, active } = detector(4, 50)
  for (const { monitor } of endpoints.slice(0, 2)) monitor!.answered(500, false)
  clock.advance(30_000)
  assert.deepEqual([changes, active()], [[0, 0, 30_000], 0])
  endpoints[0]!.monitor!.answered(500, false)
  made.stop()
  assert.deepEqual([clock.pendingTimers, active()], [0, 0])
})

test('a success begins the count of gateway errors anew, whatever became of the other count', () => {
  const { endpoints, stats } = detector(2, 10)
  const { monitor } = endpoints[0]!
  for (const status of [503, 200, 503, 503]) {
    assert.equal(stats.value('outlier_detection.ejections_detected_consecutive_gateway_failure'), 0)
    monitor!.answered(status, false)
  }
  assert.equal(stats.value('outlier_detection.ejections_detected_consecutive_gateway_failure'), 1)
  assert.equal(stats.value('outlier_detection.ejections_overflow'), 4)
})
