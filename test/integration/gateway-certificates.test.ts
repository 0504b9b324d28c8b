// How a gateway ends TLS, from YAML to sockets: credentials, certificates of two kinds of key, clients that are pinned.
import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { after, test } from 'node:test'
import { type ConnectionOptions, connect } from 'node:tls'
import { TestAuthority } from '../../src/transport/tls/certificate-fixture.ts'
import { startEmitted } from './emitted-proxy.ts'

const authority = await TestAuthority.create()
const clients = await TestAuthority.create('CN=authority of clients')
const names = [{ type: 'dns', value: 'shop.example.com' }] as const
const [rsa, ecdsa, friend, stranger] = await Promise.all([
  authority.issue({ names, rsa: true }),
  authority.issue({ names }),
  clients.issue({ names: [] }),
  clients.issue({ names: [] }),
])
const revocations = await clients.revoke(stranger)
const friendCertificate = new X509Certificate(friend.certificateChain)
const friendHash = createHash('sha256').update(friendCertificate.raw).digest('hex')
const friendKey = createHash('sha256')
  .update(friendCertificate.publicKey.export({ type: 'spki', format: 'der' }))
  .digest('base64')

const upstream = createServer(socket => socket.on('error', () => {}).end('shop')).listen(0, '127.0.0.1')
await once(upstream, 'listening')
after(() => upstream.close())

const server = (port: number, tls: string): string =>
  `  - {port: {number: ${port}, name: p${port}, protocol: TLS}, hosts: ["*"], tls: ${tls}}`
const CONFIG = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shop}
spec:
  hosts: [shop.example.com]
  ports: [{number: 80, name: tcp, protocol: TCP}]
  resolution: STATIC
  endpoints: [{address: 10.0.0.1}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: ["*.com"]
  gateways: [edge]
  tcp: [{route: [{destination: {host: shop.example.com}}]}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  servers:
${server(1, '{mode: SIMPLE, credentialNames: [shop-rsa, shop-ecdsa]}')}
${server(2, '{mode: MUTUAL, credentialName: shop-ecdsa}')}
${server(3, '{mode: OPTIONAL_MUTUAL, credentialName: shop-rsa, caCertCredentialName: clients}')}
${server(4, `{mode: MUTUAL, credentialName: shop-ecdsa, verifyCertificateHash: [${friendHash.toUpperCase()}]}`)}
${server(5, `{mode: MUTUAL, credentialName: shop-ecdsa, verifyCertificateSpki: ["${friendKey}"]}`)}
${server(7, '{mode: MUTUAL, serverCertificate: shop-rsa/tls.crt, privateKey: shop-rsa/tls.key, caCertificates: clients/ca.crt, caCrl: revoked.crl}')}
${server(8, '{mode: MUTUAL, credentialName: revoking}')}
${server(6, '{mode: SIMPLE, tlsCertificates: [{serverCertificate: shop-rsa/tls.crt, privateKey: shop-rsa/tls.key}]}')}
`

const gateway = await startEmitted({
  config: CONFIG,
  workload: { name: 'edge', proxy: { kind: 'router', bindAddress: '127.0.0.1' } },
  upstreams: new Map([['10.0.0.1:80', (upstream.address() as AddressInfo).port]]),
  authority,
  files: new Map([
    ['shop-rsa/tls.crt', rsa.certificateChain],
    ['shop-rsa/tls.key', rsa.privateKey],
    ['shop-ecdsa/cert', ecdsa.certificateChain],
    ['shop-ecdsa/key', ecdsa.privateKey],
    ['shop-ecdsa/cacert', clients.bundle],
    ['clients/ca.crt', clients.bundle],
    ['revoked.crl', revocations],
    ['revoking/tls.crt', rsa.certificateChain],
    ['revoking/tls.key', rsa.privateKey],
    ['revoking/ca.crt', clients.bundle],
    ['revoking/ca.crl', revocations],
  ]),
})
after(() => gateway.close())

/** What the service says, behind the kind of key that the gateway showed; `refused` where it says nothing. */
async function call(port: number, options: ConnectionOptions = {}): Promise<string> {
  const where = { host: '127.0.0.1', port: gateway.network.listenerPort('127.0.0.1', port)! }
  const socket = connect({ ...where, servername: 'shop.example.com', ca: authority.bundle, ...options })
  let kind = ''
  socket.once('secureConnect', () => {
    kind = socket.getPeerX509Certificate()?.publicKey.asymmetricKeyType ?? ''
  })
  let text = ''
  try {
    for await (const chunk of socket) text += String(chunk)
  } catch {
    return 'refused'
  }
  return text === '' ? 'refused' : `${text} ${kind}`
}

const as = ({ certificateChain, privateKey }: typeof friend): ConnectionOptions => ({
  cert: certificateChain,
  key: privateKey,
})

test('of two certificates the client’s algorithms choose', async () => {
  assert.equal(await call(1, { sigalgs: 'ecdsa_secp256r1_sha256' }), 'shop ec')
  assert.equal(await call(1, { sigalgs: 'rsa_pss_rsae_sha256' }), 'shop rsa')
  assert.equal(await call(6), 'shop rsa')
})

test('the authority of clients is that of the credential, or one that is named apart', async () => {
  assert.deepEqual(
    [await call(2), await call(2, as(friend)), await call(2, as(ecdsa))],
    ['refused', 'shop ec', 'refused'],
  )
  assert.deepEqual(
    [await call(3), await call(3, as(friend)), await call(3, as(rsa))],
    ['shop rsa', 'shop rsa', 'refused'],
  )
})

test('a client is let in by the hash of its certificate, or of its key', async () => {
  for (const port of [4, 5])
    assert.deepEqual([await call(port, as(friend)), await call(port, as(stranger))], ['shop ec', 'refused'])
})

test('a client whose certificate has been revoked is not let in', async () => {
  for (const port of [7, 8])
    assert.deepEqual([await call(port, as(friend)), await call(port, as(stranger))], ['shop rsa', 'refused'])
  assert.equal(await call(2, as(stranger)), 'shop ec')
})
