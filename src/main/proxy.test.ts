// The proxy's process, run inside the test: what it does while there is no control plane.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, mock, test } from 'node:test'
import { CommandFailure } from '../cli/contract/command-failure.ts'
import { systemNetwork } from '../transport/net/system-network.ts'
import { freePort } from '../transport/net/testing/free-port.ts'
import { TestAuthority } from '../transport/tls/certificate-fixture.ts'
import { type ProxyStartOptions, startProxy } from './proxy.ts'
import type { RunningProxy } from './proxy-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'weft-proxy-'))
after(() => rmSync(folder, { recursive: true }))
const authority = await TestAuthority.create()
const trustBundle = join(folder, 'bundle.pem')
writeFileSync(trustBundle, authority.bundle)
writeFileSync(join(folder, 'token'), 'token\n')

async function nobody(): Promise<{ host: string; port: number }> {
  return { host: '127.0.0.1', port: await freePort() }
}

async function options(more: Partial<ProxyStartOptions> = {}): Promise<ProxyStartOptions> {
  return {
    workload: 'a-0',
    namespace: 'default',
    serviceAccount: 'a',
    router: false,
    labels: {},
    controlPlane: await nobody(),
    join: await nobody(),
    tokenFile: join(folder, 'token'),
    trustBundle,
    stateDir: folder,
    adminPort: 0,
    standalone: false,
    logLevel: 'error',
    ...more,
  }
}

const ready = async (running: RunningProxy): Promise<string> => {
  const response = await fetch(`http://127.0.0.1:${running.adminPort}/ready`)
  return `${response.status} ${await response.text()}`
}

test('the admin port answers while the proxy waits to join; a stop ends the waiting and leaves nothing behind', async () => {
  const running = await startProxy(await options())
  const file = join(folder, 'proxies/default/a-0/admin.json')
  assert.equal((JSON.parse(readFileSync(file, 'utf8')) as { adminPort: number }).adminPort, running.adminPort)
  assert.equal(await ready(running), '503 PRE_INITIALIZING\n')
  await running.stop()
  await running.finished
  assert.equal(existsSync(file), false)
  await assert.rejects(fetch(`http://127.0.0.1:${running.adminPort}/ready`))
})

test('/quitquitquit ends it', async () => {
  const running = await startProxy(await options())
  await fetch(`http://127.0.0.1:${running.adminPort}/quitquitquit`, { method: 'POST' })
  await running.finished
})

test('an admin port in use, and no way to an identity, are one clear line each', async () => {
  const taken = await systemNetwork.listen('127.0.0.1', 0, () => {})
  const busy = startProxy(await options({ adminPort: taken.port }))
  await assert.rejects(
    busy,
    error => error instanceof CommandFailure && /cannot open the admin port/.test(error.message),
  )
  await taken.close()
  const running = await startProxy(await options({ tokenFile: join(folder, 'none'), workload: 'b-0' }))
  await assert.rejects(running.finished, /no valid certificate on disk and no join token/)
})

test('SIGUSR1 reopens the logs, and nothing listens for it once the proxy has stopped', async () => {
  const before = process.listenerCount('SIGUSR1')
  const running = await startProxy(await options({ standalone: true }))
  const reopened = mock.method(running.proxy, 'reopenLogs')
  process.kill(process.pid, 'SIGUSR1')
  while (reopened.mock.callCount() === 0) await new Promise(resolve => setImmediate(resolve))
  await running.stop()
  assert.equal(process.listenerCount('SIGUSR1'), before)
})

test('SIGHUP ends nothing', async () => {
  const before = process.listenerCount('SIGHUP')
  const running = await startProxy(await options({ standalone: true }))
  const stopping = mock.method(running.proxy, 'close')
  const { promise: hung, resolve } = Promise.withResolvers<void>()
  process.once('SIGHUP', resolve)
  process.kill(process.pid, 'SIGHUP')
  await hung
  assert.equal(process.listenerCount('SIGHUP'), before + 1)
  assert.equal(stopping.mock.callCount(), 0)
  await running.stop()
  assert.equal(process.listenerCount('SIGHUP'), before)
})
