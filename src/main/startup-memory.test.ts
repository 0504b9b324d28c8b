import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

test('compiled code is where the next start looks, not in memory until the end', t => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-compiled-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const source = `
    import { readdirSync } from 'node:fs'
    import { enableCompileCache } from 'node:module'
    enableCompileCache(${JSON.stringify(folder)})
    const { releaseStartupMemory } = await import(${JSON.stringify(join(import.meta.dirname, 'startup-memory.ts'))})
    releaseStartupMemory()
    console.log(readdirSync(${JSON.stringify(folder)}, { recursive: true }).length > 1)`
  const child = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', source], {
    encoding: 'utf8',
    env: {},
  })
  assert.deepEqual([child.stdout, child.stderr], ['true\n', ''])
})
