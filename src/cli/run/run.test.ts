// weft run beside a mesh of fakes: what it says, whose exit code it has, and that nothing stays behind.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readProcessRecords } from '../launcher/process-record.ts'
import { createTestContext, type TestContext } from '../launcher/testing/test-context.ts'
import { runProgram } from '../program.ts'

/** A bound against hanging, not a figure. */
const LIMIT_MS = 90_000

const APPLICATION = fileURLToPath(new URL('../launcher/testing/fake-application.ts', import.meta.url))
let directory: string
let state: string
let where: readonly string[]
let mesh: TestContext
let ended: Promise<number>
let alive: NodeJS.Timeout

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'weft-run-'))
  state = join(directory, 'state')
  // The clock's timers keep no process alive; bin.ts does this for the real one.
  alive = setInterval(() => {}, 1000)
  writeFileSync(join(directory, 'weft.yaml'), 'workloads: []\n')
  mesh = createTestContext(directory)
  ended = runProgram(mesh.context, ['up', '.', '--state', state, '--api-port', '0', '-o', 'json'])
  await until('the mesh is ready', () => mesh.output.stdout.includes('\n'))
  where = ['--state', state, '--server', JSON.parse(mesh.output.stdout).api]
})
after(async () => {
  mesh.raise('SIGINT')
  assert.equal(await ended, 0)
  clearInterval(alive)
  rmSync(directory, { recursive: true, force: true })
})

async function until(what: string, check: () => boolean): Promise<void> {
  for (const deadline = performance.now() + LIMIT_MS; performance.now() < deadline; ) {
    if (check()) return
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  assert.fail(`${what}: ${mesh.output.stderr}`)
}

const roles = (): string[] => readProcessRecords(state).map(record => record.role)

test('a command that serves nobody is heard alone, and its exit code is passed on', async () => {
  for (const code of [0, 7]) {
    const { context, output } = createTestContext(directory)
    const command = ['node', '-e', `process.exit(${code})`]
    assert.equal(await runProgram(context, ['run', '--service', 'sleep', ...where, '--', ...command]), code)
    assert.deepEqual(output, { stdout: '', stderr: '' })
    assert.deepEqual(roles().sort(), ['control-plane', 'up'])
  }
})

test('a command that serves is announced once it is in the mesh, and leaves with Ctrl-C', async () => {
  const { context, output, raise } = createTestContext(directory)
  const words = ['run', '--service', 'echo', '--port', '9000', ...where, '--', 'node', APPLICATION]
  const running = runProgram(context, words)
  await until('it is announced', () => output.stderr === 'weft: echo-v1-0 is in the mesh\n')
  assert.deepEqual(roles().sort(), ['application', 'control-plane', 'proxy', 'run', 'up'])
  raise('SIGINT')
  assert.equal(await running, 0)
  assert.deepEqual(roles().sort(), ['control-plane', 'up'])
})
