// Mirrors whose answers are compared: what a person would see who tries a new version on copies first.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { eventually, RunningMesh } from './running-mesh.ts'
import { ask } from './steady-load.ts'

const MIRRORED = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: shop
  annotations: { weft.dev/compare-mirrors: "{}" }
spec:
  hosts: ["*"]
  gateways: [edge]
  http:
    - name: all
      route: [{ destination: { host: shop, subset: v1 } }]
      mirrors: [{ destination: { host: shop, subset: v2 } }]
`
interface Difference {
  readonly path: string
  readonly route: string
  readonly mirror: string
  readonly status: unknown
  readonly headers: unknown
  readonly body: { readonly answer: string; readonly mirror: string }
}

let mesh: RunningMesh
before(async () => {
  mesh = await RunningMesh.start(join(import.meta.dirname, 'rollout-mesh'))
})
after(async () => await mesh.stop())

test('the gateway says how the mirror answers otherwise, and the client does not notice', async () => {
  const { code, stderr } = await mesh.apply(MIRRORED, '--wait')
  assert.equal(code, 0, stderr)
  const { ports } = await mesh.processNamed(row => row.role === 'gateway')
  const admin = `http://127.0.0.1:${ports['admin']}`
  const { status, body } = await ask(`${mesh.gateway}/a?b=c`)
  assert.deepEqual([status, body], [200, 'v1'])
  let differences: readonly Difference[] = []
  await eventually('a difference', async () => {
    differences = JSON.parse((await ask(`${admin}/mirror_differences`)).body).differences
    return differences.length > 0
  })
  const { path, route, mirror, status: codes, headers, body: bodies } = differences[0]!
  assert.deepEqual([path, route, mirror], ['/a', 'all', 'outbound|9000|v2|shop.default.svc.cluster.local'])
  assert.deepEqual([codes, headers], [null, {}])
  const hash = /^2 bytes, sha256 [0-9a-f]{16}$/
  assert.match(bodies.answer, hash)
  assert.match(bodies.mirror, hash)
  const stats = (await ask(`${admin}/stats?filter=mirror_comparison`)).body
  assert.match(stats, /v2\|shop.*mirror_comparison\.body_differs: 1\n/)
})
