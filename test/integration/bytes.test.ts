// Rules for bytes, from YAML to sockets, where no recording of Istio reaches: behind CONNECT, and inside mutual TLS.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { after, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { openProxy, TestIdentity } from '../../src/data-plane/mesh-fixture.ts'
import type { Proxy as DataPlaneProxy } from '../../src/data-plane/proxy.ts'
import { NO_LOCALITY } from '../../src/model/locality.ts'
import { DEFAULT_MESH_CONFIG } from '../../src/model/mesh-config.ts'
import { WORKLOAD } from '../../src/model/workload-fixture.ts'
import { emit } from '../../src/translate/emit/emit.ts'
import { link } from '../../src/translate/link/link.ts'
import { parseConfig } from '../../src/translate/parse-config.ts'
import { TestAuthority } from '../../src/transport/tls/certificate-fixture.ts'
import type { ResourceMessage } from '../../src/xds/resource-message.ts'
import { LoopbackNetwork } from '../conformance/replay/loopback-network.ts'

const CLIENT = 'spiffe://cluster.local/ns/default/sa/client'
const authority = await TestAuthority.create()
const closers: (() => unknown)[] = []

/** Says who it is and hangs up. */
async function upstream(name: string): Promise<number> {
  const server = createServer(socket => socket.on('error', () => {}).end(name)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => server.close())
  return (server.address() as AddressInfo).port
}

const shop = await authority.issue({ names: [{ type: 'dns', value: 'db.example.com' }] })
const certificates = new Map([
  ['shop.crt', shop.certificateChain],
  ['shop.key', shop.privateKey],
  ['ca.crt', authority.bundle],
])

const upstreams = new Map([
  ['10.0.0.1:5432', await upstream('v1')],
  ['10.0.0.2:5432', await upstream('v2')],
])
after(async () => {
  for (const close of closers) await close()
})

const CONFIG = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: db}
spec:
  hosts: [db.example.com]
  addresses: [10.9.0.1]
  ports: [{number: 5432, name: tcp, protocol: TCP}, {number: 443, name: tls, protocol: TLS, targetPort: 5432}]
  resolution: STATIC
  endpoints: [{address: 10.0.0.1, labels: {version: v1}}, {address: 10.0.0.2, labels: {version: v2}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: db}
spec: {host: db.example.com, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  servers:
  - port: {number: 8443, name: tls, protocol: TLS}
    hosts: [db.example.com]
    tls: {mode: ISTIO_MUTUAL, subjectAltNames: ["${CLIENT}"]}
  - port: {number: 8444, name: simple, protocol: TLS}
    hosts: [db.example.com]
    tls: {mode: SIMPLE, serverCertificate: shop.crt, privateKey: shop.key, maxProtocolVersion: TLSV1_2, cipherSuites: [ECDHE-ECDSA-AES256-GCM-SHA384]}
  - port: {number: 8445, name: mutual, protocol: TLS}
    hosts: [db.example.com]
    tls: {mode: MUTUAL, serverCertificate: shop.crt, privateKey: shop.key, caCertificates: ca.crt}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: db}
spec:
  hosts: [db.example.com]
  gateways: [mesh, edge]
  tls:
  - match: [{sniHosts: [db.example.com], destinationSubnets: [10.9.0.0/16]}]
    route: [{destination: {host: db.example.com, subset: v2}}]
  tcp:
  - match: [{gateways: [edge]}]
    route: [{destination: {host: db.example.com, subset: v1, port: {number: 5432}}}]
  - route:
    - {destination: {host: db.example.com, subset: v1}, weight: 3}
    - {destination: {host: db.example.com, subset: v2}, weight: 1}
`

async function start(kind: 'sidecar' | 'router', port: number): Promise<{ proxy: DataPlaneProxy; port: number }> {
  const { objects } = parseConfig([{ file: 'config.yaml', text: CONFIG }], { defaultNamespace: 'default' })
  const meshConfig = { ...DEFAULT_MESH_CONFIG, proxyHttpPort: 15080 }
  const workload = { ...WORKLOAD, name: kind, ports: [], proxy: { kind, bindAddress: '127.0.0.1' } }
  const mesh = link({ objects, services: [], workloads: [workload], meshConfig })
  const node = { id: kind, kind, name: kind, namespace: 'default', labels: {}, locality: NO_LOCALITY, workload }
  const { clusters, endpoints, listeners, routes } = emit(mesh, node)
  const network = new LoopbackNetwork(upstreams)
  const proxy = openProxy({ network, certificates: { read: name => certificates.get(name) ?? null } })
  closers.push(() => proxy.close())
  proxy.useIdentity(
    new TestIdentity(await authority.issueSpiffe('spiffe://cluster.local/ns/default/sa/edge'), authority.bundle),
  )
  for (const [type, list] of Object.entries({
    cluster: clusters,
    endpoint: endpoints,
    listener: listeners,
    route: routes,
  })) {
    const messages = list.map(({ message }) => message as ResourceMessage)
    assert.deepEqual(proxy.apply(type as 'cluster', messages), [])
  }
  assert.deepEqual(await proxy.listeners.settled(), [])
  return { proxy, port: network.listenerPort('127.0.0.1', port)! }
}

async function tunnelTo(port: number, authority: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n\r\n`)
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  return text.slice(text.indexOf('\r\n\r\n') + 4)
}

