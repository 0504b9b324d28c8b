// What a workload of weft.yaml takes from the WorkloadGroup that it names.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { formatProblem } from '../../base/problem.ts'
import { parseMeshFile } from './mesh-directory.ts'

const root = mkdtempSync(join(tmpdir(), 'weft-directory-'))
after(() => rmSync(root, { recursive: true, force: true }))
mkdirSync(join(root, 'mesh'))
writeFileSync(
  join(root, 'mesh/groups.yaml'),
  `apiVersion: networking.istio.io/v1
kind: WorkloadGroup
metadata: {name: machines}
spec:
  metadata: {labels: {app: shop}}
  template: {ports: {http: 8080}, labels: {version: v7}, serviceAccount: shop, locality: eu/eu-1, weight: 3, network: blue}
  probe: {initialDelaySeconds: 2, exec: {command: [check]}}
`,
)

function read(workload: string) {
  const text = `workloads: [{command: [a], ${workload}}]\n`
  const { mesh, problems } = parseMeshFile({ directory: root, root, file: 'weft.yaml', text })
  return { workloads: mesh.workloads, problems: problems.map(formatProblem) }
}

test('a workload has what its group says', () => {
  const { workloads, problems } = read('group: machines, replicas: 2')
  assert.deepEqual(problems, [])
  assert.deepEqual(
    workloads.map(({ name }) => name),
    ['machines-v7-0', 'machines-v7-1'],
  )
  const times = { intervalMs: 10_000, timeoutMs: 1000, healthyThreshold: 1, unhealthyThreshold: 3 }
  const { command: _, env: __, workingDirectory: ___, name: ____, ...taken } = workloads[0]!
  assert.deepEqual(taken, {
    group: 'machines',
    namespace: 'default',
    service: '',
    version: 'v7',
    description: '',
    labels: { 'topology.istio.io/network': 'blue', version: 'v7', app: 'shop' },
    serviceAccount: 'shop',
    ports: [{ name: 'http', number: 8080 }],
    healthCheck: { tcp: {} },
    execCheck: { command: ['check'], ...times },
    startDelayMs: 2000,
    locality: { region: 'eu', zone: 'eu-1', subZone: '' },
    weight: 3,
    hbone: false,
    proxy: 'weft',
  })
})

test('what it says itself holds before that', () => {
  const own =
    'service: cart, version: v8, labels: {tier: x}, serviceAccount: cart, port: 9, weight: 1, healthCheck: {http: {}}'
  const [workload] = read(`group: machines, ${own}`).workloads
  assert.deepEqual([workload?.name, workload?.serviceAccount, workload?.weight], ['cart-v8-0', 'cart', 1])
  assert.deepEqual(workload?.ports, [{ name: 'http', number: 9 }])
  assert.deepEqual([workload?.healthCheck, workload?.execCheck], [{ http: { path: '/' } }, undefined])
  assert.deepEqual(workload?.labels, {
    'topology.istio.io/network': 'blue',
    app: 'shop',
    version: 'v8',
    tier: 'x',
  })
})

test('a group that is not there is a problem, as is a workload of neither service nor group', () => {
  assert.deepEqual(read('group: machine').problems, [
    'weft.yaml:1:28: error WEFT-1101 workloads[0].group: there is no WorkloadGroup default/machine in mesh/',
  ])
  assert.match(read('port: 1').problems.join(), /service is missing/)
})
