// Proxies of a mesh that are replaced while they carry traffic: nothing is lost, and the launcher follows.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { freePort } from '../../src/transport/net/testing/free-port.ts'
import { Http2LoadClient } from './http2-load-client.ts'
import { eventually, type ProcessRow, RunningMesh } from './running-mesh.ts'
import { ask, SteadyLoad } from './steady-load.ts'

let mesh: RunningMesh

before(async () => {
  mesh = await RunningMesh.start(join(import.meta.dirname, 'echo-mesh'))
})
after(async () => await mesh.stop())

const proxies = async (): Promise<ProcessRow[]> =>
  (await mesh.processes()).filter(({ role }) => role === 'proxy' || role === 'gateway')

function pidInCharge(proxy: ProcessRow): number {
  const workload = proxy.name.replace(/-proxy$/, '')
  const [file = ''] = globSync(join(mesh.state, 'proxies/*', workload, 'admin.json'))
  return JSON.parse(readFileSync(file, 'utf8')).pid
}

async function instancesNow(): Promise<string> {
  return (await ask(`${mesh.api}/v1/instances`)).body.replace(/"(lease|expires|renewed)[^,}]*/g, '')
}

/** The servers of the gateway: its own port, and more. */
function gatewayAt(ports: readonly number[]): string {
  const servers = [8080, ...ports].map(
    port => `    - { port: { number: ${port}, name: http-${port}, protocol: HTTP }, hosts: ["*"] }`,
  )
  return `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: edge }
spec:
  selector: { istio: ingressgateway }
  servers:
${servers.join('\n')}
`
}

async function asked(port: number, refused: string[]): Promise<void> {
  const { status } = await ask(`http://127.0.0.1:${port}/`).catch(error => ({ status: `${error}` }))
  if (status !== 200) refused.push(`${port}: ${status}`)
}

function isAlive(pid: number): boolean {
  try {
    // Whoever the system gives orphans to may be slow to bury them.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

test('the gateway and both sidecars are restarted under load: no request fails, no instance leaves', async () => {
  const started = await proxies()
  assert.equal(started.length, 3)
  const unhealthy: string[] = []
  const load = await SteadyLoad.during(`${mesh.gateway}/`, 4, async load => {
    await load.passes(100)
    for (const proxy of started) {
      process.kill(proxy.pid, 'SIGUSR2')
      await eventually(`a successor of ${proxy.name}`, async () => {
        const instances = JSON.parse(await instancesNow()).instances as { name: string; healthy: boolean }[]
        for (const { name, healthy } of instances) if (!healthy) unhealthy.push(name)
        return pidInCharge(proxy) !== proxy.pid
      })
      await load.passes(200)
    }
  })
  assert.deepEqual(load.failures, [])
  assert.deepEqual(unhealthy, [])
  await eventually(
    'the launcher to follow',
    async () => {
      const now = await proxies()
      return now.length === 3 && now.every(row => !started.some(({ pid }) => pid === row.pid))
    },
    70_000,
  )
  assert.doesNotMatch(mesh.progress, /ended|starting it again/)
})

test('a client of HTTP/2 loses nothing when the gateway is restarted: what a GOAWAY leaves out, it repeats', async () => {
  const client = new Http2LoadClient()
  const work = async (load: SteadyLoad): Promise<void> => {
    for (let restart = 1; restart <= 2; restart++) {
      await load.passes(100)
      const gateway = (await proxies()).find(({ role }) => role === 'gateway')
      assert.ok(gateway)
      const before = pidInCharge(gateway)
      process.kill(before, 'SIGUSR2')
      await eventually('a successor of the gateway', async () => pidInCharge(gateway) !== before)
      await eventually('a GOAWAY of its predecessor', async () => client.goAways >= restart)
    }
    await load.passes(100)
  }
  const load = await SteadyLoad.during(`${mesh.gateway}/`, 8, work, client)
  assert.deepEqual(load.failures, [])
})

test('a gateway that is given ports while it is restarted refuses nobody once it has acknowledged them', async () => {
  const failures: string[] = []
  const refused: string[] = []
  const ports: number[] = []
  const load = await SteadyLoad.during(`${mesh.gateway}/`, 2, async load => {
    for (let round = 0; round < 2; round++) {
      const gateway = (await proxies()).find(({ role }) => role === 'gateway')
      assert.ok(gateway)
      const before = pidInCharge(gateway)
      ports.push(await freePort())
      process.kill(before, 'SIGUSR2')
      const applied = mesh.apply(gatewayAt(ports), '--wait').then(async ({ code, stderr }) => {
        if (code !== 0) failures.push(stderr)
        return Promise.all(Array.from({ length: 40 }, async () => await asked(ports.at(-1)!, refused)))
      })
      await eventually('a successor of the gateway', () => pidInCharge(gateway) !== before)
      await applied
      await load.passes(50)
      for (const port of ports) await asked(port, refused)
    }
  })
  assert.deepEqual(load.failures, [])
  assert.deepEqual([failures, refused], [[], []])
  const [log = ''] = globSync(join(mesh.state, 'logs/*gateway*'))
  assert.doesNotMatch(readFileSync(log, 'utf8'), /cannot bind|hot restart failed/)
})

test('a successor that is killed is started again, and one that is stopped ends with the mesh', async () => {
  const before = (await proxies()).find(({ role }) => role === 'proxy')
  assert.ok(before)
  process.kill(before.pid, 'SIGKILL')
  await eventually('a new proxy', async () => {
    const row = (await proxies()).find(({ name }) => name === before.name)
    return row !== undefined && row.pid !== before.pid && (await ask(`${mesh.gateway}/`)).status === 200
  })
  const pids = (await proxies()).map(({ pid }) => pid)
  assert.equal(await mesh.interrupt(), 0)
  assert.deepEqual(pids.filter(isAlive), [])
})
