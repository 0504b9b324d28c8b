// TLS that a sidecar begins for its application (DestinationRule tls), from YAML to sockets.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { get } from 'node:http'
import { createServer as createSecureServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { TestAuthority } from '../../src/transport/tls/certificate-fixture.ts'
import type { KeyPair } from '../../src/transport/tls/secure-context.ts'
import { startEmitted } from './emitted-proxy.ts'

const authority = await TestAuthority.create()
const other = await TestAuthority.create('CN=another authority')
const [ofBank, ofClient] = await Promise.all([
  authority.issue({ names: [{ type: 'dns', value: 'bank.example.com' }] }),
  authority.issue({ names: [], subject: 'CN=client' }),
])
const closers: (() => unknown)[] = []
after(async () => {
  for (const close of closers) await close()
})

/** Answers with the server name and the certificate that it was called with. */
async function bank({ certificateChain, privateKey }: KeyPair): Promise<number> {
  const options = {
    cert: certificateChain,
    key: privateKey,
    ca: authority.bundle,
    requestCert: true,
    rejectUnauthorized: false,
  }
  const server: Server = createSecureServer(options, (request, response) => {
    const socket = request.socket as TLSSocket
    response.end(`${socket.servername || 'no name'}, ${socket.getPeerX509Certificate()?.subject ?? 'no certificate'}`)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

const port = await bank(ofBank)
const upstreams = new Map([
  ['10.0.0.1:443', port],
  ['bank.example.com:443', port],
  ['shop.example.com:443', port],
])
const files = new Map([
  ['ca.crt', authority.bundle],
  ['other.crt', other.bundle],
  ['client.crt', ofClient.certificateChain],
  ['client.key', ofClient.privateKey],
  ['bank/tls.crt', ofClient.certificateChain],
  ['bank/tls.key', ofClient.privateKey],
  ['bank/ca.crt', authority.bundle],
  ['system', authority.bundle],
])

/** What the bank says, or the sidecar's status and why, under a rule's `tls`. */
async function under(tls: string, host = 'bank.example.com', entry = ''): Promise<string> {
  const config = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: bank}
spec:
  hosts: ["${host}"]
  ports: [{number: 80, name: http, protocol: HTTP, targetPort: 443}]
  resolution: STATIC
  endpoints: [{address: 10.0.0.1}]
${entry}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: bank}
spec: {host: "${host}", trafficPolicy: {tls: ${tls}}}
`
  const workload = { name: 'app', proxy: { kind: 'sidecar', bindAddress: '127.0.0.1' } } as const
  const proxy = await startEmitted({ config, workload, upstreams, authority, files })
  try {
    const port = proxy.network.listenerPort('127.0.0.1', 80)!
    const headers = { host: host.replace('*', 'bank') }
    const [response] = await once(get({ host: '127.0.0.1', port, headers, agent: false }), 'response')
    let body = ''
    for await (const chunk of response) body += String(chunk)
    return response.statusCode === 200 ? body : String(response.statusCode)
  } finally {
    await proxy.close()
  }
}

test('SIMPLE sends the host as server name, and believes the authorities that are named, else the system’s', async () => {
  assert.equal(await under('{mode: SIMPLE, caCertificates: ca.crt}'), 'bank.example.com, no certificate')
  assert.equal(await under('{mode: SIMPLE}'), 'bank.example.com, no certificate')
  assert.equal(await under('{mode: SIMPLE, caCertificates: other.crt}'), '503')
  assert.equal(await under('{mode: SIMPLE, caCertificates: nowhere.crt}'), '503')
  assert.equal(
    await under('{mode: SIMPLE, caCertificates: other.crt, insecureSkipVerify: true}'),
    'bank.example.com, no certificate',
  )
})

test('the name that is expected is that of the rule, of the ServiceEntry, or the host', async () => {
  assert.equal(await under('{mode: SIMPLE}', 'shop.example.com'), '503')
  const named = '{mode: SIMPLE, subjectAltNames: [bank.example.com]}'
  assert.equal(await under(named, 'shop.example.com'), 'shop.example.com, no certificate')
  const entry = '  subjectAltNames: [bank.example.com]'
  assert.equal(await under('{mode: SIMPLE}', 'shop.example.com', entry), 'shop.example.com, no certificate')
  assert.equal(await under('{mode: SIMPLE, subjectAltNames: [shop.example.com]}'), '503')
  const both = '{mode: SIMPLE, sni: a.example.com, subjectAltNames: [bank.example.com]}'
  assert.equal(await under(both), 'a.example.com, no certificate')
  assert.equal(await under('{mode: SIMPLE}', '*.example.com'), 'no name, no certificate')
  assert.equal(await under('{mode: SIMPLE}', '*.example.org'), '503')
})

/** What a request for a host within `*.example.com` gets, which nobody has spelt out. */
async function within(
  tls: string,
  host: string,
  resolution: string,
  kind: 'sidecar' | 'http-proxy' | 'router',
): Promise<string> {
  const config = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: any}
spec:
  hosts: ["*.example.com"]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: ${resolution}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: any}
spec: {host: "*.example.com", trafficPolicy: {tls: ${tls}}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec: {servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: any}
spec: {hosts: ["*.example.com"], gateways: [edge], http: [{route: [{destination: {host: "*.example.com"}}]}]}
`
  const proxy = { kind: kind === 'router' ? kind : 'sidecar', bindAddress: '127.0.0.1' } as const
  const meshConfig = { proxyHttpPort: kind === 'http-proxy' ? 80 : 0 }
  const running = await startEmitted({
    config,
    workload: { name: 'app', proxy },
    upstreams,
    authority,
    files,
    meshConfig,
  })
  try {
    const listening = running.network.listenerPort('127.0.0.1', 80)!
    const [response] = await once(
      get({ host: '127.0.0.1', port: listening, headers: { host }, agent: false }),
      'response',
    )
    let body = ''
    for await (const chunk of response) body += String(chunk)
    return response.statusCode === 200 ? body : String(response.statusCode)
  } finally {
    await running.close()
  }
}

test('where each request names its host, that is the server name, and what the certificate must have', async () => {
  for (const [kind, resolution] of [
    ['sidecar', 'DYNAMIC_DNS'],
    ['router', 'DYNAMIC_DNS'],
    ['http-proxy', 'DYNAMIC_DNS'],
    ['http-proxy', 'NONE'],
  ] as const) {
    const ask = (tls: string, host: string): Promise<string> => within(tls, host, resolution, kind)
    assert.equal(
      await ask('{mode: SIMPLE}', 'bank.example.com'),
      'bank.example.com, no certificate',
      `${kind} ${resolution}`,
    )
    assert.equal(await ask('{mode: SIMPLE}', 'shop.example.com'), '503', `${kind} ${resolution}`)
  }
  const named = '{mode: SIMPLE, subjectAltNames: [bank.example.com]}'
  assert.equal(await within(named, 'shop.example.com', 'DYNAMIC_DNS', 'sidecar'), 'shop.example.com, no certificate')
  assert.equal(await within('{mode: SIMPLE}', 'nobody.example.com', 'DYNAMIC_DNS', 'sidecar'), '503')
})

test('MUTUAL shows a certificate, from files or of a credential', async () => {
  const filed = '{mode: MUTUAL, clientCertificate: client.crt, privateKey: client.key, caCertificates: ca.crt}'
  assert.equal(await under(filed), 'bank.example.com, CN=client')
  assert.equal(await under('{mode: MUTUAL, credentialName: bank}'), 'bank.example.com, CN=client')
  assert.equal(await under('{mode: SIMPLE, credentialName: bank}'), 'bank.example.com, no certificate')
  assert.equal(await under('{mode: MUTUAL, credentialName: nobody}'), '503')
})
