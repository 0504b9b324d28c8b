// What every Envoy's dashboard asks of the process itself.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../base/clock.ts'
import type { ServerState } from '../data-plane/admin/admin-pages.ts'
import { MergedStats } from '../data-plane/stats/merged-stats.ts'
import { createStats } from '../data-plane/stats/stats-store.ts'
import { loopStats, ServerStats } from './server-stats.ts'

test('state, age and event loops, as they are when asked', () => {
  const stats = createStats()
  const clock = new FakeClock()
  let state: ServerState = 'PRE_INITIALIZING'
  const server = new ServerStats(stats.root, {
    clock,
    epoch: 2,
    concurrency: 3,
    state: () => state,
    tlsMaterials: () => [],
  })
  const values = (): unknown[] =>
    ['state', 'live', 'uptime', 'concurrency', 'hot_restart_epoch'].map(name => stats.value(`server.${name}`))
  assert.deepEqual(values(), [2, 1, 0, 3, 2])
  clock.advance(1999)
  state = 'LIVE'
  server.onLive()
  assert.deepEqual(values(), [0, 1, 1, 3, 2])
  state = 'DRAINING'
  assert.deepEqual(values(), [1, 0, 1, 3, 2])
  assert.match([...stats.prometheus()].join(''), /^envoy_server_initialization_time_ms_sum 1999$/m)
})

test('memory of all event loops together; the process counts once', ({ mock }) => {
  const [main, worker] = [createStats(), createStats()]
  const memory = { heapUsed: 10, heapTotal: 30, external: 2 }
  mock.method(process.memoryUsage, 'rss', () => 100)
  mock.method(process, 'memoryUsage', () => memory)
  new ServerStats(main.root, {
    clock: new FakeClock(),
    epoch: 0,
    concurrency: 2,
    state: () => 'LIVE',
    tlsMaterials: () => [],
  })
  loopStats(worker.root).value = 1
  const merged = new MergedStats()
  for (const batch of main.batches()) merged.addOwn(batch)
  for (const batch of worker.batches()) merged.addOther(batch)
  const text = [...merged.pages().text()].join('')
  const wanted = {
    concurrency: 2,
    envoy_bug_failures: 1,
    memory_allocated: 24,
    memory_heap_size: 64,
    memory_physical_size: 100,
  }
  for (const [name, value] of Object.entries(wanted)) assert.ok(text.includes(`server.${name}: ${value}\n`), text)
})
