import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { connect } from 'node:tls'
import { status } from '@grpc/grpc-js'
import { systemClock } from '../base/clock.ts'
import { createLog } from '../base/log.ts'
import { AdsClient, createCertificate, type Identity, makeRequest } from '../control-plane/testing/mesh-client.ts'
import { type ControlPlaneOptions, type RunningControlPlane, startControlPlane } from './control-plane.ts'

const alive = setInterval(() => {}, 1000)
after(() => clearInterval(alive))

function temporary(): string {
  const path = mkdtempSync(join(tmpdir(), 'weft-cp-'))
  after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

interface Started {
  readonly running: RunningControlPlane
  readonly state: string
  readonly lines: string[]
  api(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: never }>
  join(name: string, serviceAccount: string, namespace?: string): Promise<Identity>
}

async function start(options: Partial<ControlPlaneOptions> = {}): Promise<Started> {
  const state = options.stateDir ?? temporary()
  const lines: string[] = []
  const log = createLog('test', 'debug', systemClock, line => lines.push(line))
  const ports = { apiPort: 0, xdsPort: 0, joinPort: 0 }
  const running = await startControlPlane({ ...ports, stateDir: state, standalone: false, log, ...options })
  after(() => running.stop())
  const api: Started['api'] = async (method, path, body, headers = {}) => {
    const content = body === undefined ? {} : { body: JSON.stringify(body) }
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    const response = await fetch(running.mesh.api + path, { method, headers: { ...type, ...headers }, ...content })
    const text = await response.text()
    return { status: response.status, body: (text.startsWith('{') ? JSON.parse(text) : text) as never }
  }
  const joinMesh: Started['join'] = async (name, serviceAccount, namespace = 'default') => {
    const operator = readFileSync(join(state, 'operator.token'), 'utf8').trim()
    const grant = { namespace, name, serviceAccount }
    const { body } = await api('POST', '/v1/tokens', grant, { authorization: `Bearer ${operator}` })
    const { key, csr } = await makeRequest(`spiffe://cluster.local/ns/${namespace}/sa/${serviceAccount}`)
    const { join: address, trustBundle } = running.mesh
    return { key, chain: await createCertificate(address, trustBundle, csr, body) }
  }
  return { running, state, lines, api, join: joinMesh }
}

const INSTANCE = {
  service: 'reviews',
  labels: { app: 'reviews' },
  serviceAccount: 'reviews',
  address: '127.0.0.1',
  ports: [{ name: 'http', number: 9080, applicationPort: 41_001, inboundPort: 41_002 }],
  proxy: { kind: 'sidecar', bindAddress: '127.0.0.1', httpProxyPort: 41_003 },
  leaseSeconds: 600,
}
const SERVICE = (port: number): string =>
  `apiVersion: v1\nkind: Service\nmetadata: { name: reviews }\nspec:\n  selector: { app: reviews }\n  ports:\n  - { name: http, port: ${port} }\n`

function ads(
  { running }: Started,
  identity: Identity,
  name: string,
  protocol: 'sotw' | 'delta',
  namespace = 'default',
) {
  const client = new AdsClient(running.mesh.xds, running.mesh.trustBundle, identity, { name, namespace }, protocol)
  after(() => client.close())
  return client
}

test('a workload joins once with its token, and renews with its certificate for itself alone', async () => {
  const mesh = await start()
  const identity = await mesh.join('reviews-0', 'reviews')
  assert.equal(new X509Certificate(identity.chain).subjectAltName, 'URI:spiffe://cluster.local/ns/default/sa/reviews')
  const { xds, join: joining, trustBundle } = mesh.running.mesh
  const own = await makeRequest('spiffe://cluster.local/ns/default/sa/reviews')
  const renewed = await createCertificate(xds, trustBundle, own.csr, identity)
  assert.notEqual(renewed, identity.chain)
  const other = await makeRequest('spiffe://cluster.local/ns/default/sa/bank')
  await assert.rejects(createCertificate(xds, trustBundle, other.csr, identity), { code: status.PERMISSION_DENIED })
  await assert.rejects(createCertificate(joining, trustBundle, own.csr, { token: 'weft-join-guess' }), {
    code: status.UNAUTHENTICATED,
  })
})

test('tokens are minted for the operator only; foreign hosts and origins are not served', async () => {
  const { api, running, state } = await start()
  const grant = { namespace: 'default', name: 'x', serviceAccount: 'x' }
  assert.equal((await api('POST', '/v1/tokens', grant)).status, 401)
  assert.equal((await api('POST', '/v1/tokens', grant, { authorization: 'Bearer nonsense' })).status, 401)
  assert.equal((await api('GET', '/v1/mesh', undefined, { origin: 'http://evil.example' })).status, 403)
  assert.equal((await api('GET', '/v1/mesh', undefined, { origin: running.mesh.api })).status, 200)
  assert.equal(statSync(join(state, 'operator.token')).mode & 0o777, 0o600)
  assert.equal(statSync(join(state, 'mesh.json')).mode & 0o777, 0o644)
})

test('both protocols serve the same proxy, tell what changed, and keep what was answered', async () => {
  const mesh = await start()
  await mesh.api('PUT', '/v1/instances/default/reviews-0', INSTANCE)
  await mesh.api('POST', '/v1/config/apply', { documents: [{ file: 's.yaml', text: SERVICE(9080) }] })
  const identity = await mesh.join('reviews-0', 'reviews')
  for (const protocol of ['sotw', 'delta'] as const) {
    const client = ads(mesh, identity, 'reviews-0', protocol)
    client.request('cluster')
    const first = await client.nextOf('cluster')
    assert.ok(first.resources.length > 0)
    client.acknowledge(first)
    client.request(
      'secret',
      protocol === 'sotw' ? { resourceNames: ['ROOTCA'] } : { resourceNamesSubscribe: ['ROOTCA'] },
    )
    client.acknowledge(await client.nextOf('secret'))
    const port = protocol === 'sotw' ? 9081 : 9082
    const { body } = await mesh.api('POST', '/v1/config/apply', {
      documents: [{ file: 's.yaml', text: SERVICE(port) }],
    })
    const { revision } = body as { revision: number }
    const second = await client.nextOf('cluster')
    client.acknowledge(second, 'this proxy likes no ports')
    const answer = await mesh.api('GET', `/v1/revisions/${revision}/propagation?waitMs=30000`)
    const { proxies } = answer.body as { proxies: { state: string; detail: string }[] }
    assert.deepEqual(
      proxies.map(one => [one.state, one.detail]),
      [['nacked', 'CDS: this proxy likes no ports']],
    )
    const listed = (await mesh.api('GET', '/v1/proxies')).body as {
      proxies: { types: Record<string, { state: string }> }[]
    }
    assert.equal(listed.proxies[0]?.types['CDS']?.state, 'ERROR')
    assert.equal(listed.proxies[0]?.types['SDS']?.state, 'SYNCED')
    client.close()
    while (((await mesh.api('GET', '/v1/proxies')).body as { proxies: [] }).proxies.length > 0);
  }
})

test('a proxy must show the identity of its workload, or at least of its namespace', async () => {
  const mesh = await start()
  await mesh.api('PUT', '/v1/instances/default/reviews-0', INSTANCE)
  const other = await mesh.join('ratings-0', 'ratings')
  const asReviews = ads(mesh, other, 'reviews-0', 'delta')
  asReviews.request('cluster')
  const refused = await asReviews.ended
  assert.equal(refused.code, status.PERMISSION_DENIED)
  assert.match(refused.details, /registered with service account reviews/)
  const elsewhere = ads(mesh, other, 'ratings-0', 'delta', 'shop')
  elsewhere.request('cluster')
  assert.equal((await elsewhere.ended).code, status.PERMISSION_DENIED)
  const nobody = ads(mesh, other, 'not-registered', 'delta')
  nobody.request('cluster')
  await nobody.next()
})

test('launchers are told how the mesh wants its proxies started', async () => {
  const meshConfigFile = join(temporary(), 'mesh.yaml')
  writeFileSync(meshConfigFile, 'defaultConfig: {concurrency: 3, terminationDrainDuration: 9s}\n')
  const { api } = await start({ meshConfigFile })
  const { proxies } = (await api('GET', '/v1/mesh')).body
  assert.deepEqual(proxies, { concurrency: 3, drainDurationMs: 45_000, terminationDrainDurationMs: 9000 })
})

test('a certificate of another trust domain is refused, and the log says so', async () => {
  const mesh = await start()
  const meshConfigFile = join(temporary(), 'mesh.yaml')
  writeFileSync(meshConfigFile, 'trustDomain: other.example\n')
  const foreign = await start({ meshConfigFile })
  const { body } = await foreign.api(
    'POST',
    '/v1/tokens',
    { namespace: 'default', name: 'reviews-0', serviceAccount: 'reviews' },
    { authorization: `Bearer ${readFileSync(join(foreign.state, 'operator.token'), 'utf8').trim()}` },
  )
  const { key, csr } = await makeRequest('spiffe://other.example/ns/default/sa/reviews')
  const { join: address, trustBundle } = foreign.running.mesh
  const identity = { key, chain: await createCertificate(address, trustBundle, csr, body) }
  const client = ads(mesh, identity, 'reviews-0', 'delta')
  client.request('cluster')
  assert.equal((await client.ended).code, status.UNAVAILABLE)
  const line = mesh.lines.find(one => one.includes('client certificate refused')) ?? ''
  assert.match(line, /other trust domain|another trust domain/)
  assert.match(line, /spiffe:\/\/other\.example/)
})

test('no TLS session is resumed: every connection shows a certificate that is valid now', async () => {
  const mesh = await start()
  const { key, chain } = await mesh.join('reviews-0', 'reviews')
  const { xds, trustBundle } = mesh.running.mesh
  const target = { host: '127.0.0.1', port: Number(xds.split(':')[1]), servername: 'istiod.istio-system.svc' }
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const options = { ...target, key, cert: chain, ca: trustBundle, ALPNProtocols: ['h2'], maxVersion }
    const first = connect(options)
    let session: Buffer | undefined
    first.on('session', offered => {
      session = offered
    })
    // The server's SETTINGS: whatever session it has to offer has been sent before.
    await once(first, 'data')
    session ??= first.getSession()
    first.destroy()
    const second = connect(session ? { ...options, session } : options)
    await once(second, 'secureConnect')
    assert.equal(second.isSessionReused(), false, maxVersion)
    second.destroy()
  }
})

