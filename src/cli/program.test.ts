// The command line against a small API: exit codes, what is printed, and what is said when something is wrong.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { createTestContext } from './launcher/testing/test-context.ts'
import { runProgram } from './program.ts'
import { VERBS } from './registry.ts'

interface Call {
  readonly method: string
  readonly path: string
  readonly body: Record<string, unknown>
}

let directory: string
let server: Server
let url: string
const calls: Call[] = []
const answers = new Map<string, readonly [status: number, body: unknown]>()

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'weft-cli-'))
  writeFileSync(join(directory, 'good.yaml'), 'kind: VirtualService\nmetadata: { name: reviews }\n')
  server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    calls.push({ method: request.method ?? '', path: request.url ?? '', body: text === '' ? {} : JSON.parse(text) })
    const [status, body] = answers.get((request.url ?? '').split('?')[0] ?? '') ?? [404, {}]
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' })
    response.end(JSON.stringify(body))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
after(() => {
  server.close()
  rmSync(directory, { recursive: true })
})
beforeEach(() => {
  calls.length = 0
  answers.clear()
})

async function weft(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { context, output } = createTestContext(directory, { readStdin: async () => 'from: stdin\n' })
  const code = await runProgram(context, args)
  return { code, ...output }
}

test('every verb has help with an example, and exits 0 for it', async () => {
  for (const verb of VERBS) {
    const { code, stdout } = await weft(verb.name, '--help')
    assert.equal(code, 0, verb.name)
    assert.match(stdout, new RegExp(`Examples?:\\n  .*weft ${verb.name}`), verb.name)
  }
  const { stdout } = await weft('--help')
  for (const verb of VERBS) assert.match(stdout, new RegExp(`^  ${verb.name} `, 'm'))
})

test('a wrong command line exits 64', async () => {
  for (const args of [
    ['nope'],
    ['apply'],
    ['get'],
    ['up', '.', '--api-port', '70000'],
    ['get', 'nonsense', '--server', url],
  ]) {
    assert.equal((await weft(...args)).code, 64, args.join(' '))
  }
})

test('no mesh: one line that says how to start one', async () => {
  const { code, stderr } = await weft('get', 'all')
  assert.equal(code, 1)
  assert.match(stderr, /^weft: WEFT-3003: no mesh is running from \.weft; start one with "weft up DIR"[^\n]*\n$/)
  const unreachable = await weft('get', 'all', '--server', 'http://127.0.0.1:1')
  assert.equal(unreachable.code, 1)
  assert.match(unreachable.stderr, /^weft: WEFT-3003: no mesh answers at http:\/\/127\.0\.0\.1:1;/)
})

test('apply sends files and standard input as one set, and waits for every proxy', async () => {
  const change = { action: 'configured', kind: 'VirtualService', namespace: 'default', name: 'reviews' }
  answers.set('/v1/config/apply', [200, { revision: 7, changes: [change], problems: [] }])
  answers.set('/v1/revisions/7/propagation', [
    200,
    { revision: 7, done: true, proxies: [{ name: 'a', state: 'acked' }] },
  ])
  const { code, stdout, stderr } = await weft('apply', '-f', 'good.yaml', '-', '--wait', '--server', url)
  assert.equal(code, 0, stderr)
  assert.equal(stdout, 'virtualservice/reviews configured\n')
  assert.match(stderr, /revision 7 is acknowledged by 1 proxy/)
  const documents = calls[0]?.body['documents'] as { file: string; text: string }[]
  assert.deepEqual(
    documents.map(document => document.file),
    ['good.yaml', '<stdin>'],
  )
})

test('a refusal prints every problem, those of one file together, and exits 79', async () => {
  const problem = (file: string, line: number) => ({
    code: 'WEFT-1003',
    severity: 'error',
    message: 'unknown field',
    position: { file, line, column: 1 },
  })
  const problems = [problem('b.yaml', 9), problem('a.yaml', 3), problem('b.yaml', 2)]
  answers.set('/v1/config/apply', [422, { error: { code: 'WEFT-2004', message: '3 errors', problems } }])
  const { code, stderr } = await weft('apply', '-f', 'good.yaml', '--server', url)
  assert.equal(code, 79)
  assert.deepEqual(
    [...stderr.matchAll(/^(\w\.yaml:\d+)/gm)].map(match => match[1]),
    ['b.yaml:2', 'b.yaml:9', 'a.yaml:3'],
  )
  assert.match(stderr, /weft: 3 errors \(WEFT-2004\)\n$/)
})

