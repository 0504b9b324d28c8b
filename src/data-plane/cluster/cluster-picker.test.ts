import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cluster_LbPolicy } from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { asking, balancer, balancerHost, endpoint } from '../load-balancers/testing/balanced.ts'
import type { ClusterEndpoint } from './cluster-endpoint.ts'
import { createClusterPicker, createPickerWithout } from './cluster-picker.ts'

const ROUND_ROBIN = balancer({ lbPolicy: Cluster_LbPolicy.ROUND_ROBIN })
const RING_HASH = balancer({ lbPolicy: Cluster_LbPolicy.RING_HASH })
const MAGLEV = balancer({ lbPolicy: Cluster_LbPolicy.MAGLEV })

interface Fields {
  readonly weight?: number
  readonly priority?: number
  readonly zone?: string
  readonly localityWeight?: number
  readonly health?: 'bad' | 'weak'
}

function endpoints(...all: readonly Fields[]): ClusterEndpoint[] {
  return all.map(({ weight = 1, priority = 0, zone = '', localityWeight = 0, health }, i) => {
    const one = endpoint(i + 1, weight)
    one.priority = priority
    one.locality = { region: 'r', zone, subZone: '' }
    one.localityWeight = localityWeight
    one.healthy = health !== 'bad'
    one.announcedDegraded = health === 'weak'
    return one
  })
}

const times = (count: number, fields: Fields): Fields[] => Array.from({ length: count }, () => fields)

/** Picks in a thousand by whatever `by` tells apart. */
function sharesBy(
  all: readonly ClusterEndpoint[],
  by: (one: ClusterEndpoint) => string | number,
  { loadBalancer = ROUND_ROBIN, panicThreshold = 50, weighsLocalities = false } = {},
): Record<string, number> {
  const picker = createClusterPicker(all, { loadBalancer, panicThreshold, weighsLocalities }, balancerHost())
  const unkeyed = asking()
  const counts: Record<string, number> = {}
  for (let i = 0; i < 10_000; i++) {
    const picked = picker.pick(loadBalancer.hashes ? asking(`user-${i}`) : unkeyed)
    const key = picked === null ? 'none' : by(picked as ClusterEndpoint)
    counts[key] = (counts[key] ?? 0) + 0.1
  }
  return Object.fromEntries(Object.entries(counts).map(([key, count]) => [key, Math.round(count)]))
}

const near = (actual: number | undefined, expected: number, by = 20): void =>
  assert.ok(Math.abs((actual ?? 0) - expected) <= by, `${actual} is not near ${expected}`)
const priority = (one: ClusterEndpoint): number => one.priority
const zone = (one: ClusterEndpoint): string => one.locality.zone
const port = (one: ClusterEndpoint): number => one.port

test('a later priority is used for what the first cannot take, by whichever policy', () => {
  const all = endpoints(...times(5, {}), ...times(5, { health: 'bad' }), ...times(10, { priority: 1 }))
  for (const loadBalancer of [ROUND_ROBIN, MAGLEV]) {
    const shares = sharesBy(all, priority, { loadBalancer })
    near(shares[0], 700)
    near(shares[1], 300)
  }
})

test('priorities that are not next to each other count as if they were', () => {
  const all = endpoints(...times(2, { priority: 3, health: 'bad' }), ...times(2, { priority: 7 }))
  assert.deepEqual(sharesBy(all, priority), { 7: 1000 })
})

test('a hash keeps to its endpoint through priorities too', () => {
  const all = endpoints(...times(5, {}), ...times(5, { health: 'bad' }), ...times(10, { priority: 1 }))
  const balancing = { loadBalancer: RING_HASH, panicThreshold: 50, weighsLocalities: false }
  const picker = createClusterPicker(all, balancing, balancerHost())
  for (let i = 0; i < 200; i++) assert.equal(picker.pick(asking(`u${i}`, 1)), picker.pick(asking(`u${i}`, 2)))
})

test('degraded endpoints are used for what healthy ones cannot take', () => {
  const all = endpoints(...times(5, {}), ...times(5, { health: 'weak' }))
  const shares = sharesBy(all, one => String(one.degraded))
  near(shares['false'], 700)
  near(shares['true'], 300)
})

test('a policy that hashes leaves degraded endpoints alone, even where there are no others, as Envoy does', () => {
  assert.deepEqual(sharesBy(endpoints({ health: 'weak' }), port, { loadBalancer: RING_HASH }), { none: 1000 })
  assert.deepEqual(sharesBy(endpoints({ health: 'weak' }), port), { 1: 1000 })
})

