// For tests: two replicas, each with its sidecar, that count together at the control plane's rate limit service.
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { RunningMesh } from './running-mesh.ts'
import { ask } from './steady-load.ts'

const LIMIT = `apiVersion: weft.dev/v1alpha1
kind: RateLimit
metadata: { name: together }
spec:
  selector: { matchLabels: { app: echo } }
  scope: global
  onFailure: deny
  rules:
    - name: users
      by: [{ header: end-user }]
      limit: { requests: 6, per: day }
      overrides:
        - { values: [jason], limit: { requests: 20, per: day } }
        - { values: [admin], unlimited: true }
`

/** `proxy`: what stands beside the workloads; `env`: of the mesh. */
export function testGlobalRateLimits(proxy: 'weft' | 'envoy', env: NodeJS.ProcessEnv = {}): void {
  let directory: string
  let mesh: RunningMesh

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'weft-global-limits-'))
    cpSync(join(import.meta.dirname, 'echo-mesh'), directory, { recursive: true })
    const file = join(directory, 'weft.yaml')
    if (proxy === 'envoy')
      writeFileSync(file, readFileSync(file, 'utf8').replace('replicas: 2\n', 'replicas: 2\n    proxy: envoy\n'))
    mesh = await RunningMesh.start(directory, { env })
    const { code, stderr } = await mesh.apply(LIMIT, '--wait')
    assert.equal(code, 0, stderr)
    // Connections that were open go on as they began, for one more request.
    for (let i = 0; i < 8; i++) await ask(`${mesh.gateway}/settle`)
  })
  after(async () => {
    await mesh?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  const instances = new Set<string>()

  async function statuses(user: string, count: number): Promise<{ passed: number; refused: number }> {
    let [passed, refused] = [0, 0]
    for (let i = 0; i < count; i++) {
      const { status, headers, body } = await ask(`${mesh.gateway}/`, { headers: { 'end-user': user } })
      if (status === 429) refused++
      else {
        assert.equal(status, 200, JSON.stringify({ headers, body }))
        passed++
        instances.add(JSON.parse(body).instance)
      }
    }
    return { passed, refused }
  }

  test('what passes is counted for both replicas together, for each user by itself', async () => {
    assert.deepEqual(await statuses('jason', 40), { passed: 20, refused: 20 })
    assert.equal(instances.size, 2)
    assert.deepEqual(await statuses('alice', 10), { passed: 6, refused: 4 })
    assert.deepEqual(await statuses('bob', 10), { passed: 6, refused: 4 })
    assert.deepEqual(await statuses('admin', 10), { passed: 10, refused: 0 })
    const { status, headers } = await ask(`${mesh.gateway}/`, { headers: { 'end-user': 'bob' } })
    assert.deepEqual(
      [status, headers['x-ratelimit-limit'], headers['x-ratelimit-remaining'], headers['x-envoy-ratelimited']],
      [429, '6, 6;w=86400;name="default/together/users"', '0', 'true'],
    )
    assert.match((await ask(`${mesh.api}/metrics`)).body, /weft_rate_limit_decisions\{code="OVER_LIMIT"\} \d/)
  })
}
