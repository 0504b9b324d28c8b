// For tests: rollouts of a good canary, a failing one and a slow one, under load; the control plane killed on the way.
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { eventually, RunningMesh } from './running-mesh.ts'
import { ask, type LoadClient, SteadyLoad } from './steady-load.ts'

interface RolloutAnswer {
  readonly phase: string
  readonly canaryWeight: number
  readonly reason: string
  readonly events: readonly { readonly phase: string; readonly weight: number; readonly reason: string }[]
}

const rollout = (version: string, holdSeconds: number, thresholds: string): string => `apiVersion: weft.dev/v1alpha1
kind: Rollout
metadata: { name: shop }
spec:
  host: shop
  stable: v1
  canary: v2
  version: "${version}"
  steps:
    - { weight: 30, hold: ${holdSeconds}s }
    - { weight: 60, hold: ${holdSeconds}s }
  interval: 1s
  thresholds: { minRequests: 10, ${thresholds} }
`
const STEPS = ['progressing 30', 'progressing 60']

/** `proxy`: what the gateway is, which sees the requests. */
export function testRollouts(proxy: 'weft' | 'envoy'): void {
  let directory: string
  let mesh: RunningMesh
  let failedRevision = 0

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'weft-rollout-'))
    cpSync(join(import.meta.dirname, 'rollout-mesh'), directory, { recursive: true })
    if (proxy === 'envoy') {
      const file = join(directory, 'weft.yaml')
      const text = readFileSync(file, 'utf8')
      writeFileSync(file, text.replace('gateway:\n', 'gateway:\n  proxy: envoy\n'))
    }
    mesh = await RunningMesh.start(directory)
  })
  after(async () => {
    await mesh?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  /** The canary itself, not by way of the mesh. */
  async function behave(how: string): Promise<void> {
    const row = await mesh.processNamed(one => one.role === 'application' && one.name.includes('v2'))
    const { status } = await ask(`http://127.0.0.1:${Object.values(row.ports)[0]}/behave?${how}`, { method: 'POST' })
    assert.equal(status, 200)
  }

  async function state(): Promise<RolloutAnswer> {
    const { status, body } = await ask(`${mesh.api}/v1/rollouts/default/shop`)
    return status === 200 ? JSON.parse(body) : { phase: 'none', canaryWeight: -1, reason: '', events: [] }
  }

  async function begin(yaml: string): Promise<void> {
    const { code, stderr } = await mesh.apply(yaml)
    assert.equal(code, 0, stderr)
  }

  async function reaches(phase: string, weight: number): Promise<RolloutAnswer> {
    let last = await state()
    const arrived = async (): Promise<boolean> => {
      last = await state()
      return last.phase === phase && last.canaryWeight === weight
    }
    await eventually(`${phase} with ${weight}%`, arrived, 60_000).catch(error => {
      throw new Error(`${error.message}: ${JSON.stringify(last)}`)
    })
    return last
  }

  const revision = async (): Promise<number> => JSON.parse((await ask(`${mesh.api}/v1/mesh`)).body).revision
  const turns = ({ events }: RolloutAnswer): string[] => events.map(({ phase, weight }) => `${phase} ${weight}`)

  async function everybodyGets(version: string): Promise<void> {
    const versions = async (): Promise<Set<string>> => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => ask(`${mesh.gateway}/`)))
      return new Set(answers.map(({ status, body }) => `${status} ${body}`))
    }
    await eventually(`all ${version}`, async () => {
      const seen = await versions()
      return seen.size === 1 && seen.has(`200 ${version}`)
    })
  }

  const underLoad = (work: (load: SteadyLoad) => Promise<void>, client?: LoadClient): Promise<SteadyLoad> =>
    SteadyLoad.during(`${mesh.gateway}/`, 6, work, client)
  const well = 'successRate: 99, latency: { percentile: 90, maximum: 10s }'

  test('a good canary is promoted, and no request fails for it', async () => {
    await everybodyGets('v1')
    const before = await revision()
    const load = await underLoad(async () => {
      await begin(rollout('1', 2, well))
      const promoted = await reaches('promoted', 100)
      assert.deepEqual(turns(promoted), [...STEPS, 'promoted 100'])
    })
    assert.deepEqual(load.failures, [])
    await everybodyGets('v2')
    // Steps are no revisions: applying the Rollout was the only change of the config.
    assert.equal(await revision(), before + 1)
  })

  test('one that fails goes back alone, and stays back', async () => {
    await underLoad(async () => {
      await begin(rollout('2', 60, well))
      failedRevision = await revision()
      await reaches('progressing', 30)
      await behave('status=503')
      const back = await reaches('rolled-back', 0)
      assert.match(back.reason, /^\d+ of \d+ requests failed; 99% must succeed$/)
      assert.deepEqual(turns(back), ['progressing 30', 'rolled-back 0'])
      await everybodyGets('v1')
    })
    await behave('status=200')
    const { stdout } = await mesh.run('get', 'rollout')
    assert.match(stdout, /^shop +default +shop +v1 +v2 +rolled-back +0% /m)
    assert.match((await mesh.run('describe', 'rollout', 'shop')).stdout, /rolled-back.* requests failed/)
  })

  test('so does a slow one', async () => {
    await underLoad(async () => {
      await begin(rollout('3', 60, 'latency: { percentile: 50, maximum: 250ms }'))
      await reaches('progressing', 30)
      await behave('delayMs=400')
      const back = await reaches('rolled-back', 0)
      assert.match(back.reason, /^\d+ of \d+ requests took longer than 250 ms; 50% must not$/)
    })
    await behave('delayMs=0')
  })

  test('so does one that hangs, when its clients have left', async () => {
    // Nobody is in a hurry before the canary hangs: on a busy machine others would be given up, too.
    let patienceMs = 60_000
    const impatient = { ask: (url: string) => ask(url, { signal: AbortSignal.timeout(patienceMs) }), close: () => {} }
    await underLoad(async () => {
      await begin(rollout('hanging', 60, well))
      await reaches('progressing', 30)
      patienceMs = 200
      await behave('delayMs=20000')
      const back = await reaches('rolled-back', 0)
      assert.match(back.reason, /^\d+ of \d+ requests were given up before they were answered$/)
    }, impatient)
    await behave('delayMs=0')
  })

  test('a control plane that was killed goes on where it was; one that failed is not tried again', async () => {
    await underLoad(async () => {
      await begin(rollout('4', 4, well))
      await reaches('progressing', 60)
      const killed = await mesh.processNamed(row => row.role === 'control-plane')
      process.kill(killed.pid, 'SIGKILL')
      await eventually('a new control plane', async () => {
        const row = await mesh.processNamed(one => one.role === 'control-plane').catch(() => undefined)
        const answers = await ask(`${mesh.api}/v1/mesh`).catch(() => ({ status: 0 }))
        return row !== undefined && row.pid !== killed.pid && answers.status === 200
      })
      assert.notEqual((await state()).phase, 'waiting')
      assert.deepEqual(turns(await reaches('promoted', 100)), [...STEPS, 'promoted 100'])
      // The config of the run that failed: its end is remembered.
      assert.equal((await mesh.run('rollback', String(failedRevision))).code, 0)
      assert.equal((await reaches('rolled-back', 0)).events.length, 2)
    })
  })
}