test('apply --wait fails when a proxy refuses the revision', async () => {
  answers.set('/v1/config/apply', [200, { revision: 7, changes: [], problems: [] }])
  const proxies = [{ name: 'a', namespace: 'default', state: 'nacked', detail: 'no such filter' }]
  answers.set('/v1/revisions/7/propagation', [200, { revision: 7, done: true, proxies }])
  const { code, stderr } = await weft('apply', '-f', 'good.yaml', '--wait', '--server', url)
  assert.equal(code, 1)
  assert.match(stderr, /a\.default refused revision 7: no such filter/)
})

test('delete takes kinds under the names people type, and names from files', async () => {
  answers.set('/v1/config/delete', [200, { revision: 8, changes: [] }])
  await weft('delete', 'vs', 'a', 'b', '-n', 'x', '--server', url)
  await weft('delete', '-f', 'good.yaml', '--server', url)
  assert.deepEqual(
    calls.map(call => call.body['objects']),
    [
      [
        { kind: 'VirtualService', namespace: 'x', name: 'a' },
        { kind: 'VirtualService', namespace: 'x', name: 'b' },
      ],
      [{ kind: 'VirtualService', namespace: 'default', name: 'reviews' }],
    ],
  )
})

test('proxy-status prints the columns of istioctl', async () => {
  // Half a minute from another age: it is told by the wall clock.
  const synced = { state: 'SYNCED', at: new Date(Date.now() - 330_000).toISOString() }
  const types = { CDS: synced, LDS: synced, EDS: synced, RDS: { state: 'STALE' }, SDS: { state: 'NOT SENT' } }
  const proxy = { id: 'i', name: 'p', namespace: 'ns', kind: 'sidecar', version: '1', connectedAt: '', types }
  answers.set('/v1/proxies', [200, { proxies: [proxy] }])
  const short = await weft('proxy-status', '--server', url)
  assert.deepEqual(
    short.stdout
      .split('\n')
      .map(line => line.split(/ {5,}/))
      .slice(0, 2),
    [
      ['NAME', 'CLUSTER', 'ISTIOD', 'VERSION', 'SUBSCRIBED TYPES'],
      ['p.ns', 'sidecar', 'weft', '1', '4 (CDS,LDS,EDS,RDS)'],
    ],
  )
  const long = await weft('proxy-status', '-v', '--server', url)
  assert.match(long.stdout, /SYNCED \(5m\) +SYNCED \(5m\) +SYNCED \(5m\) +STALE +NOT SENT/)
})

test('analyze needs no mesh: 0 for a clean set, 79 with every problem otherwise', async () => {
  writeFileSync(
    join(directory, 'bad.yaml'),
    'apiVersion: v1\nkind: Service\nmetadata: { name: x }\nspec: { portz: [] }\n',
  )
  const bad = await weft('analyze', 'bad.yaml')
  assert.equal(bad.code, 79)
  assert.match(bad.stdout, /bad\.yaml:4:\d+: error WEFT-1003 .*did you mean "ports"/)
  const asJson = await weft('analyze', 'bad.yaml', '-o', 'json')
  assert.ok((JSON.parse(asJson.stdout) as { level: string }[]).some(message => message.level === 'Error'))
  const bookinfo = join(import.meta.dirname, '../../examples/bookinfo')
  const good = await weft('analyze', bookinfo)
  assert.equal(good.code, 0, good.stdout)
  assert.match(good.stderr, /✔ No validation issues found/)
})

test('completions name every verb and its options', async () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout } = await weft('completion', shell)
    assert.equal(code, 0)
    for (const verb of VERBS) assert.ok(stdout.includes(verb.name), `${shell}: ${verb.name}`)
    assert.match(stdout, /gateway-port/)
  }
})

test('whatever is wrong is said by weft, and by the names that people know', async () => {
  assert.match((await weft('nope')).stderr, /^weft: unknown command 'nope'/)
  assert.match((await weft('get', 'pods', '--server', url)).stderr, /gateways, serviceentries/)
  const unreachable = await weft('version', '--server', 'http://127.0.0.1:1')
  assert.deepEqual([unreachable.code, unreachable.stdout], [1, ''])
  assert.match(unreachable.stderr, /no mesh answers/)
  assert.match((await weft('--version')).stdout, /^\d+\.\d+\.\d+\n$/)
})

