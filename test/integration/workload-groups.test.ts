// WorkloadGroups in a whole mesh: what an instance takes from its group, and its probe, which only its launcher can run.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { eventually, RunningMesh, weft } from './running-mesh.ts'
import { ask } from './steady-load.ts'

const PROGRAM = join(import.meta.dirname, '../../bin/weft.js')

/** `file` is there while instances are well. */
function config(file: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: WorkloadGroup
metadata: {name: machines}
spec:
  metadata: {labels: {app: shop}}
  template: {ports: {web: 9000}, serviceAccount: shopkeeper, locality: eu/eu-1, weight: 4}
  probe:
    periodSeconds: 1
    failureThreshold: 1
    exec: {command: [node, -e, "require('fs').accessSync('${file}')"]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shop}
spec:
  hosts: [shop.example.com]
  ports: [{number: 80, name: web, protocol: HTTP}]
  location: MESH_INTERNAL
  resolution: STATIC
  workloadSelector: {labels: {app: shop}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: ["*"]
  gateways: [edge]
  http: [{route: [{destination: {host: shop.example.com}}]}]
`
}

let directory: string
let mesh: RunningMesh
let second: ChildProcess | undefined

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'weft-groups-'))
  mkdirSync(join(directory, 'mesh'))
  copyFileSync(join(import.meta.dirname, 'echo-mesh/echo.ts'), join(directory, 'echo.ts'))
  writeFileSync(join(directory, 'well'), '')
  writeFileSync(
    join(directory, 'weft.yaml'),
    'gateway: {labels: {istio: ingressgateway}}\nworkloads: [{group: machines, command: [node, echo.ts]}]\n',
  )
  writeFileSync(join(directory, 'mesh/mesh.yaml'), config(join(directory, 'well')))
  mesh = await RunningMesh.start(directory)
})
after(async () => {
  if (second && second.exitCode === null) {
    second.kill('SIGINT')
    await once(second, 'exit')
  }
  await mesh?.stop()
  rmSync(directory, { recursive: true, force: true })
})

interface Instance {
  readonly name: string
  readonly group?: string
  readonly healthy: boolean
}

async function instance(name: string): Promise<Instance | undefined> {
  const { instances } = JSON.parse((await ask(`${mesh.api}/v1/instances`)).body) as { instances: Instance[] }
  return instances.find(one => one.name === name)
}

async function answering(): Promise<string> {
  const { status, body } = await ask(`${mesh.gateway}/`)
  return status === 200 ? (JSON.parse(body) as { instance: string }).instance : String(status)
}

test('an instance has what its group says, and a ServiceEntry selects it by its labels and port names', async () => {
  await eventually('an answer', async () => (await answering()) === 'machines-0')
  const { healthy, ...known } = (await instance('machines-0'))!
  assert.equal(healthy, true)
  const expected = {
    group: 'machines',
    service: '',
    labels: { app: 'shop' },
    serviceAccount: 'shopkeeper',
    locality: { region: 'eu', zone: 'eu-1', subZone: '' },
    weight: 4,
  }
  for (const [field, value] of Object.entries(expected)) assert.deepEqual(known[field as keyof typeof known], value)
  const { stdout } = await mesh.run('get', 'workloadgroups')
  assert.match(stdout, /machines/)
})

test('the probe’s command takes an instance out of routing, and puts it back', async () => {
  rmSync(join(directory, 'well'))
  await eventually('nobody', async () => (await answering()) === '503')
  writeFileSync(join(directory, 'well'), '')
  await eventually('an answer', async () => (await answering()) === 'machines-0')
})

test('weft run --group adds an instance to a running mesh; an unknown group is told', async () => {
  const run = ['run', '--state', mesh.state, '--group']
  second = spawn(process.execPath, [PROGRAM, ...run, 'machines', '--name', 'second', '--', 'node', 'echo.ts'], {
    cwd: directory,
    stdio: 'ignore',
  })
  const seen = new Set<string>()
  await eventually('both', async () => seen.add(await answering()).has('second'))
  assert.equal((await instance('second'))?.group, 'machines')
  const { code, stderr } = await weft([...run, 'machine', '--', 'true'])
  assert.equal(code, 1)
  assert.match(stderr, /there is no WorkloadGroup default\/machine/)
})
