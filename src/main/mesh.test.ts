// A control plane and two sidecars in this process, on real sockets: what happens as certificates and processes come
// and go.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { connect } from 'node:tls'
import { systemClock } from '../base/clock.ts'
import { createLog } from '../base/log.ts'
import { freePort } from '../transport/net/testing/free-port.ts'
import { TestAuthority } from '../transport/tls/certificate-fixture.ts'
import { type RunningControlPlane, startControlPlane } from './control-plane.ts'
import { startProxy } from './proxy.ts'
import type { RunningProxy } from './proxy-process.ts'

const alive = setInterval(() => {}, 1000)
after(() => clearInterval(alive))

const CONFIG = `apiVersion: v1
kind: Service
metadata: { name: reviews }
spec:
  selector: { app: reviews }
  ports:
  - { name: http, port: 9080 }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews }
spec:
  host: reviews
  trafficPolicy:
    connectionPool: { http: { maxRequestsPerConnection: 5 } }
`
/** They are renewed at half of it: so long may everything stand still. */
const CERTIFICATE_LIFE_MS = 12_000
const PROXY_PORTS = ['httpProxyPort', 'inboundPort'] as const

interface Workload {
  readonly name: string
  readonly serviceAccount: string
  readonly httpProxyPort: number
  readonly inboundPort: number
}

class Mesh {
  readonly state = mkdtempSync(join(tmpdir(), 'weft-mesh-'))
  readonly issued: string[] = []
  readonly application = createServer((_, response) => response.end('hello'))
  readonly agent = new Agent({ keepAlive: true })
  readonly client: Workload
  readonly server: Workload
  controlPlane!: RunningControlPlane
  readonly #maxCertificateLifeMs: number | undefined

  private constructor(ports: readonly number[], maxCertificateLifeMs: number | undefined) {
    const [client, server] = ['productpage', 'reviews'].map((name, index) => ({
      name: `${name}-0`,
      serviceAccount: name,
      ...Object.fromEntries(PROXY_PORTS.map((port, offset) => [port, ports[2 * index + offset]])),
    })) as unknown as [Workload, Workload]
    this.client = client
    this.server = server
    this.#maxCertificateLifeMs = maxCertificateLifeMs
  }

  static async open(maxCertificateLifeMs?: number): Promise<Mesh> {
    const mesh = new Mesh(await Promise.all([1, 2, 3, 4].map(freePort)), maxCertificateLifeMs)
    after(() => {
      mesh.agent.destroy()
      mesh.application.close()
      rmSync(mesh.state, { recursive: true, force: true })
    })
    mesh.application.listen(0, '127.0.0.1')
    await once(mesh.application, 'listening')
    await mesh.startControlPlane()
    for (const workload of [mesh.client, mesh.server]) await mesh.#register(workload)
    await mesh.#call('POST', '/v1/config/apply', { documents: [{ file: 'mesh.yaml', text: CONFIG }] })
    return mesh
  }

  async startControlPlane(): Promise<void> {
    const life = this.#maxCertificateLifeMs
    this.controlPlane = await startControlPlane({
      ...{ stateDir: this.state, apiPort: 0, xdsPort: 0, joinPort: 0, standalone: false },
      ...(life === undefined ? {} : { maxCertificateLifeMs: life }),
      log: createLog('control-plane', 'info', systemClock, line => this.#note(line)),
    })
    after(() => this.controlPlane.stop())
  }

  /** Resolves once it is live. */
  async startProxy({ name, serviceAccount }: Workload, concurrency = 1): Promise<RunningProxy> {
    const { xds, join: joining } = this.controlPlane.mesh
    const proxy = await startProxy({
      ...{ workload: name, namespace: 'default', serviceAccount, router: false, labels: {} },
      controlPlane: hostPort(xds),
      join: hostPort(joining),
      tokenFile: await this.#tokenFile(name, serviceAccount),
      trustBundle: join(this.state, 'control-plane/trust-bundle.pem'),
      stateDir: this.state,
      adminPort: 0,
      standalone: false,
      logLevel: 'error',
      terminationDrainSeconds: 0,
      concurrency,
    })
    after(() => proxy.stop())
    await Promise.race([proxy.live, proxy.finished])
    return proxy
  }

  /** Status of one request of the client's application. */
  ask(): Promise<number> {
    return new Promise((resolve, reject) => {
      const { client, agent } = this
      const options = { port: client.httpProxyPort, path: 'http://reviews:9080/', headers: { host: 'reviews:9080' } }
      request({ ...options, host: '127.0.0.1', agent }, answer => {
        answer.resume().once('end', () => resolve(answer.statusCode ?? 0))
      })
        .once('error', reject)
        .end()
    })
  }

  #note(line: string): void {
    const identity = /certificate issued identity=(\S+)/.exec(line)?.[1]
    if (identity !== undefined) this.issued.push(identity)
  }

