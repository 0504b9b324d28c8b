// Over TLS, where a write is never done at once: blocks of the writer must not be used again before their bytes are gone.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { createServer } from 'node:tls'
import { TestAuthority } from '../tls/certificate-fixture.ts'
import { ENVOY_HTTP2_SETTINGS } from './session-options.ts'
import { EchoSession } from './testing/echo-server.ts'

test('many bodies at once over several connections come back as they were', async t => {
  const authority = await TestAuthority.create()
  const { privateKey, certificateChain } = await authority.issue({ names: [{ type: 'dns', value: 'localhost' }] })
  const server = createServer({ key: privateKey, cert: certificateChain, ALPNProtocols: ['h2'] }, socket => {
    socket.on('end', () => socket.destroy())
    new EchoSession(socket, ENVOY_HTTP2_SETTINGS)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const url = `https://localhost:${(server.address() as AddressInfo).port}`
  const clients = Array.from({ length: 3 }, () => http2.connect(url, { ca: authority.bundle }))
  t.after(() => {
    for (const client of clients) client.destroy()
  })
  const fetch = async (client: http2.ClientHttp2Session, index: number): Promise<void> => {
    const body = Buffer.alloc((index * 7919) % 40_000, index)
    const request = client.request({ ':method': 'POST', ':path': `/${index}`, 'x-index': `${index}` })
    request.end(body)
    const [headers] = (await once(request, 'response')) as [http2.IncomingHttpHeaders]
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    assert.equal(headers['x-index'], `${index}`)
    assert.ok(Buffer.concat(chunks).equals(body), `body ${index}`)
  }
  for (let round = 0; round < 5; round++) {
    const fetches: Promise<void>[] = []
    for (let i = 0; i < 60; i++) fetches.push(fetch(clients[i % 3]!, round * 60 + i))
    await Promise.all(fetches)
  }
})
