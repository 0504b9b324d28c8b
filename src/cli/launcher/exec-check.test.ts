import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock, systemClock } from '../../base/clock.ts'
import { ExecCheck, type RunningCommand, runCheckCommand } from './exec-check.ts'
import type { LauncherHost } from './launcher-host.ts'

const SPEC = { command: ['true'], intervalMs: 1000, timeoutMs: 500, healthyThreshold: 2, unhealthyThreshold: 1 }

test('the verdict turns after so many results in a row; a command that takes too long has failed', async () => {
  const clock = new FakeClock()
  const ends: ((succeeded: boolean) => void)[] = []
  const verdicts: boolean[] = []
  const run = (): RunningCommand => {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    ends.push(resolve)
    return { succeeded: promise, kill: () => resolve(false) }
  }
  const check = new ExecCheck(clock, SPEC, run, well => verdicts.push(well))
  const settled = (): Promise<void> => new Promise(done => setImmediate(done))
  check.start()
  for (const succeeded of [true, false, true, true]) {
    ends.at(-1)!(succeeded)
    await settled()
    clock.advance(1000)
  }
  assert.deepEqual([verdicts, check.well, ends.length], [[true], true, 5])
  clock.advance(500)
  await settled()
  assert.deepEqual([verdicts, check.well], [[true, false], false])
  clock.advance(1000)
  check.close()
  await settled()
  clock.advance(10_000)
  assert.equal(ends.length, 6)
})

const host = { reaper: { add: () => {}, remove: () => {} }, clock: systemClock } as unknown as LauncherHost

test('a command is well when it exits with 0, and not when it does otherwise, cannot start or is killed', async () => {
  const options = { cwd: '/', env: { CODE: '3' } }
  const start = (...command: string[]): RunningCommand => runCheckCommand(host, command, options)
  assert.equal(await start(process.execPath, '-e', '').succeeded, true)
  assert.equal(await start(process.execPath, '-e', 'process.exit(process.env.CODE)').succeeded, false)
  assert.equal(await start('/nowhere/at-all').succeeded, false)
  const endless = start(process.execPath, '-e', 'setInterval(() => {}, 1000)')
  endless.kill()
  assert.equal(await endless.succeeded, false)
})
