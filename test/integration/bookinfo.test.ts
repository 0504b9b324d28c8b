// Bookinfo as a newcomer meets it: start, page, stars, login, YAML, a wrong YAML, history, stop, start again.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { eventually, RunningMesh, weft } from './running-mesh.ts'
import { ask, SteadyLoad } from './steady-load.ts'

const BOOKINFO = join(import.meta.dirname, '../../examples/bookinfo')
let mesh: RunningMesh

before(async () => {
  mesh = await RunningMesh.start(BOOKINFO)
})
after(async () => await mesh.stop())

async function stars(cookie = ''): Promise<string> {
  const { status, body } = await ask(`${mesh.gateway}/api/v1/products/0/reviews`, { headers: { cookie } })
  assert.equal(status, 200, body)
  const colors = JSON.parse(body).reviews.map(
    (review: { rating?: { color?: string } }) => review.rating?.color ?? 'none',
  )
  return colors[0]
}

async function colorsSeen(calls: number, cookie = ''): Promise<Set<string>> {
  const seen = new Set<string>()
  for (let call = 0; call < calls; call++) seen.add(await stars(cookie))
  return seen
}

test('the page is served, and stars come in all three kinds', async () => {
  const page = await ask(`${mesh.gateway}/productpage`)
  assert.equal(page.status, 200)
  assert.match(page.body, /The Comedy of Errors/)
  assert.deepEqual(await colorsSeen(60), new Set(['none', 'black', 'red']))
})

test('YAML sends everyone to v1 and jason to v2, and rolls back', async () => {
  const login = await ask(`${mesh.gateway}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'username=jason&password=',
  })
  const cookie = String(login.headers['set-cookie']).split(';')[0]!
  const applied = await mesh.run(
    'apply',
    '--wait',
    '-f',
    join(BOOKINFO, 'networking/virtual-service-all-v1.yaml'),
    '-f',
    join(BOOKINFO, 'networking/virtual-service-reviews-test-v2.yaml'),
  )
  // Both files name reviews: one apply takes an object once.
  assert.notEqual(applied.code, 0, applied.stdout)
  for (const file of ['virtual-service-all-v1.yaml', 'virtual-service-reviews-test-v2.yaml']) {
    const { code, stderr } = await mesh.run('apply', '--wait', '-f', join(BOOKINFO, 'networking', file))
    assert.equal(code, 0, stderr)
  }
  assert.deepEqual(await colorsSeen(20), new Set(['none']))
  assert.deepEqual(await colorsSeen(20, cookie), new Set(['black']))

  const { stdout } = await mesh.run('history', '-o', 'json')
  const { revisions } = JSON.parse(stdout)
  const first = revisions.at(-1).revision
  const rolledBack = await mesh.run('rollback', String(first))
  assert.equal(rolledBack.code, 0, rolledBack.stderr)
  await eventually('all three versions again', async () => (await colorsSeen(40)).size === 3)
})

test('a config with errors names each with its place, and changes nothing', async () => {
  const before = JSON.parse((await mesh.run('history', '-o', 'json')).stdout).revisions.length
  const wrong = await mesh.apply(`apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews }
spec:
  hosts: [reviews]
  http:
    - timeut: 3s
      route: [{ destination: { host: reviews, subset: 7 }, weight: many }]
---
apiVersion: v1
kind: Service
metadata: { name: fine }
spec: { selector: { app: fine }, ports: [{ name: http, port: 9080 }] }
`)
  assert.notEqual(wrong.code, 0)
  const said = wrong.stdout + wrong.stderr
  assert.match(said, /7:\d+/)
  assert.match(said, /timeut.*did you mean "timeout"/)
  assert.match(said, /subset/)
  assert.match(said, /weight/)
  assert.equal(JSON.parse((await mesh.run('history', '-o', 'json')).stdout).revisions.length, before)
  assert.equal((await ask(`${mesh.gateway}/productpage`)).status, 200)
})

test('pushing config under load loses no request', async () => {
  const load = await SteadyLoad.during(`${mesh.gateway}/api/v1/products/0/reviews`, 4, async load => {
    for (const version of ['v1', 'v3', 'v2']) {
      const { code, stderr } = await mesh.apply(
        `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews }
spec:
  hosts: [reviews]
  http: [{ route: [{ destination: { host: reviews, subset: ${version} } }] }]
`,
        '--wait',
      )
      assert.equal(code, 0, stderr)
      await load.passes(20)
    }
  })
  assert.deepEqual(load.failures, [])
})

test('Ctrl-C leaves no process and no port; a second start finds its state', async () => {
  const processes = await mesh.processes()
  assert.ok(processes.length >= 14, JSON.stringify(processes))
  const pushed = JSON.parse((await mesh.run('history', '-o', 'json')).stdout).revisions.length
  assert.equal(await mesh.interrupt(), 0)
  for (const { name, pid } of processes)
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' }, `${name} still runs`)
  for (const { name, ports } of processes) {
    for (const port of Object.values(ports))
      assert.equal(await accepts(port), false, `${name} still listens on ${port}`)
  }
  mesh = await RunningMesh.start(BOOKINFO, { state: mesh.state })
  assert.ok(JSON.parse((await mesh.run('history', '-o', 'json')).stdout).revisions.length >= pushed)
  assert.deepEqual(await colorsSeen(20), new Set(['black']))
})

test('a port in use, a missing directory: one line, exit 1', async () => {
  const port = new URL(mesh.gateway).port
  for (const args of [
    ['up', BOOKINFO, '--gateway-port', port, '--api-port', '0', '--state', join(mesh.state, 'second')],
    ['up', join(mesh.state, 'nowhere'), '--state', join(mesh.state, 'third')],
  ]) {
    const { code, stderr } = await weft(args)
    assert.equal(code, 1)
    assert.equal(stderr.trim().split('\n').length, 1, stderr)
  }
})

async function accepts(port: number): Promise<boolean> {
  return await new Promise(done => {
    const socket = connect(port, '127.0.0.1', () => done(socket.destroy() !== undefined))
    socket.once('error', () => done(false))
  })
}
