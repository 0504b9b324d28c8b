// MeshConfig.defaultConfig.proxyHeaders where Istio 1.24 does not know the field, or no recording shows it: by bytes.
import assert from 'node:assert/strict'
import { connect, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { listenOnLoopback } from '../conformance/replay/loopback-network.ts'
import { sidecarBefore } from './one-service.ts'

const RULE = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: default}
spec:
  hosts: [reviews]
  http:
  - rewrite: {authority: elsewhere}
    route: [{destination: {host: reviews}}]
`

/** The request as the upstream read it, and the response as the client did. */
async function exchange(proxyHeaders: string, request: string): Promise<{ request: string; response: string }> {
  let seen = ''
  const upstream = createServer(socket => {
    socket.on('data', bytes => {
      seen += String(bytes)
      if (seen.endsWith('\r\n\r\n')) socket.end('HTTP/1.1 200 OK\r\nX-Own-Field: b\r\nContent-Length: 0\r\n\r\n')
    })
  })
  const { proxy, port } = await sidecarBefore({
    config: RULE,
    mesh: `defaultConfig: {proxyHeaders: {${proxyHeaders}}}`,
    endpoint: await listenOnLoopback(upstream),
  })
  try {
    const socket = connect(port, '127.0.0.1')
    socket.write(request)
    return { response: await text(socket), request: seen }
  } finally {
    await proxy.stop()
    upstream.close()
  }
}

const REQUEST = 'GET / HTTP/1.1\r\nHost: reviews:7080\r\nX-Own-Field: a\r\nConnection: close\r\n\r\n'

test('names of fields keep their letters, both ways, where the mesh says so', async () => {
  const kept = await exchange('preserveHttp1HeaderCase: true', REQUEST)
  assert.match(kept.request, /\r\nX-Own-Field: a\r\n/)
  assert.match(kept.response, /\r\nX-Own-Field: b\r\n/)
  const lowered = await exchange('', REQUEST)
  assert.match(lowered.request, /\r\nx-own-field: a\r\n/)
  assert.match(lowered.response, /\r\nx-own-field: b\r\n/)
})

test('the host that was rewritten, and the port that was called, are told where the mesh says so', async () => {
  const { request } = await exchange('xForwardedHost: {enabled: true}, xForwardedPort: {enabled: true}', REQUEST)
  assert.match(request, /^host: elsewhere\r$/m)
  assert.match(request, /^x-forwarded-host: reviews:7080\r$/m)
  assert.match(request, /^x-forwarded-port: \d+\r$/m)
  const silent = await exchange('', REQUEST)
  assert.doesNotMatch(silent.request, /x-forwarded-(host|port)/)
})

test('a request without an id gets one, unless the mesh says otherwise', async () => {
  assert.match((await exchange('', REQUEST)).request, /^x-request-id: /m)
  assert.doesNotMatch((await exchange('requestId: {disabled: true}', REQUEST)).request, /x-request-id/)
})