  async #tokenFile(name: string, serviceAccount: string): Promise<string> {
    const file = join(this.state, `${name}.token`)
    const operator = readFileSync(join(this.state, 'operator.token'), 'utf8').trim()
    const grant = { namespace: 'default', name, serviceAccount }
    // Nobody to ask: a proxy that starts again has its certificate.
    const answer = await this.#call('POST', '/v1/tokens', grant, operator).catch(() => null)
    if (answer !== null) writeFileSync(file, (answer as { token: string }).token)
    return file
  }

  async #register({ name, serviceAccount, httpProxyPort, inboundPort }: Workload): Promise<void> {
    const { port: applicationPort } = this.application.address() as AddressInfo
    await this.#call('PUT', `/v1/instances/default/${name}`, {
      labels: { app: serviceAccount },
      serviceAccount,
      address: '127.0.0.1',
      ports: [{ name: 'http', number: 9080, applicationPort, inboundPort }],
      proxy: { kind: 'sidecar', bindAddress: '127.0.0.1', httpProxyPort },
      leaseSeconds: 600,
    })
  }

  async #call(method: string, path: string, body: unknown, bearer = ''): Promise<unknown> {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${bearer}` }
    const response = await fetch(this.controlPlane.mesh.api + path, { method, headers, body: JSON.stringify(body) })
    assert.ok(response.ok, await response.clone().text())
    return response.json()
  }
}

function hostPort(address: string): { host: string; port: number } {
  const [host = '', port = ''] = address.split(':')
  return { host, port: Number(port) }
}

test('certificates are renewed under load, again and again, without a lost request', async () => {
  const mesh = await Mesh.open(CERTIFICATE_LIFE_MS)
  const server = await mesh.startProxy(mesh.server)
  const client = await mesh.startProxy(mesh.client)
  const renewals = renewalsFromNow(mesh)
  const failures = new Map<number | string, number>()
  const handshakes = (): number => server.proxy.stats.value(`listener.${inbound(mesh)}.ssl.handshake`) ?? 0
  let handshakesBefore = 0
  const isDone = (): boolean => renewals() >= 2 && handshakes() > handshakesBefore
  const worker = async (): Promise<void> => {
    while (!isDone() && failures.size === 0) {
      if (renewals() < 2) handshakesBefore = handshakes()
      const outcome = await mesh.ask().catch((error: Error) => error.message)
      if (outcome !== 200) failures.set(outcome, (failures.get(outcome) ?? 0) + 1)
    }
  }
  await Promise.all([worker(), worker(), worker()])
  assert.deepEqual([...failures], [])
  assert.equal(client.proxy.stats.value(`listener.${inbound(mesh)}.ssl.fail_verify_error`) ?? 0, 0)
  assert.ok(issuedTo(mesh, 'reviews') < 20, 'and not more often than at half their life')
})

