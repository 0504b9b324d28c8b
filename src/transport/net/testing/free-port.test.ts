import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { systemNetwork } from '../system-network.ts'

type FreePort = typeof import('./free-port.ts')

test('what one process was given no other is, though nobody has bound it yet', async t => {
  // Both begin at the same place.
  mock.method(Math, 'random', () => 0.5)
  t.after(() => mock.restoreAll())
  const processes: FreePort[] = await Promise.all(['one', 'other'].map(name => import(`./free-port.ts?${name}`)))
  const ports: number[] = []
  for (const { freePort } of [...processes, ...processes]) ports.push(await freePort())
  assert.equal(new Set(ports).size, 4, ports.join())
  for (const port of ports) await (await systemNetwork.listen('127.0.0.1', port, () => {})).close()
})