test('the token on disk goes to this machine alone', async () => {
  const state = join(directory, 'with-token')
  mkdirSync(state)
  writeFileSync(join(state, 'operator.token'), 'secret\n')
  const sent = new Map<string, string | null>()
  const listen: typeof fetch = async (address, options) => {
    sent.set(new URL(String(address)).hostname, new Headers(options?.headers).get('authorization'))
    return Response.json({ revisions: [] })
  }
  for (const server of ['http://127.0.0.1:1', 'http://weft.example:1']) {
    const { context } = createTestContext(directory, { fetch: listen })
    assert.equal(await runProgram(context, ['history', '--state', state, '--server', server]), 0)
  }
  assert.deepEqual(
    [...sent],
    [
      ['127.0.0.1', 'Bearer secret'],
      ['weft.example', null],
    ],
  )
})

test('proxy-status knows a proxy by as much of its name as the other verbs', async () => {
  const proxy = (name: string, namespace: string): object => ({ name, namespace, kind: 'sidecar', types: {} })
  answers.set('/v1/proxies', [200, { proxies: [proxy('reviews-v1-0', 'default'), proxy('gate', 'istio-system')] }])
  for (const name of ['reviews-v1', 'reviews-v1-0.default', 'gate', 'gate.istio-system']) {
    const { code, stdout } = await weft('proxy-status', name, '--server', url, '-o', 'json')
    assert.equal(code, 0, name)
    assert.equal(JSON.parse(stdout).length, 1)
  }
  assert.equal((await weft('proxy-status', 'gate.default', '--server', url)).code, 1)
})

test('apply reads the links in a directory, as mounted configuration has them', async () => {
  mkdirSync(join(directory, 'links'))
  symlinkSync('../good.yaml', join(directory, 'links/good.yaml'))
  answers.set('/v1/config/apply', [200, { revision: 1, changes: [], problems: [] }])
  assert.equal((await weft('apply', '-f', 'links', '--server', url)).code, 0)
  assert.equal(calls.length, 1)
})

test('get of one thing by its name prints that thing, whatever it is', async () => {
  const instance = { name: 'a-0', namespace: 'default', service: 'a', ports: [] }
  answers.set('/v1/instances', [200, { instances: [instance] }])
  answers.set('/v1/services', [200, { services: [{ name: 'a', namespace: 'default', ports: [] }] }])
  for (const [what, name] of [
    ['instances', 'a-0'],
    ['registrations', 'a'],
  ] as const) {
    assert.equal(JSON.parse((await weft('get', what, name, '--server', url, '-o', 'json')).stdout).name, name)
  }
})

test('rollouts are shown by how they fare; as YAML they are config as any other', async () => {
  const figures = { requests: 40, failed: 1, timed: 39, slow: 2 }
  const rollout = {
    ...{ namespace: 'default', name: 'r', host: 'reviews', stable: 'v1', canary: 'v3', version: '3.0' },
    ...{ phase: 'progressing', canaryWeight: 10, reason: 'does well' },
    step: { index: 0, of: 2, heldMs: 10_000, holdMs: 60_000 },
    lastInterval: { stable: { requests: 400, failed: 0 }, canary: figures },
    events: [{ at: '2026-11-27T00:00:00.000Z', phase: 'progressing', weight: 10, reason: 'the canary is ready' }],
  }
  answers.set('/v1/rollouts', [200, { rollouts: [rollout] }])
  answers.set('/v1/rollouts/default/r', [200, rollout])
  answers.set('/v1/config', [200, { objects: [{ text: 'kind: Rollout\n' }] }])
  const { stdout } = await weft('get', 'rollouts', '--server', url)
  assert.match(stdout, /^r +default +reviews +v1 +v3 +progressing +10% +1\/2 +does well$/m)
  assert.equal(JSON.parse((await weft('get', 'ro', 'r', '--server', url, '-o', 'json')).stdout).phase, 'progressing')
  assert.equal((await weft('get', 'rollout', 'r', '--server', url, '-o', 'yaml')).stdout, 'kind: Rollout\n')
  const described = (await weft('describe', 'rollout', 'r', '--server', url)).stdout
  assert.match(described, /Step 1 of 2: held for 10s of 60s/)
  assert.match(described, /"v3": 40 requests, 1 failed; of 39 timed, 2 slow/)
  assert.match(described, /2026-11-27T00:00:00.000Z progressing 10%: the canary is ready/)
  const unknown = await weft('describe', 'rollout', 'other', '--server', url)
  assert.equal(unknown.code, 1)
})