test('a stream ends with the certificate that opened it', async () => {
  const mesh = await start({ maxCertificateLifeMs: 5000 })
  const identity = await mesh.join('reviews-0', 'reviews')
  const client = ads(mesh, identity, 'reviews-0', 'delta')
  client.request('cluster')
  const { code, details } = await client.ended
  assert.equal(code, status.UNAUTHENTICATED)
  assert.match(details, /expired/)
})

test('a second start finds everything, on the same ports; a second control plane is refused', async () => {
  const first = await start()
  await first.api('POST', '/v1/config/apply', { documents: [{ file: 's.yaml', text: SERVICE(9080) }] })
  await first.api('PUT', '/v1/instances/default/reviews-0', INSTANCE)
  const before = first.running.mesh
  await assert.rejects(start({ stateDir: first.state }), /WEFT-2018: another control plane \(pid \d+\) runs on/)
  await first.running.stop()
  const second = await start({ stateDir: first.state })
  const { api, xds, join: joining, trustBundle } = second.running.mesh
  assert.deepEqual([api, xds, joining, trustBundle], [before.api, before.xds, before.join, before.trustBundle])
  const config = (await second.api('GET', '/v1/config')).body as { objects: { name: string; source: string }[] }
  assert.deepEqual(
    config.objects.map(one => [one.name, one.source]),
    [['reviews', 'apply']],
  )
  const { instances } = (await second.api('GET', '/v1/instances')).body as { instances: { name: string }[] }
  assert.equal(instances[0]?.name, 'reviews-0')
})