test('with several event loops each has config and certificates, the renewed ones too', async () => {
  const mesh = await Mesh.open(CERTIFICATE_LIFE_MS)
  mesh.agent.destroy()
  const [server, client] = [await mesh.startProxy(mesh.server, 2), await mesh.startProxy(mesh.client, 2)]
  const renewals = renewalsFromNow(mesh)
  const own = (): number => server.proxy.stats.value(`listener.${inbound(mesh)}.ssl.handshake`) ?? 0
  const all = async (): Promise<number> => {
    const stats = await (await fetch(`http://127.0.0.1:${server.adminPort}/stats`)).text()
    return Number(new RegExp(`${inbound(mesh)}.ssl.handshake: (\\d+)`).exec(stats)?.[1])
  }
  // Which loop is given a connection is chance: until each has had one.
  while (renewals() < 2 || own() === 0 || own() === (await all())) {
    const statuses = await Promise.all(Array.from({ length: 16 }, () => mesh.ask()))
    assert.deepEqual(new Set(statuses), new Set([200]))
  }
  assert.equal(client.proxy.ready, true)
})

test('a proxy started while the control plane is down serves from its last good config', async () => {
  const mesh = await Mesh.open()
  await mesh.startProxy(mesh.server)
  const before = await mesh.startProxy(mesh.client)
  assert.equal(await mesh.ask(), 200)
  await before.stop()
  mesh.agent.destroy()
  const { xds } = mesh.controlPlane.mesh
  await mesh.controlPlane.stop()
  const started = await mesh.startProxy(mesh.client)
  assert.equal(await mesh.ask(), 200)
  assert.equal(started.proxy.stats.value('control_plane.connected_state'), 0)
  await mesh.startControlPlane()
  assert.equal(mesh.controlPlane.mesh.xds, xds)
  while (started.proxy.stats.value('control_plane.connected_state') === 0) assert.equal(await mesh.ask(), 200)
  assert.equal(await mesh.ask(), 200)
})

test('a client of another trust domain, or of none, gets no byte from a STRICT port', async () => {
  const mesh = await Mesh.open()
  const server = await mesh.startProxy(mesh.server)
  const foreign = await TestAuthority.create()
  const pair = await foreign.issueSpiffe('spiffe://other.example/ns/default/sa/productpage')
  const certificate = { cert: pair.certificateChain, key: pair.privateKey }
  assert.deepEqual(await bytesFor(mesh, certificate), 0)
  assert.deepEqual(await bytesFor(mesh, {}), 0)
  const count = (name: string): number | undefined => server.proxy.stats.value(`listener.${inbound(mesh)}.ssl.${name}`)
  assert.deepEqual(['fail_verify_error', 'fail_verify_no_cert', 'handshake'].map(count), [1, 1, 0])
  assert.match([...server.proxy.stats.text()].join(''), /^http\.\S*downstream_rq_total: 0$/m)
})

/** How much is answered to a request over TLS with that certificate. */
async function bytesFor(mesh: Mesh, certificate: { cert?: string; key?: string }): Promise<number> {
  const { inboundPort } = mesh.server
  const common = { host: '127.0.0.1', port: inboundPort, rejectUnauthorized: false, ALPNProtocols: ['istio'] }
  const socket = connect({ ...common, ...certificate })
  let bytes = 0
  socket.on('data', chunk => {
    bytes += chunk.length
  })
  socket.on('error', () => {})
  socket.write('GET / HTTP/1.1\r\nhost: reviews:9080\r\n\r\n')
  await once(socket, 'close')
  return bytes
}

/** Of both, since it was called: how long the start took does not matter. */
function renewalsFromNow(mesh: Mesh): () => number {
  const issued = (): number[] => ['reviews', 'productpage'].map(name => issuedTo(mesh, name))
  const before = issued()
  return () => Math.min(...issued().map((count, index) => count - before[index]!))
}

function issuedTo({ issued }: Mesh, serviceAccount: string): number {
  return issued.filter(identity => identity.endsWith(`/sa/${serviceAccount}`)).length
}

function inbound({ server }: Mesh): string {
  return `127.0.0.1_${server.inboundPort}`
}