test('in panic all of a priority are used, unless the threshold is 0', () => {
  const all = endpoints({}, { health: 'bad' }, { health: 'bad' })
  assert.deepEqual(Object.keys(sharesBy(all, port)), ['1', '2', '3'])
  assert.deepEqual(sharesBy(all, port, { panicThreshold: 0 }), { 1: 1000 })
  assert.deepEqual(sharesBy(endpoints({ health: 'bad' }), port, { panicThreshold: 0 }), { none: 1000 })
})

const ZONES = [...times(4, { zone: 'a', localityWeight: 3 }), ...times(1, { zone: 'b', localityWeight: 1 })]

test('localities share by their own weights only where the cluster says so', () => {
  assert.deepEqual(sharesBy(endpoints(...ZONES), zone), { a: 800, b: 200 })
  assert.deepEqual(sharesBy(endpoints(...ZONES), zone, { weighsLocalities: true }), { a: 750, b: 250 })
  const shares = sharesBy(endpoints(...ZONES), zone, { weighsLocalities: true, loadBalancer: MAGLEV })
  near(shares['a'], 750)
})

test('a locality of which more than the spare have failed gets less', () => {
  const bad = [
    ...times(2, { zone: 'a', localityWeight: 1 }),
    ...times(2, { zone: 'a', localityWeight: 1, health: 'bad' }),
  ]
  const all = endpoints(...bad, ...times(4, { zone: 'b', localityWeight: 1 }))
  // 1.4 * 2/4 = 0.7 against 1.
  assert.deepEqual(sharesBy(all, zone, { weighsLocalities: true }), { a: 412, b: 588 })
})

test('a locality without a weight gets nothing, unless none has one', () => {
  const all = endpoints({ zone: 'a', localityWeight: 1 }, { zone: 'b' })
  assert.deepEqual(sharesBy(all, zone, { weighsLocalities: true }), { a: 1000 })
  assert.deepEqual(sharesBy(endpoints({ zone: 'a' }, { zone: 'b' }), zone, { weighsLocalities: true }), {
    a: 500,
    b: 500,
  })
})

test('within a locality weights count as ever', () => {
  const all = endpoints({ zone: 'a', localityWeight: 1, weight: 3 }, { zone: 'a', localityWeight: 1 })
  const other = endpoints({ zone: 'b', localityWeight: 1 })[0]!
  other.localityWeight = 1
  assert.deepEqual(
    sharesBy([...all, other], one => `${one.locality.zone}${one.weight}`, { weighsLocalities: true }),
    {
      a3: 375,
      a1: 125,
      b1: 500,
    },
  )
})

test('localities have their places on a ring in one order, however they are listed', () => {
  const loadBalancer = balancer({
    lbPolicy: Cluster_LbPolicy.RING_HASH,
    lbConfig: { case: 'ringHashLbConfig', value: { minimumRingSize: 1n } },
  })
  const balancing = { loadBalancer, panicThreshold: 50, weighsLocalities: true }
  const [x, y, z] = endpoints(
    { zone: 'b', localityWeight: 1, weight: 2 },
    { zone: 'b', localityWeight: 1, weight: 5 },
    { zone: 'a', localityWeight: 1, weight: 2 },
  )
  const picks = (...all: ClusterEndpoint[]): (number | undefined)[] => {
    const picker = createClusterPicker(all, balancing, balancerHost())
    return Array.from({ length: 64 }, (_, i) => picker.pick(asking(`user-${i}`))?.port)
  }
  assert.deepEqual(picks(x!, y!, z!), picks(z!, x!, y!))
})

test('who is not wanted counts as well, and is passed over; where nobody is wanted the next priority takes all', () => {
  const all = endpoints({}, {}, { health: 'bad' }, { priority: 1 })
  const balancing = { loadBalancer: ROUND_ROBIN, panicThreshold: 50, weighsLocalities: false }
  const ports = (unwanted: number): Set<number> => {
    const picker = createClusterPicker(all, balancing, balancerHost(), ({ port }) => port > unwanted)
    const context = asking()
    return new Set(Array.from({ length: 500 }, () => picker.pick(context)!.port))
  }
  // 1.4 * 2/3 of the first priority: 93 percent, whoever is wanted of it.
  assert.deepEqual(ports(1), new Set([2, 4]))
  assert.deepEqual(ports(2), new Set([4]))
})

test('a picker without some priorities, by whichever policy; none when nobody else is usable', () => {
  const all = endpoints({}, { priority: 1 }, { priority: 2, health: 'bad' })
  for (const loadBalancer of [ROUND_ROBIN, MAGLEV]) {
    const balancing = { loadBalancer, panicThreshold: 50, weighsLocalities: false }
    const picked = (...excluded: number[]) =>
      createPickerWithout(excluded, all, balancing, balancerHost(), () => true)?.pick(asking('a'))
    assert.equal(picked(0), all[1])
    assert.equal(picked(1), all[0])
    assert.equal(picked(0, 1), undefined)
    assert.equal(picked(0, 1, 2), undefined)
  }
})
