import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { FakeClock } from '../base/clock.ts'
import { type MemoryCalls, openMemoryCalls } from './memory-calls.ts'
import { ask, ProxyLine } from './testing/proxy-line.ts'
import { releaseUnusedPages } from './unused-pages.ts'

const skip = openMemoryCalls() === null && 'neither this Node nor this system has the calls'
const CLEAN = 'Shared_Dirty: 0 kB\nPrivate_Dirty: 0 kB\nAnonymous: 0 kB\nSwap: 0 kB\n'
const SMAPS = `00400000-0082e000 r-xp 00000000 fe:00 53 ${process.execPath}\n${CLEAN}`

class FakeCalls implements MemoryCalls {
  trims = 0
  readonly dropped: string[] = []

  trimHeap(): void {
    this.trims++
  }

  dropPages({ from, to }: { from: bigint; to: bigint }): boolean {
    this.dropped.push(`${from.toString(16)}-${to.toString(16)}`)
    return false
  }
}

test('pages are given back at once, then less and less often, until it is cancelled', () => {
  const clock = new FakeClock()
  const calls = new FakeCalls()
  const release = releaseUnusedPages({ clock, calls, readSmaps: () => SMAPS })
  assert.deepEqual(calls.dropped, ['400000-82e000'])
  const times: number[] = []
  for (let second = 1; second <= 3600; second++) {
    const { trims } = calls
    clock.advance(1000)
    if (calls.trims > trims) times.push(second)
  }
  assert.deepEqual(times, [5, 15, 35, 75, 155, 315, 635, 1275, 1915, 2555, 3195])
  assert.equal(calls.dropped.length, calls.trims)
  release.cancel()
  assert.equal(clock.pendingTimers, 0)
})

test('where the kernel does not tell of the process, no page is dropped, and it is asked again', () => {
  const clock = new FakeClock()
  const calls = new FakeCalls()
  let asked = 0
  const readSmaps = (): string => {
    if (asked++ === 0) throw new Error('EMFILE: too many open files')
    return SMAPS
  }
  releaseUnusedPages({ clock, calls, readSmaps })
  assert.deepEqual(calls.dropped, [])
  clock.advance(5000)
  assert.deepEqual(calls.dropped, ['400000-82e000'])
})

test('without the calls nothing is done', () => {
  const clock = new FakeClock()
  releaseUnusedPages({ clock, calls: null, readSmaps: () => assert.fail('nobody needs to know') }).cancel()
  assert.equal(clock.pendingTimers, 0)
})

/** Of a process: pages of files, in bytes. */
function residentFileBytes(pid: number | 'self'): number {
  return Number(/^RssFile:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024
}

/** What it says of itself, and on standard error. */
function inChild(script: string): { said: Record<string, number>; complaint: string } {
  const modules = ['base/clock', 'main/memory-calls', 'main/unused-pages'].map(name =>
    join(import.meta.dirname, '..', name),
  )
  const [clock, calls, pages] = modules.map(path => JSON.stringify(`${path}.ts`))
  const source = `
    import { readFileSync } from 'node:fs'
    import { createHash } from 'node:crypto'
    import { FakeClock } from ${clock}
    import { openMemoryCalls } from ${calls}
    import { releaseUnusedPages } from ${pages}
    const residentFileBytes = ${residentFileBytes.toString()}
    ${script}`
  const child = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', source], {
    encoding: 'utf8',
    env: {},
  })
  assert.equal(child.status, 0, child.stderr)
  return { said: JSON.parse(child.stdout), complaint: child.stderr }
}

test("a process's resident memory falls, and what it goes on to use is there", { skip }, () => {
  const { said, complaint } = inChild(`
    const hash = () => createHash('sha256').update('abc').digest('hex').startsWith('ba7816bf') ? 1 : 0
    const before = residentFileBytes('self')
    releaseUnusedPages({ clock: new FakeClock() })
    const after = residentFileBytes('self')
    console.log(JSON.stringify({ before, after, right: hash(), parsed: JSON.parse('[1, 2]').length }))`)
  assert.equal(complaint, '')
  assert.ok(said['after']! < said['before']! * 0.75, `${said['before']} to ${said['after']} bytes`)
  assert.deepEqual([said['right'], said['parsed']], [1, 2])
})

test('what the kernel refuses is no failure', { skip }, () => {
  const calls = openMemoryCalls()!
  assert.equal(calls.dropPages({ from: 1n, to: 4097n }), false)
  calls.trimHeap()
})

test('other warnings of Node are still shown', { skip }, () => {
  const { complaint } = inChild(`
    openMemoryCalls()
    process.emitWarning('something else')
    console.log('{}')`)
  assert.match(complaint, /something else/)
})

const ANSWER = `
admin: { address: { socket_address: { address: 127.0.0.1, port_value: 0 } } }
static_resources:
  listeners:
    - name: one
      address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
      filter_chains:
        - filters:
            - name: http
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: front
                route_config:
                  virtual_hosts:
                    - name: all
                      domains: ["*"]
                      routes: [{ match: { prefix: / }, direct_response: { status: 200, body: { inline_string: here } } }]
                http_filters:
                  - name: router
                    typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
`

test('a proxy that is live has less of its program resident than Node that has only started, and serves', {
  skip,
}, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-pages-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'bootstrap.yaml')
  writeFileSync(file, ANSWER)
  const line = await ProxyLine.start(file)
  t.after(() => line.end())
  const ofProxy = residentFileBytes(line.pid)
  const { said } = inChild(`console.log(JSON.stringify({ started: residentFileBytes('self') }))`)
  assert.ok(ofProxy < said['started']!, `${ofProxy} of ${said['started']} bytes`)
  assert.doesNotMatch(line.log, /warning/i)
  assert.equal((await ask(line.port, '/')).body, 'here')
  process.kill(line.pid, 'SIGTERM')
  assert.equal(await line.firstEnded, 0)
})