test('a port in use is one clear line, and leaves nothing behind', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  after(() => taken.close())
  await new Promise(resolve => taken.once('listening', resolve))
  const { port } = taken.address() as AddressInfo
  const state = temporary()
  await assert.rejects(start({ stateDir: state, apiPort: port }), /^CommandFailure: WEFT-2019: port \d+ is in use/)
  await start({ stateDir: state })
})

test('what is no address of a Redis is one clear line', async () => {
  const state = temporary()
  await assert.rejects(
    start({ stateDir: state, rateLimitRedis: 'http://a' }),
    /^CommandFailure: WEFT-2022: --rate-limit-redis/,
  )
  await start({ stateDir: state })
})

test('a watched directory takes effect on saving, and a bad save changes nothing', async () => {
  const directory = join(temporary(), 'mesh')
  mkdirSync(directory)
  writeFileSync(join(directory, 's.yaml'), SERVICE(9080))
  const mesh = await start({ configDir: directory })
  const texts = async (): Promise<string> =>
    ((await mesh.api('GET', '/v1/config')).body as { objects: { text: string }[] }).objects.map(one => one.text).join()
  assert.match(await texts(), /9080/)
  const problems = async (): Promise<readonly { position: { file: string } }[]> =>
    ((await mesh.api('GET', '/v1/sources')).body as { problems: [] }).problems
  writeFileSync(join(directory, 's.yaml'), `${SERVICE(9081)}  typo: 1\n`)
  while ((await problems()).length === 0);
  assert.equal((await problems())[0]?.position.file, join(directory, 's.yaml'))
  assert.match(await texts(), /9080/)
  writeFileSync(join(directory, 's.yaml'), SERVICE(9082))
  while (!(await texts()).includes('9082'));
  assert.deepEqual(await problems(), [])
})

