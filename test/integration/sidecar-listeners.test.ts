// A Sidecar's listeners, from YAML to sockets, where no recording of Istio reaches: behind an HTTP proxy port, with a
// workload's three port numbers, and with TLS of their own.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import { request as secureRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { TestAuthority } from '../../src/transport/tls/certificate-fixture.ts'
import { type EmittedProxy, type EmittedProxyOptions, startEmitted } from './emitted-proxy.ts'

const authority = await TestAuthority.create()
const closers: (() => unknown)[] = []
after(async () => {
  for (const close of closers) await close()
})

async function upstream(name: string, isSlow = false): Promise<number> {
  const server = createServer((_, response) => {
    if (!isSlow) response.end(name)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

const upstreams = new Map([
  ['10.0.0.1:80', await upstream('a')],
  ['10.0.0.1:81', await upstream('a, other port')],
  ['10.0.0.2:80', await upstream('b')],
  ['10.0.0.2:82', await upstream('b, other port')],
  ['127.0.0.1:30001', await upstream('application')],
  ['127.0.0.1:30002', await upstream('second application')],
  ['127.0.0.1:30003', await upstream('slow application', true)],
])

const SERVICES = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: a}
spec:
  hosts: [a.example.com]
  ports: [{number: 80, name: http, protocol: HTTP}, {number: 81, name: http-2, protocol: HTTP}]
  resolution: STATIC
  endpoints: [{address: 10.0.0.1}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: b}
spec:
  hosts: [b.example.com]
  ports: [{number: 80, name: http, protocol: HTTP}, {number: 82, name: http-2, protocol: HTTP}]
  resolution: STATIC
  endpoints: [{address: 10.0.0.2}]
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec: {mtls: {mode: DISABLE}}
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: default}
spec:`

async function start(
  sidecar: string,
  options: Partial<EmittedProxyOptions> = {},
): Promise<(address: string, port: number, url: string) => Promise<string>> {
  const workload = { name: 'app', proxy: { kind: 'sidecar', bindAddress: '127.0.0.1' } } as const
  const proxy: EmittedProxy = await startEmitted({
    config: `${SERVICES}${sidecar}`,
    workload,
    upstreams,
    authority,
    ...options,
  })
  closers.push(() => proxy.close())
  return (address, port, url) => {
    const bound = proxy.network.listenerPort(address, port)
    return bound === undefined ? Promise.resolve('refused') : get(bound, url)
  }
}

/** Status and body; with a whole URL as its target, as clients of HTTP proxies have it. */
function get(port: number, url: string): Promise<string> {
  return new Promise((done, fail) => {
    const { host, protocol } = new URL(url)
    const answered = async (response: IncomingMessage): Promise<void> => {
      let body = ''
      for await (const chunk of response) body += String(chunk)
      done(`${response.statusCode} ${body}`)
    }
    const options = { host: '127.0.0.1', port, path: url, headers: { host }, agent: false }
    const outgoing =
      protocol === 'https:'
        ? secureRequest({ ...options, path: '/', servername: 'app.example.com', ca: authority.bundle }, answered)
        : request(options, answered)
    outgoing.on('error', fail).end()
  })
}

const PROXY = { meshConfig: { proxyHttpPort: 15080, outboundTrafficPolicy: 'REGISTRY_ONLY' } } as const

test('behind an HTTP proxy port, the listener that has the port a request names says what it sees', async () => {
  const send = await start(
    `
  egress:
  - port: {number: 80, protocol: HTTP, name: http}
    hosts: ["./a.example.com"]
  - hosts: ["./*"]
`,
    PROXY,
  )
  const through = (url: string): Promise<string> => send('127.0.0.1', 15080, url)
  assert.equal(await through('http://a.example.com/'), '200 a')
  assert.equal((await through('http://b.example.com/')).slice(0, 3), '502')
  assert.equal(await through('http://a.example.com:81/'), '200 a, other port')
  assert.equal(await through('http://b.example.com:82/'), '200 b, other port')
  // The port itself stands for interception: nothing else is bound, unless it is asked for.
  assert.equal(await send('127.0.0.1', 80, 'http://a.example.com/'), 'refused')
})

test('captureMode NONE binds a listener beside the HTTP proxy port', async () => {
  const send = await start(
    `
  egress:
  - port: {number: 80, protocol: HTTP, name: http}
    bind: 127.0.0.9
    captureMode: NONE
    hosts: ["./a.example.com"]
`,
    PROXY,
  )
  assert.equal(await send('127.0.0.9', 80, 'http://a.example.com/'), '200 a')
  assert.equal(await send('127.0.0.1', 15080, 'http://a.example.com/'), '200 a')
  assert.equal((await send('127.0.0.1', 15080, 'http://a.example.com:81/')).slice(0, 3), '502')
})

test('a listener of protocol HTTP_PROXY is one for every port of its hosts, and hosts can be left out', async () => {
  const send = await start(
    `
  egress:
  - port: {number: 3128, protocol: HTTP_PROXY, name: proxy}
    hosts: ["*/*", "~/b.example.com"]
`,
    { meshConfig: { outboundTrafficPolicy: 'REGISTRY_ONLY' } },
  )
  assert.equal(await send('127.0.0.1', 3128, 'http://a.example.com/'), '200 a')
  assert.equal(await send('127.0.0.1', 3128, 'http://a.example.com:81/'), '200 a, other port')
  assert.equal((await send('127.0.0.1', 3128, 'http://b.example.com/')).slice(0, 3), '502')
})

const APPLICATION = {
  name: 'app',
  address: '127.0.0.1',
  applicationAddress: '127.0.0.1',
  ports: [
    { name: 'http', number: 9080, applicationPort: 30_001, inboundPort: 21_000 },
    { name: 'http-second', number: 9081, applicationPort: 30_002, inboundPort: 21_001 },
  ],
  proxy: { kind: 'sidecar', bindAddress: '127.0.0.1' },
} as const

test('an ingress listener is that of the declared port, and names endpoints by the numbers of the workload', async () => {
  const send = await start(
    `
  ingress:
  - port: {number: 9080, protocol: HTTP, name: http}
    defaultEndpoint: 127.0.0.1:9081
  - port: {number: 9090, protocol: HTTP, name: http-third}
    bind: 127.0.0.9
    defaultEndpoint: 127.0.0.1:30001
  - port: {number: 9091, protocol: HTTP, name: http-itself}
    defaultEndpoint: 127.0.0.1:9091
`,
    { workload: APPLICATION },
  )
  assert.equal(await send('127.0.0.1', 21_000, 'http://app/'), '200 second application')
  assert.equal(await send('127.0.0.1', 21_001, 'http://app/'), '200 second application')
  assert.equal(await send('127.0.0.9', 9090, 'http://app/'), '200 application')
  assert.equal((await send('127.0.0.1', 9091, 'http://app/')).slice(0, 3), '503')
})

test('an ingress listener ends TLS of its own where the mesh’s is off', async () => {
  const { certificateChain, privateKey } = await authority.issue({ names: [{ type: 'dns', value: 'app.example.com' }] })
  const files = new Map([
    ['app.crt', certificateChain],
    ['app.key', privateKey],
  ])
  const sidecar = `
  ingress:
  - port: {number: 9080, protocol: HTTPS, name: https}
    tls: {mode: SIMPLE, serverCertificate: app.crt, privateKey: app.key}
`
  const send = await start(sidecar, { workload: APPLICATION, files })
  assert.equal(await send('127.0.0.1', 21_000, 'https://app/'), '200 application')
  await assert.rejects(send('127.0.0.1', 21_000, 'http://app/'))
})

test('the pool of an ingress listener holds before that of the Sidecar', async () => {
  const send = await start(
    `
  ingress:
  - port: {number: 9080, protocol: HTTP, name: http}
    defaultEndpoint: 127.0.0.1:30003
    connectionPool: {http: {http2MaxRequests: 1}}
  - port: {number: 9090, protocol: HTTP, name: http}
    defaultEndpoint: 127.0.0.1:30003
  inboundConnectionPool: {http: {http2MaxRequests: 2}}
`,
    { workload: APPLICATION },
  )
  const firstStatus = (port: number, calls: number): Promise<string> =>
    Promise.race(Array.from({ length: calls }, () => send('127.0.0.1', port, 'http://app/').catch(() => 'closed')))
  assert.equal((await firstStatus(21_000, 2)).slice(0, 3), '503')
  assert.equal((await firstStatus(9090, 3)).slice(0, 3), '503')
})
