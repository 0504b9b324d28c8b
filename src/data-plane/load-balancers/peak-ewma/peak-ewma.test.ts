import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../../base/clock.ts'
import { SeededRandom } from '../../../base/random.ts'
import type { ClusterEndpoint } from '../../cluster/cluster-endpoint.ts'
import { balanceByResponseTime } from '../registry.ts'
import { asking, balancerHost, endpoint, pickerOf, shares } from '../testing/balanced.ts'
import { PeakEwma } from './peak-ewma.ts'

const DECAY_MS = 10_000

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 0.01, `${actual} is not ${expected}`)
}

test('a rise is followed at once, a fall by and by', () => {
  const ewma = new PeakEwma(DECAY_MS)
  ewma.onRequestEnd(0, 10, false)
  near(ewma.cost(0), 10)
  ewma.onRequestEnd(0, 500, false)
  near(ewma.cost(0), 500)
  ewma.onRequestEnd(DECAY_MS, 10, false)
  near(ewma.cost(DECAY_MS), 500 / Math.E + 10 * (1 - 1 / Math.E))
})

test('what nobody has seen for long fades to what is unknown, but no quick endpoint becomes slower by it', () => {
  const slow = new PeakEwma(DECAY_MS)
  slow.onRequestEnd(0, 500, false)
  near(slow.cost(20 * DECAY_MS), 30)
  const quick = new PeakEwma(DECAY_MS)
  quick.onRequestEnd(0, 1, false)
  near(quick.cost(20 * DECAY_MS), 1)
})

test('failures make an endpoint dear, however quick they are', () => {
  const ewma = new PeakEwma(DECAY_MS)
  ewma.onRequestEnd(0, 20, false)
  ewma.onRequestEnd(DECAY_MS, 1, true)
  // 1 - 1/e of the recent past failed: a success takes e tries.
  near(ewma.cost(DECAY_MS), 20 * Math.E)
  for (let at = 2; at < 30; at++) ewma.onRequestEnd(at * DECAY_MS, 1, true)
  assert.ok(ewma.cost(29 * DECAY_MS) > 1500)
  near(ewma.cost(60 * DECAY_MS), 20)
})

/** One after the other, each answered before the next: how many of `requests` each endpoint gets. */
function served(
  endpoints: readonly ClusterEndpoint[],
  answer: (one: ClusterEndpoint) => { ms: number; failed?: boolean },
  requests: number,
): number[] {
  const clock = new FakeClock()
  const balancer = balanceByResponseTime(DECAY_MS)
  for (const one of endpoints) one.tracker = balancer.createTracker!()
  const picker = pickerOf(balancer, endpoints, balancerHost(7, clock))
  const context = asking()
  const counts = endpoints.map(() => 0)
  for (let i = 0; i < requests; i++) {
    const picked = picker.pick(context) as ClusterEndpoint
    const { ms, failed = false } = answer(picked)
    clock.advance(ms)
    picked.tracker!.onRequestEnd(clock.now(), ms, failed)
    counts[endpoints.indexOf(picked)]!++
  }
  return counts
}

test('of three equal endpoints each gets a third', () => {
  for (const count of shares(balanceByResponseTime(DECAY_MS), [endpoint(1), endpoint(2), endpoint(3)], 9000))
    assert.ok(Math.abs(count - 3000) <= 179, `${count} of 9000`)
})

test('weights are the odds of being looked at', () => {
  const [light, heavy] = shares(balanceByResponseTime(DECAY_MS), [endpoint(1, 1), endpoint(2, 4)], 10_000)
  assert.ok(Math.abs(light! - 2000) <= 160, `${light} and ${heavy}`)
})

test('a slow endpoint of three is tried no more than now and then', () => {
  const endpoints = [endpoint(1), endpoint(2), endpoint(3)]
  const random = new SeededRandom(3)
  const [slow] = served(endpoints, one => ({ ms: one.port === 1 ? 200 : 5 + random.next() }), 3000)
  assert.ok(slow! < 60, `${slow} of 3000`)
})

test('so is one that fails at once', () => {
  const endpoints = [endpoint(1), endpoint(2), endpoint(3)]
  const [failing] = served(endpoints, one => (one.port === 1 ? { ms: 1, failed: true } : { ms: 20 }), 3000)
  assert.ok(failing! < 300, `${failing} of 3000`)
})

test('requests in flight count: a quick endpoint is not given all of them', () => {
  const [quick, slow] = [endpoint(1), endpoint(2)]
  const balancer = balanceByResponseTime(DECAY_MS)
  for (const one of [quick, slow]) one.tracker = balancer.createTracker!()
  quick.tracker!.onRequestEnd(0, 10, false)
  slow.tracker!.onRequestEnd(0, 25, false)
  const picker = pickerOf(balancer, [quick, slow])
  const context = asking()
  const order = Array.from({ length: 4 }, () => {
    const picked = picker.pick(context)!
    picked.activeRequests++
    return picked.port
  })
  // 10 and 20 against 25, 30 against 25, 30 against 50.
  assert.deepEqual(order, [1, 1, 2, 1])
})