test('CONNECT goes where tcp rules say, by weight, and where tls rules say of the service that is named', async () => {
  const { port } = await start('sidecar', 15080)
  const seen = { v1: 0, v2: 0 }
  for (let call = 0; call < 80; call++) seen[(await tunnelTo(port, 'db.example.com:5432')) as 'v1' | 'v2']++
  assert.equal(seen.v1 + seen.v2, 80)
  assert.ok(seen.v1 > seen.v2 && seen.v2 > 0, JSON.stringify(seen))
  for (let call = 0; call < 8; call++) {
    assert.equal(await tunnelTo(port, 'db.example.com:443'), 'v2')
    assert.equal(await tunnelTo(port, '10.9.0.1:443'), 'v2')
  }
})

/** What comes back, and in which version of TLS; the server's certificate is checked for its name. */
async function call(port: number, identity: string | null, ofMesh = false): Promise<{ text: string; version: string }> {
  const keys = identity === null ? null : await authority.issueSpiffe(identity)
  const socket = connectTls({
    host: '127.0.0.1',
    port,
    servername: 'db.example.com',
    ca: authority.bundle,
    rejectUnauthorized: !ofMesh,
    ...(keys ? { cert: keys.certificateChain, key: keys.privateKey } : {}),
  })
  const answer = { text: '', version: '' }
  socket.on('secureConnect', () => {
    answer.version = `${socket.getProtocol()} ${socket.getCipher().name}`
  })
  try {
    for await (const chunk of socket) answer.text += String(chunk)
  } catch {
    answer.text = 'refused'
  }
  return answer
}

test('a gateway ends mutual TLS for the identities it names, and passes the bytes on by tcp rules', async () => {
  const { port } = await start('router', 8443)
  assert.equal((await call(port, CLIENT, true)).text, 'v1')
  assert.notEqual((await call(port, 'spiffe://cluster.local/ns/default/sa/other', true)).text, 'v1')
  assert.notEqual((await call(port, null, true)).text, 'v1')
})

test('a gateway ends TLS with certificates from files, for all or for those whose certificate is good', async () => {
  const simple = await start('router', 8444)
  assert.deepEqual(await call(simple.port, null), { text: 'v1', version: 'TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384' })
  const mutual = await start('router', 8445)
  assert.equal((await call(mutual.port, CLIENT)).text, 'v1')
  assert.notEqual((await call(mutual.port, null)).text, 'v1')
})
