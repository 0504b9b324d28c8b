// weft up against fakes of its processes: what starts, what is said, and that nothing stays behind.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { CliContext } from '../contract/cli-context.ts'
import { isFree } from '../launcher/port-allocator.ts'
import { type ProcessRecord, readProcessRecords } from '../launcher/process-record.ts'
import { createTestContext, type TestContext } from '../launcher/testing/test-context.ts'
import { runProgram } from '../program.ts'

/** A bound against hanging, not a figure. */
const LIMIT_MS = 90_000

const APPLICATION = fileURLToPath(new URL('../launcher/testing/fake-application.ts', import.meta.url))
let directory: string
let state: string
let alive: NodeJS.Timeout
const afterwards: (() => void)[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'weft-up-'))
  state = join(directory, 'state')
  // The clock's timers keep no process alive; bin.ts does this for the real one.
  alive = setInterval(() => {}, 1000)
})
afterEach(() => {
  clearInterval(alive)
  for (const undo of afterwards.splice(0)) undo()
  rmSync(directory, { recursive: true, force: true })
})

function writeMesh(more = ''): void {
  writeFileSync(
    join(directory, 'weft.yaml'),
    `gateway: { port: 8080 }
workloads:
  - service: one
    version: v1
    command: [node, ${APPLICATION}]
    port: 9000
    healthCheck: { http: { path: / } }
  - service: two
    command: [node, ${APPLICATION}]
    port: 9000
    replicas: 2
${more}`,
  )
}

interface Up {
  readonly test: TestContext
  readonly ended: Promise<number>
}

function up(changes: Partial<CliContext> = {}, ...args: string[]): Up {
  const created = createTestContext(directory, changes)
  const all = ['up', '.', '--state', state, '--gateway-port', '0', '--api-port', '0', '-o', 'json', ...args]
  return { test: created, ended: runProgram(created.context, all) }
}

