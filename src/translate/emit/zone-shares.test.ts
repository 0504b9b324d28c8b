import assert from 'node:assert/strict'
import { test } from 'node:test'
import { zoneShares } from './zone-shares.ts'

/** Endpoints, and clients, by zone. */
function shares(
  endpoints: Readonly<Record<string, number>>,
  clients: Readonly<Record<string, number>>,
  own: string,
  minClusterSize = 1,
): readonly number[] | null {
  const zones = Object.entries(endpoints).map(([key, healthy]) => ({ key, healthy }))
  return zoneShares(zones, { own, peers: new Map(Object.entries(clients)), minClusterSize })
}

test('a zone with as large a part of the endpoints as of the clients keeps all of its load', () => {
  assert.deepEqual(shares({ a: 2, b: 2 }, { a: 2, b: 2 }, 'a'), [10_000, 0])
  assert.deepEqual(shares({ a: 3, b: 1 }, { a: 2, b: 2 }, 'a'), [10_000, 0])
})

test('what a zone cannot bear goes where there is room, in proportion to that', () => {
  // Envoy's own example: clients 40, 40, 20 percent, endpoints 25, 50, 25.
  const [endpoints, clients] = [
    { a: 25, b: 50, c: 25 },
    { a: 40, b: 40, c: 20 },
  ]
  assert.deepEqual(shares(endpoints, clients, 'a'), [6250, 2500, 1250])
  assert.deepEqual(shares(endpoints, clients, 'b'), [0, 10_000, 0])
})

test('so that in sum every endpoint gets the same', () => {
  const endpoints: Record<string, number> = { a: 1, b: 4, c: 3 }
  const clients = { a: 3, b: 2, c: 3 }
  const load: Record<string, number> = { a: 0, b: 0, c: 0 }
  for (const [zone, count] of Object.entries(clients)) {
    const spread = shares(endpoints, clients, zone)!
    for (const [i, key] of Object.keys(endpoints).entries()) load[key]! += (count * spread[i]!) / 10_000
  }
  for (const [key, count] of Object.entries(endpoints))
    assert.ok(Math.abs(load[key]! / count - 1) < 0.01, `${key}: ${load[key]} for ${count}`)
})

test('a zone without endpoints of its own sends all of it away', () => {
  assert.deepEqual(shares({ b: 2, c: 2 }, { a: 2, b: 1, c: 1 }, 'a'), [5000, 5000])
  assert.deepEqual(shares({ a: 0, b: 4 }, { a: 1, b: 1 }, 'a'), [0, 10_000])
})

test('zones are not looked at where Envoy does not look at them', () => {
  const two = { a: 2, b: 2 }
  assert.equal(shares({ a: 4 }, two, 'a'), null, 'one zone of endpoints')
  assert.equal(shares(two, { a: 2 }, 'a'), null, 'one zone of clients')
  assert.equal(shares(two, { b: 1, c: 1 }, 'a'), null, 'a client that is not among its peers')
  assert.equal(shares(two, two, 'a', 5), null, 'too few endpoints')
  assert.equal(shares({ a: 0, b: 0 }, two, 'a', 0), null, 'no endpoint')
})
