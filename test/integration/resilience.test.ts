// What keeps working while parts of the mesh die: every case is a real process killed with -9 under load.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { eventually, RunningMesh } from './running-mesh.ts'
import { ask, SteadyLoad } from './steady-load.ts'

let mesh: RunningMesh

before(async () => {
  mesh = await RunningMesh.start(join(import.meta.dirname, 'echo-mesh'))
})
after(async () => await mesh.stop())

async function instances(): Promise<{ name: string; ports: { inboundPort: number }[]; healthy: boolean }[]> {
  const { body } = await ask(`${mesh.api}/v1/instances`)
  return JSON.parse(body).instances.filter((instance: { service: string }) => instance.service === 'echo')
}

async function healthyInstances(): Promise<number> {
  return (await instances()).filter(one => one.healthy).length
}

async function syncedProxies(): Promise<number> {
  const { body } = await ask(`${mesh.api}/v1/proxies`)
  const { proxies } = JSON.parse(body)
  const synced = (types: Record<string, { state: string }>): boolean =>
    Object.values(types).every(({ state }) => state === 'SYNCED')
  return proxies.filter((proxy: { types: Record<string, { state: string }> }) => synced(proxy.types)).length
}

test('killing the control plane fails no request; it comes back with everything', async () => {
  const revisions = (await ask(`${mesh.api}/v1/revisions`)).body
  const load = await SteadyLoad.during(`${mesh.gateway}/`, 4, async load => {
    const killed = await mesh.processNamed(row => row.role === 'control-plane')
    process.kill(killed.pid, 'SIGKILL')
    await load.passes(300)
    await eventually('a new control plane', async () => {
      const row = await mesh.processNamed(row => row.role === 'control-plane').catch(() => undefined)
      const answers = await ask(`${mesh.api}/v1/mesh`).catch(() => ({ status: 0 }))
      return row !== undefined && row.pid !== killed.pid && answers.status === 200
    })
    await eventually('every proxy back in sync', async () => (await syncedProxies()) === 3)
    await load.passes(100)
  })
  assert.deepEqual(load.failures, [])
  assert.equal((await ask(`${mesh.api}/v1/revisions`)).body, revisions)
  assert.equal((await instances()).length, 2)
})

test('killing one of two instances under load: the page keeps answering', async () => {
  const applications = (await mesh.processes()).filter(row => row.role === 'application')
  assert.equal(applications.length, 2)
  const load = await SteadyLoad.during(`${mesh.gateway}/`, 4, async load => {
    await load.passes(50)
    process.kill(applications[0]!.pid, 'SIGKILL')
    await load.passes(400)
  })
  // Four connections: at most what was in flight on the killed one may fail; idempotent requests are sent again.
  assert.ok(load.failures.length <= 4, load.failures.join('\n'))
  await eventually('both instances healthy again', async () => (await healthyInstances()) === 2)
})

test('killing a sidecar takes its instance out, and it comes back', async () => {
  const sidecar = await mesh.processNamed(row => row.role === 'proxy' && row.name.includes('echo'))
  const load = await SteadyLoad.during(`${mesh.gateway}/`, 4, async load => {
    await load.passes(50)
    process.kill(sidecar.pid, 'SIGKILL')
    await load.passes(400)
  })
  assert.ok(load.failures.length <= 4, load.failures.join('\n'))
  await eventually('both instances healthy again', async () => (await healthyInstances()) === 2)
})

test('a gigabyte is streamed both ways and never held', async () => {
  const gigabyte = 1024 ** 3
  const received = await new Promise<number>((done, fail) => {
    request(`${mesh.gateway}/stream?bytes=${gigabyte}`, { agent: false }, response => {
      let total = 0
      response.on('data', chunk => {
        total += chunk.length
      })
      response.on('end', () => done(total))
      response.on('error', fail)
    })
      .on('error', fail)
      .end()
  })
  assert.equal(received, gigabyte)
  const uploaded = await upload(gigabyte)
  assert.equal(uploaded, gigabyte)
  for (const row of (await mesh.processes()).filter(one => one.role === 'proxy' || one.role === 'gateway')) {
    assert.ok(residentMegabytes(row.pid) < 400, `${row.name} holds ${residentMegabytes(row.pid)} MB`)
  }
})

async function upload(bytes: number): Promise<number> {
  const block = Buffer.alloc(256 * 1024)
  return await new Promise((done, fail) => {
    const outgoing = request(
      `${mesh.gateway}/sink`,
      { method: 'POST', agent: false, headers: { 'content-length': String(bytes) } },
      response => {
        let text = ''
        response.setEncoding('utf8').on('data', chunk => {
          text += chunk
        })
        response.on('end', () =>
          response.statusCode === 200 ? done(JSON.parse(text).received) : fail(new Error(text)),
        )
      },
    )
    outgoing.on('error', fail)
    let left = bytes
    const send = (): void => {
      while (left > 0) {
        const chunk = block.subarray(0, Math.min(left, block.length))
        left -= chunk.length
        if (!outgoing.write(chunk)) return void outgoing.once('drain', send)
      }
      outgoing.end()
    }
    send()
  })
}

function residentMegabytes(pid: number): number {
  if (process.platform !== 'linux') return 0
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024
}