test('what a request gets wrong is all said, and the description matches what is served', async () => {
  const { api } = await start()
  const bad = await api('PUT', '/v1/instances/default/x', { ports: [{ name: 'http' }], surprise: 1 })
  const { error } = bad.body as { error: { code: string; problems: { message: string; path: string }[] } }
  assert.equal(bad.status, 400)
  assert.equal(error.code, 'WEFT-2005')
  assert.equal(error.problems.length, 3)
  const odd = await api('PUT', '/v1/instances/default/x', { ...INSTANCE, address: 'a\0b', healthCheck: { tcp: {} } })
  assert.equal(odd.status, 400)
  for (const [name, status] of [
    ['content-length', 400],
    ['transfer-encoding', 400],
    ['connection', 400],
    ['x-a', 200],
  ]) {
    const healthCheck = { http: { path: '/', headers: [{ name, value: '7' }] } }
    assert.equal((await api('PUT', '/v1/instances/default/probed', { ...INSTANCE, healthCheck })).status, status)
  }
  assert.equal((await api('PUT', `/v1/instances/default/${'x'.repeat(253)}`, INSTANCE)).status, 200)
  assert.equal((await api('GET', `/v1/instances/default/${'x'.repeat(254)}`)).status, 414)
  const refused = await api('POST', '/v1/config/apply', { documents: [{ file: 'x.yaml', text: 'kind: Nonsense' }] })
  assert.equal(refused.status, 422)
  assert.equal((refused.body as { error: { problems: unknown[] } }).error.problems.length > 0, true)
  assert.equal((await api('GET', '/v1/nothing')).status, 404)
  assert.equal((await api('POST', '/v1/instances/default/x/renew', {})).status, 404)
  assert.equal((await api('GET', '/v1/revisions/7')).status, 404)
  const { paths } = (await api('GET', '/openapi.json')).body as { paths: Record<string, object> }
  const page = String((await api('GET', '/')).body)
  for (const path of Object.keys(paths)) assert.ok(page.includes(path), path)
  assert.equal(Object.values(paths).flatMap(item => Object.keys(item)).length, page.split('<details>').length - 1)
  assert.match(String((await api('GET', '/metrics')).body), /pilot_xds 0/)
})