async function ready({ test: { output }, ended }: Up): Promise<{ gateway: string; api: string; state: string }> {
  let code: number | undefined
  void ended.then(value => {
    code = value
  })
  while (!output.stdout.includes('\n')) {
    assert.equal(code, undefined, output.stderr)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  return JSON.parse(output.stdout)
}

async function until(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + LIMIT_MS; performance.now() < deadline; ) {
    if (await check()) return
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  assert.fail(what)
}

async function assertAllGone(records: readonly ProcessRecord[]): Promise<void> {
  for (const record of records.filter(each => each.role !== 'up')) {
    assert.throws(() => process.kill(record.pid, 0), { code: 'ESRCH' }, `${record.name} still runs`)
    for (const port of Object.values(record.ports)) assert.ok(await isFree(port), `${record.name} still holds ${port}`)
  }
  assert.deepEqual(readProcessRecords(state), [])
}

test('starts everything, says so in one JSON line, and leaves nothing behind after Ctrl-C', async () => {
  writeMesh()
  const started = up()
  const line = await ready(started)
  assert.deepEqual(Object.keys(line), ['gateway', 'api', 'state'])
  assert.equal(line.state, state)
  const records = readProcessRecords(state)
  assert.deepEqual(records.map(record => `${record.role} ${record.name}`).sort(), [
    'application one-v1-0',
    'application two-0',
    'application two-1',
    'control-plane control-plane',
    'gateway istio-ingressgateway',
    'proxy one-v1-0-proxy',
    'proxy two-0-proxy',
    'proxy two-1-proxy',
    'up up',
  ])
  assert.match(started.test.output.stderr, /one-v1-0 +ready/)
  const token = join(state, 'proxies/default/one-v1-0/token')
  assert.equal(readFileSync(token, 'utf8'), 'token for one-v1-0')

  const application = records.find(record => record.name === 'one-v1-0')
  const proxy = records.find(record => record.name === 'one-v1-0-proxy')
  const told = (await (await fetch(`http://127.0.0.1:${application?.ports['9000']}/`)).json()) as Record<string, string>
  assert.equal(told['workload'], 'one-v1-0')
  assert.equal(told['proxy'], `http://127.0.0.1:${proxy?.ports['http-proxy']}`)

  const given = (await (await fetch(`http://127.0.0.1:${proxy?.ports['admin']}/arguments`)).json()) as string[]
  const optionOf = (name: string): string | undefined => given[given.indexOf(name) + 1]
  assert.deepEqual(
    ['--concurrency', '--drain-time-s', '--parent-shutdown-time-s', '--termination-drain-time-s'].map(optionOf),
    ['2', '30', '45', '3'],
    'as the MeshConfig says of proxies',
  )

  const second = createTestContext(directory)
  assert.equal(await runProgram(second.context, ['up', '.', '--state', state]), 1)
  assert.match(second.output.stderr, /^weft: WEFT-3004: a mesh is running from .* already \(pid \d+\)[^\n]*\n$/)

  started.test.raise('SIGINT')
  started.test.raise('SIGINT')
  assert.equal(await started.ended, 0)
  await assertAllGone(records)

  const again = up()
  assert.equal((await ready(again)).api, line.api, 'the ports of the last start are kept')
  again.test.raise('SIGTERM')
  assert.equal(await again.ended, 0)
})

test('what dies is started again, and is out of routing meanwhile', async () => {
  writeMesh()
  const started = up()
  const { api } = await ready(started)
  const before = readProcessRecords(state)
  const find = (records: readonly ProcessRecord[], name: string) => records.find(record => record.name === name)
  const healthy = async (name: string): Promise<boolean> => {
    const { instances } = (await (await fetch(`${api}/v1/instances`)).json()) as {
      instances: { name: string; healthy: boolean }[]
    }
    return instances.find(each => each.name === name)?.healthy === true
  }
  for (const name of ['one-v1-0', 'two-1-proxy']) {
    const pid = find(before, name)?.pid ?? 0
    process.kill(pid, 'SIGKILL')
    const workload = name.replace('-proxy', '')
    await until(`${workload} out of routing`, async () => !(await healthy(workload)))
    await until(`${name} back`, () => {
      const now = find(readProcessRecords(state), name)
      return now !== undefined && now.pid !== pid
    })
    await until(`${workload} in routing`, () => healthy(workload))
  }
  process.kill(find(before, 'control-plane')?.pid ?? 0, 'SIGKILL')
  await until('all three registered anew', async () => {
    const answer = await fetch(`${api}/v1/instances`).catch(() => null)
    return answer !== null && ((await answer.json()) as { instances: unknown[] }).instances.length === 4
  })
  const records = readProcessRecords(state)
  started.test.raise('SIGINT')
  assert.equal(await started.ended, 0)
  await assertAllGone(records)
})

test('an application that cannot start: one line that says why, exit 1, nothing left', async () => {
  writeMesh(`  - service: three
    command: [node, ${APPLICATION}]
    env: { FAIL_AT_START: "yes" }
    port: 9000
`)
  const started = up()
  assert.equal(await started.ended, 1)
  assert.equal(started.test.output.stdout, '')
  assert.match(
    started.test.output.stderr,
    /weft: WEFT-3005: three-0 ended with code 3: cannot read its settings \(.*three-0\.log\)\n$/,
  )
  assert.deepEqual(readProcessRecords(state), [])
})

test('a command that is no program is named', async () => {
  writeMesh('  - service: three\n    command: [no-such-program]\n    port: 9000\n')
  const started = up()
  assert.equal(await started.ended, 1)
  assert.match(started.test.output.stderr, /three-0 could not be started: spawn no-such-program ENOENT/)
})

test('a port in use: one line, exit 1, nothing started', async () => {
  writeMesh()
  const holder = createServer()
  await new Promise<void>(resolve => holder.listen(0, '127.0.0.1', resolve))
  const { port } = holder.address() as { port: number }
  afterwards.push(() => holder.close())
  for (const option of ['--gateway-port', '--api-port']) {
    const started = up({}, option, String(port))
    assert.equal(await started.ended, 1)
    assert.match(started.test.output.stderr, new RegExp(`^weft: WEFT-3001: port ${port}, .*${option}[^\\n]*\\n$`))
    assert.equal(started.test.output.stdout, '')
  }
})

test('a directory that is none, or holds no mesh: one line, exit 1', async () => {
  for (const path of ['nowhere', '.']) {
    const { context, output } = createTestContext(directory)
    assert.equal(await runProgram(context, ['up', path, '--state', state]), 1)
    assert.match(output.stderr, /^weft: WEFT-3002: [^\n]*: no such (file|directory)[^\n]*\n$/)
    assert.equal(existsSync(state), false)
  }
})

test('every fault of weft.yaml is named with its place, exit 79', async () => {
  writeFileSync(
    join(directory, 'weft.yaml'),
    'workloads:\n  - service: One\n    comand: [x]\n    port: 99999\n  - service: two\n    command: ls\n    command2: 1\nmeshConfig:\n  accessLogFil: x\n',
  )
  const { context, output } = createTestContext(directory)
  assert.equal(await runProgram(context, ['up', '.', '--state', state]), 79)
  assert.match(output.stderr, /weft\.yaml:2:\d+: error WEFT-1005 workloads\[0\]\.service/)
  assert.match(output.stderr, /weft\.yaml:3:\d+: error WEFT-1003 workloads\[0\]\.comand: .*did you mean "command"/)
  assert.match(output.stderr, /weft\.yaml:4:\d+: error WEFT-1005 workloads\[0\]\.port/)
  assert.match(output.stderr, /weft\.yaml:7:\d+: error WEFT-1003 workloads\[1\]\.command2/)
  assert.match(output.stderr, /weft\.yaml:9:3: error WEFT-1003 .*accessLogFil.*did you mean "accessLogFile"/)
})

test('a workload without a port that cannot be started fails the start all the same', async () => {
  for (const [entry, why] of [
    ['command: [no-such-program]', /spawn no-such-program ENOENT/],
    ['command: [node]\n    workingDirectory: nowhere', /its working directory .*nowhere does not exist/],
  ] as const) {
    writeMesh(`  - service: three\n    ${entry}\n`)
    const started = up()
    assert.equal(await started.ended, 1)
    assert.match(started.test.output.stderr, why)
    assert.deepEqual(readProcessRecords(state), [])
  }
})

test('a state directory that cannot be written: one line, exit 1', async () => {
  writeMesh()
  mkdirSync(state)
  writeFileSync(join(state, 'processes'), '')
  const started = up()
  assert.equal(await started.ended, 1)
  assert.match(started.test.output.stderr, /^weft: WEFT-3007: the state directory [^\n]* cannot be used: [^\n]*\n$/)
})

test('a weft.yaml that cannot be read is faulted for that alone', async () => {
  for (const text of ['', 'workloads: [\n']) {
    writeFileSync(join(directory, 'weft.yaml'), text)
    const { context, output } = createTestContext(directory)
    assert.equal(await runProgram(context, ['up', '.', '--state', state]), 79)
    assert.match(output.stderr, /^weft\.yaml:\d+:\d+: error [^\n]*\n$/)
  }
})

test('workloads of one name in two namespaces have a record and a log each', async () => {
  const entry = `  - service: one\n    command: [node, ${APPLICATION}]\n    port: 9000\n`
  writeFileSync(join(directory, 'weft.yaml'), `workloads:\n${entry}${entry}    namespace: other\n`)
  const started = up()
  await ready(started)
  const records = readProcessRecords(state)
  assert.deepEqual(
    records.map(record => record.name).filter(name => name.startsWith('one')),
    ['one-0-proxy', 'one-0', 'one-0.other-proxy', 'one-0.other'],
  )
  started.test.raise('SIGINT')
  assert.equal(await started.ended, 0)
  await assertAllGone(records)
})
