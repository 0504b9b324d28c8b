import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { FakeClock, systemClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { SeededRandom } from '../../base/random.ts'
import { systemNetwork } from '../../transport/net/system-network.ts'
import { openDatabase } from '../store/database.ts'
import { DEFAULT_HEALTH_CHECK, type HealthCheckConfig } from './health-check-config.ts'
import type { InstanceRegistration } from './instance.ts'
import { RESTART_GRACE_MS, Registry } from './registry.ts'

const KEY = { namespace: 'default', name: 'reviews-v1-0' }

function registration(port = 9080, healthCheck: HealthCheckConfig | null = null): InstanceRegistration {
  const workload = {
    ...KEY,
    service: 'reviews',
    version: 'v1',
    description: '',
    labels: { app: 'reviews' },
    serviceAccount: 'reviews',
    address: '127.0.0.1',
    applicationAddress: '127.0.0.1',
    ports: [{ name: 'http', number: 9080, applicationPort: port, inboundPort: port }],
    locality: { region: '', zone: '', subZone: '' },
    weight: 1,
    tlsMode: 'istio' as const,
    proxy: null,
  }
  return { workload, healthCheck, leaseSeconds: 2 }
}

function setUp(clock = new FakeClock(), database: DatabaseSync = openDatabase(':memory:')) {
  const registry = new Registry({
    database,
    clock,
    random: new SeededRandom(1),
    network: systemNetwork,
    log: silentLog,
  })
  after(() => registry.close())
  return { registry, clock, database }
}

test('an instance that stops renewing is out within 3 s, one that renews stays', () => {
  const { registry, clock } = setUp()
  registry.register(registration())
  for (let i = 0; i < 10; i++) {
    clock.advance(600)
    assert.equal(registry.renew(KEY), true)
  }
  assert.equal(registry.workloads().length, 1)
  clock.advance(1900)
  assert.equal(registry.workloads().length, 1)
  clock.advance(600)
  assert.equal(registry.workloads().length, 0)
  assert.equal(registry.renew(KEY), false)
})

test('after a restart instances have a grace, then must renew', () => {
  const { registry, clock, database } = setUp()
  registry.register(registration())
  registry.putService({ ...KEY, name: 'reviews', description: '', version: '', labels: {}, ports: [] })
  const second = setUp(clock, database).registry
  assert.deepEqual(second.workloads(), registry.workloads())
  assert.equal(second.services().length, 1)
  clock.advance(RESTART_GRACE_MS - 500)
  assert.equal(second.workloads().length, 1)
  assert.equal(second.renew(KEY), true)
  clock.advance(1500)
  assert.equal(second.workloads().length, 1)
  clock.advance(1000)
  assert.equal(second.workloads().length, 0)
})

test('a process that stood still does not take everyone for dead', () => {
  const clock = new FakeClock()
  let stalled = 0
  const lagging = {
    ...clock,
    now: () => clock.now() + stalled,
    wallNow: () => clock.wallNow(),
    setTimer: clock.setTimer.bind(clock),
  }
  const registry = new Registry({
    database: openDatabase(':memory:'),
    clock: lagging,
    random: new SeededRandom(1),
    network: systemNetwork,
    log: silentLog,
  })
  after(() => registry.close())
  registry.register(registration())
  stalled = 60_000
  clock.advance(250)
  assert.equal(registry.workloads().length, 1)
  clock.advance(2500)
  assert.equal(registry.workloads().length, 0)
})

test('changes of one turn are told once; a renewal and the same registration are none', async () => {
  const { registry } = setUp()
  let told = 0
  registry.onChange(() => told++)
  registry.register(registration())
  registry.putService({ ...KEY, name: 'reviews', description: '', version: '', labels: {}, ports: [] })
  await Promise.resolve()
  assert.equal(told, 1)
  registry.register(registration())
  registry.renew(KEY)
  await Promise.resolve()
  assert.equal(told, 1)
})

test('a proxy still finds the workload that has left', () => {
  const { registry } = setUp()
  registry.register(registration())
  registry.deregister(KEY)
  assert.equal(registry.workloads().length, 0)
  assert.equal(registry.workloadForProxy(KEY)?.name, KEY.name)
  assert.equal(registry.workloadForProxy(KEY)?.healthy, false)
})

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  after(() => server.close())
  return (server.address() as AddressInfo).port
}

function onceTurned(registry: Registry, healthy: boolean): Promise<void> {
  return new Promise(resolve => {
    registry.onChange(() => {
      if (registry.instance(KEY)?.healthy === healthy) resolve()
    })
  })
}

test('an HTTP check decides who is healthy, both ways', async () => {
  let status = 503
  const port = await listening(createServer((_request, response) => response.writeHead(status).end()))
  const registry = new Registry({
    database: openDatabase(':memory:'),
    clock: systemClock,
    random: new SeededRandom(1),
    network: systemNetwork,
    log: silentLog,
  })
  after(() => registry.close())
  const fast = { ...DEFAULT_HEALTH_CHECK, http: { path: '/health' }, intervalMs: 20 }
  // Its lease must outlast the test.
  registry.register({ ...registration(port, fast), leaseSeconds: 60 })
  assert.equal(registry.instance(KEY)?.healthy, false)
  const up = onceTurned(registry, true)
  status = 200
  await up
  const down = onceTurned(registry, false)
  status = 500
  await down
  assert.equal(registry.instance(KEY)?.healthDetail, 'status 500')
})

test('a TCP check finds a closed port', async () => {
  const server = createServer()
  const port = await listening(server)
  const registry = new Registry({
    database: openDatabase(':memory:'),
    clock: systemClock,
    random: new SeededRandom(1),
    network: systemNetwork,
    log: silentLog,
  })
  after(() => registry.close())
  const up = onceTurned(registry, true)
  registry.register({ ...registration(port, { ...DEFAULT_HEALTH_CHECK, tcp: {}, intervalMs: 20 }), leaseSeconds: 60 })
  await up
  const down = onceTurned(registry, false)
  server.close()
  await down
  assert.equal(registry.instance(KEY)?.healthDetail, 'ECONNREFUSED')
})
