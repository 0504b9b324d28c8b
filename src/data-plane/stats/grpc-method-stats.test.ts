import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GrpcStats, type MethodStats } from './grpc-method-stats.ts'
import { createStats } from './stats-store.ts'
import { collect, collectUntil } from './testing/collected.ts'

const CONFIG = { family: 'grpc', methods: 'all', withTime: true, replaceDots: false } as const
const TOTAL = 'cluster.c.grpc.s.m.total'

test('what was counted goes with the config that counts and the last call, not before', async () => {
  const stats = createStats()
  const call: { counters: MethodStats | null } = { counters: new GrpcStats(stats.root, CONFIG).of('c', '/s/m') }
  // Two rounds: what is collected is told of after the first.
  for (let round = 0; round < 2; round++) {
    collect()
    await new Promise(setImmediate)
  }
  call.counters!.total.value++
  assert.equal(stats.value(TOTAL), 1)
  call.counters = null
  await collectUntil(() => [...stats.batches()].length === 0)
})

test('of a cluster that a thousand others have put out of mind a call goes on being counted', async () => {
  const stats = createStats()
  const grpc = new GrpcStats(stats.root, CONFIG)
  const call = grpc.of('c', '/s/m')!
  for (let n = 0; n < 1000; n++) grpc.of(`other-${n}`, '/s/m')
  call.total.value++
  assert.equal(stats.value(TOTAL), 1)
  assert.equal(grpc.of('c', '/s/m')!.total.value, 1)
})
