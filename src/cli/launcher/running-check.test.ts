// What is done about the processes of an earlier launcher: its own are ended, and nobody else's.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { isRunning, type ProcessRole, readProcessRecords, writeProcessRecord } from './process-record.ts'
import { requireNameFree, requireNotRunning } from './running-check.ts'

let state: string
const children: ChildProcess[] = []

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'weft-running-'))
})
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  rmSync(state, { recursive: true })
})

async function start(name: string, role: ProcessRole, workload?: string): Promise<ChildProcess> {
  const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' })
  children.push(child)
  await once(child, 'spawn')
  const owner = workload === undefined ? {} : { workload }
  writeProcessRecord(state, { name, role, pid: child.pid ?? 0, ports: {}, startedAt: '', ...owner })
  return child
}

function edit(name: string, changes: Record<string, unknown>): void {
  const file = join(state, 'processes', `${name}.json`)
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...changes }))
}

test('what a killed launcher left is ended, and its records are forgotten', async () => {
  const left = await start('a-0', 'application', 'a-0')
  requireNotRunning(state, '.weft')
  assert.deepEqual(await once(left, 'exit'), [null, 'SIGKILL'])
  assert.deepEqual(readProcessRecords(state), [])
})

test('a process that has the pid of a recorded one by chance is left alone', async () => {
  const stranger = await start('a-0', 'application', 'a-0')
  edit('a-0', { began: 'before the machine was started' })
  requireNotRunning(state, '.weft')
  assert.equal(stranger.kill(0), true)
  assert.equal(stranger.signalCode, null)
})

test('a record that is none is not acted upon', async () => {
  mkdirSync(join(state, 'processes'))
  for (const [name, text] of [
    ['everybody', '{"name":"everybody","role":"proxy","pid":1,"ports":{},"began":""}'],
    ['ourselves', '{"name":"ourselves","role":"proxy","pid":0,"ports":{},"began":""}'],
    ['null', 'null'],
    ['elsewhere', '{"name":"../../elsewhere","role":"proxy","pid":77777777,"ports":{},"began":""}'],
  ] as const) {
    writeFileSync(join(state, 'processes', `${name}.json`), text)
  }
  assert.deepEqual(readProcessRecords(state), [])
  requireNotRunning(state, '.weft')
})

test('a weft run goes on in the next mesh, with all that belongs to it', async () => {
  await start('run-x-v1-0', 'run')
  await start('x-v1-0', 'application', 'x-v1-0')
  await start('x-v1-0-proxy', 'proxy', 'x-v1-0')
  requireNotRunning(state, '.weft')
  assert.deepEqual(readProcessRecords(state).filter(isRunning).length, 3)
})

test('a name that a running process has is not given twice', async () => {
  await start('up', 'up')
  await start('x-v1-0-proxy', 'proxy', 'x-v1-0')
  assert.throws(
    () => requireNameFree(state, { name: 'up', namespace: 'default' }),
    /up is running already \(up, pid \d+\)/,
  )
  assert.throws(() => requireNameFree(state, { name: 'x-v1-0', namespace: 'default' }), /x-v1-0 is running already/)
  requireNameFree(state, { name: 'x-v1-1', namespace: 'default' })
  requireNameFree(state, { name: 'x-v1-0', namespace: 'other' })
})
