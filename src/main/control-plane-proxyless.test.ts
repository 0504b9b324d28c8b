// An independent xDS client, gRPC's own, driven through routing, weights, an endpoint change and a bad update.
import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Server, ServerCredentials, type sendUnaryData } from '@grpc/grpc-js'
import { silentLog } from '../base/log.ts'
import { type RunningControlPlane, startControlPlane } from './control-plane.ts'

const HOST = 'echo.default.svc.cluster.local'
const CONFIG = (weights: readonly [number, number]): string => `apiVersion: v1
kind: Service
metadata: { name: echo }
spec:
  selector: { app: echo }
  ports:
  - { name: http, port: 7000 }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: echo }
spec:
  host: echo
  subsets:
  - { name: v1, labels: { version: v1 } }
  - { name: v2, labels: { version: v2 } }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: echo }
spec:
  hosts: [echo]
  http:
  - match:
    - headers: { x-version: { exact: v2 } }
    route:
    - destination: { host: echo, subset: v2 }
  - route:
    - destination: { host: echo, subset: v1 }
      weight: ${weights[0]}
    - destination: { host: echo, subset: v2 }
      weight: ${weights[1]}
`

async function echoServer(name: string): Promise<number> {
  const server = new Server()
  const identity = (bytes: Buffer): Buffer => bytes
  const method = {
    path: '/test.Echo/Who',
    requestStream: false,
    responseStream: false,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  } as const
  server.addService(
    { Who: method },
    { Who: (_: unknown, reply: sendUnaryData<Buffer>) => reply(null, Buffer.from(name)) },
  )
  after(() => server.forceShutdown())
  return new Promise((resolve, reject) => {
    const bound = (error: Error | null, port: number): void => (error ? reject(error) : resolve(port))
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), bound)
  })
}

async function request(running: RunningControlPlane, method: string, path: string, body?: unknown) {
  const content =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  const response = await fetch(running.mesh.api + path, { method, ...content })
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${response.ok ? '' : await response.text()}`)
  return response.status === 204 ? undefined : ((await response.json()) as Record<string, never>)
}

function register(running: RunningControlPlane, name: string, version: string, port: number) {
  return request(running, 'PUT', `/v1/instances/default/${name}`, {
    labels: { app: 'echo', version },
    address: '127.0.0.1',
    ports: [{ name: 'http', number: 7000, applicationPort: port }],
    leaseSeconds: 600,
  })
}

async function startClient(running: RunningControlPlane): Promise<ChildProcess> {
  const bootstrap = {
    xds_servers: [
      {
        server_uri: `127.0.0.1:${running.xdsPlaintextPort}`,
        channel_creds: [{ type: 'insecure' }],
        server_features: ['xds_v3'],
      },
    ],
    node: {
      id: 'sidecar~127.0.0.1~client.default~default.svc.cluster.local',
      metadata: { GENERATOR: 'grpc', NAMESPACE: 'default' },
      locality: { region: 'here', zone: '', sub_zone: '' },
    },
  }
  const script = join(import.meta.dirname, '../control-plane/testing/proxyless-child.ts')
  const child = fork(script, [`xds:///${HOST}:7000`], {
    env: { ...process.env, GRPC_XDS_BOOTSTRAP_CONFIG: JSON.stringify(bootstrap) },
  })
  after(() => {
    if (child.connected) child.disconnect()
  })
  await once(child, 'spawn')
  return child
}

async function calls(child: ChildProcess, count: number, headers: Record<string, string> = {}): Promise<string[]> {
  const answer = once(child, 'message')
  child.send({ calls: count, headers })
  return (await answer)[0] as string[]
}

const share = (answers: readonly string[], who: string): number =>
  answers.filter(one => one === who).length / answers.length

interface ListedProxy {
  readonly kind: string
  readonly types: Record<string, { state: string; error?: string }>
}

test('a proxyless gRPC client is routed, weighted, told of endpoints, and its refusal is seen', async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'weft-proxyless-'))
  after(() => rmSync(stateDir, { recursive: true, force: true }))
  const ports = { apiPort: 0, xdsPort: 0, joinPort: 0, xdsPlaintextPort: 0 }
  const running = await startControlPlane({ ...ports, stateDir, standalone: false, log: silentLog })
  after(() => running.stop())
  const [one, two, three] = await Promise.all(['v1', 'v2', 'v1-new'].map(echoServer))
  await register(running, 'echo-v1-0', 'v1', one!)
  await register(running, 'echo-v2-0', 'v2', two!)
  const apply = (weights: readonly [number, number]) =>
    request(running, 'POST', '/v1/config/apply', { documents: [{ file: 'echo.yaml', text: CONFIG(weights) }] })
  await apply([100, 0])
  const client = await startClient(running)

  // Routing: everything to v1, what carries the header to v2.
  assert.deepEqual(await calls(client, 5), Array(5).fill('v1'))
  assert.deepEqual(await calls(client, 5, { 'x-version': 'v2' }), Array(5).fill('v2'))

  // Weights: 200 draws at 80/20 stay within 5 standard deviations of 40 for v2.
  const { revision } = (await apply([80, 20])) as unknown as { revision: number }
  const propagation = await request(running, 'GET', `/v1/revisions/${revision}/propagation?waitMs=30000`)
  assert.equal(propagation?.['done'], true)
  const drawn = await calls(client, 200)
  assert.ok(Math.abs(share(drawn, 'v2') - 0.2) < 0.15, `v2 got ${share(drawn, 'v2')}`)

  // An endpoint change: v1 moves to another port.
  const listed = async (): Promise<ListedProxy> => {
    const answer = (await request(running, 'GET', '/v1/proxies')) as unknown as { proxies: ListedProxy[] }
    return answer.proxies[0]!
  }
  await register(running, 'echo-v1-1', 'v1', three!)
  await request(running, 'DELETE', '/v1/instances/default/echo-v1-0')
  // It may be told of the new one first, and later that the old one is gone.
  const hasMoved = (answers: readonly string[]): boolean => answers.includes('v1-new') && !answers.includes('v1')
  while (!hasMoved(await calls(client, 20)));
  assert.equal(share(await calls(client, 50), 'v1'), 0)
  assert.equal((await listed()).kind, 'grpc')

  // A bad update: two instances at one address, which gRPC refuses. It keeps what it has, and the refusal is shown.
  await register(running, 'echo-v1-2', 'v1', three!)
  while ((await listed()).types['EDS']?.state !== 'ERROR');
  assert.match((await listed()).types['EDS']?.error ?? '', /./)
  assert.equal(share(await calls(client, 20), 'v1'), 0)
  await request(running, 'DELETE', '/v1/instances/default/echo-v1-2')
  while ((await listed()).types['EDS']?.state !== 'SYNCED');
})
