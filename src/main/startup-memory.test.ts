import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { releaseStartupMemory } from './startup-memory.ts'

test('what nobody holds any more is gone at once, and no garbage collector is left in reach', async () => {
  const startup = new WeakRef({ file: 'x'.repeat(1000) })
  // A WeakRef holds on until the task that made it has ended.
  await sleep(1)
  releaseStartupMemory()
  assert.equal(startup.deref(), undefined)
  assert.equal(globalThis.gc, undefined)
})
