// What steers a running mesh besides `weft apply`: files that are saved, and who may speak plaintext to whom.
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { eventually, RunningMesh } from './running-mesh.ts'
import { ask } from './steady-load.ts'

let directory: string
let mesh: RunningMesh

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'weft-steering-'))
  cpSync(join(import.meta.dirname, 'echo-mesh'), directory, { recursive: true })
  mesh = await RunningMesh.start(directory)
})
after(async () => {
  await mesh?.stop()
  rmSync(directory, { recursive: true, force: true })
})

const virtualService = (field: string): string => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: echo-inside }
spec:
  hosts: [steered.example.com]
  gateways: [edge]
  http:
    - ${field}
      route: [{ destination: { host: echo } }]
`

async function steeredBy(): Promise<unknown> {
  const { headers } = await ask(`${mesh.gateway}/`, { headers: { host: 'steered.example.com' } })
  return headers['x-steered']
}

async function sourceProblems(): Promise<{ message: string }[]> {
  return JSON.parse((await ask(`${mesh.api}/v1/sources`)).body).problems
}

test('saving a file takes effect; a bad save changes nothing and says why; removing it takes it back', async () => {
  const file = join(directory, 'mesh/steering.yaml')
  writeFileSync(file, virtualService('headers: { response: { set: { x-steered: "one" } } }'))
  await eventually('the header', async () => (await steeredBy()) === 'one')
  writeFileSync(file, virtualService('heders: { response: { set: { x-steered: "two" } } }'))
  await eventually('the reason in the API', async () => (await sourceProblems()).length > 0)
  assert.match(JSON.stringify(await sourceProblems()), /heders.*did you mean/)
  await eventually('the reason on the terminal', () => /steering\.yaml:8:\d+.*heders/.test(mesh.progress))
  assert.equal(await steeredBy(), 'one')
  rmSync(file)
  await eventually('no header', async () => (await steeredBy()) === undefined)
})

async function inboundPort(): Promise<number> {
  const { instances } = JSON.parse((await ask(`${mesh.api}/v1/instances`)).body)
  return instances.find((one: { service: string }) => one.service === 'echo').ports[0].inboundPort
}

/** What a client without TLS gets: the status, or undefined when it is cut off. */
async function plaintextStatus(port: number): Promise<number | undefined> {
  return await ask(`http://127.0.0.1:${port}/`).then(
    ({ status }) => status,
    () => undefined,
  )
}

const peerAuthentication = (spec: string): string => `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: echo }
spec: { selector: { matchLabels: { app: echo } }, ${spec} }
`

test('a plaintext client is refused on a strict port, before a byte of HTTP', async () => {
  const port = await inboundPort()
  const received = await new Promise<number>(done => {
    let bytes = 0
    const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nhost: echo\r\n\r\n'))
    socket.on('data', chunk => {
      bytes += chunk.length
    })
    socket.on('error', () => {})
    socket.on('close', () => done(bytes))
  })
  assert.ok(received < 64, 'at most a TLS alert')
})

test('PERMISSIVE takes both, DISABLE plaintext only, a port its own, and STRICT comes back', async () => {
  const port = await inboundPort()
  for (const [spec, plaintext] of [
    ['mtls: { mode: PERMISSIVE }', 200],
    ['mtls: { mode: STRICT }', undefined],
    ['mtls: { mode: STRICT }, portLevelMtls: { 9000: { mode: PERMISSIVE } }', 200],
    ['mtls: { mode: STRICT }', undefined],
    ['mtls: { mode: DISABLE }', 200],
  ] as const) {
    const { code, stderr } = await mesh.apply(peerAuthentication(spec), '--wait')
    assert.equal(code, 0, stderr)
    assert.equal(await plaintextStatus(port), plaintext, spec)
    assert.equal((await ask(`${mesh.gateway}/`)).status, 200, `${spec}: the gateway still reaches it`)
  }
  const { code } = await mesh.run('delete', 'peerauthentication', 'echo')
  assert.equal(code, 0)
  await eventually('strict again', async () => (await plaintextStatus(port)) === undefined)
  assert.equal((await ask(`${mesh.gateway}/`)).status, 200)
})
