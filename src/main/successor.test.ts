import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { FakeClock } from '../base/clock.ts'
import { SUCCESSION } from './inheritance.ts'
import { Successor } from './successor.ts'

/** Asks for leave, and accepts once it has it. */
const OBEDIENT = `
process.on('message', () => process.send('${SUCCESSION.live}'))
process.send('${SUCCESSION.ready}')
`

test('a successor that waits for leave may have to wait for longer than it had to be ready', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-successor-'))
  const script = join(folder, 'successor.cjs')
  writeFileSync(script, OBEDIENT)
  const { argv } = process
  process.argv = [argv[0]!, script]
  const clock = new FakeClock()
  const successor = new Successor(clock, { epoch: 1, firstStartedAt: 0, sockets: [], workers: [], admin: null }, 0)
  process.argv = argv
  try {
    assert.equal(await successor.ready, null)
    clock.advance(120_000)
    assert.equal(clock.pendingTimers, 0)
    successor.letTakeOver()
    assert.equal(clock.pendingTimers, 1)
    assert.equal(await successor.live, null)
    assert.equal(clock.pendingTimers, 0)
  } finally {
    successor.kill()
    await successor.ended
    rmSync(folder, { recursive: true })
  }
})
