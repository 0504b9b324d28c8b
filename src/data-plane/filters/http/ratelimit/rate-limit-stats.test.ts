import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createStats } from '../../../stats/stats-store.ts'
import { collectUntil } from '../../../stats/testing/collected.ts'
import { StatsByCluster } from './rate-limit-stats.ts'

test('what was counted goes with the config that counts', async () => {
  const stats = createStats()
  const config = { stats: new StatsByCluster(stats.root, 'p') as StatsByCluster | null }
  config.stats!.of('c').ok.value++
  assert.equal(stats.value('cluster.c.ratelimit.p.ok'), 1)
  config.stats = null
  await collectUntil(() => [...stats.batches()].length === 0)
})
