// A response that begins while the request is still arriving ends an HTTP/1.1 connection, and says so: as in Envoy.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { FakeCluster, startFakeProxy } from '../../../http/testing/fake-proxy.ts'
import { RawClient } from '../../../http/testing/raw-client.ts'
import { HTTP_CONNECTION_MANAGER } from './factory.ts'

const CASES = [
  { what: 'with a length', response: 'HTTP/1.1 403 No\r\ncontent-length: 2\r\n\r\nno', rest: '', end: '' },
  { what: 'in chunks', response: 'HTTP/1.1 403 No\r\ntransfer-encoding: chunked\r\n\r\n', rest: '', end: '0\r\n\r\n' },
  { what: 'that ends after it', response: 'HTTP/1.1 403 No\r\ncontent-length: 2\r\n\r\n', rest: 'def', end: 'no' },
]

for (const { what, response, rest, end } of CASES) {
  test(`a response ${what}`, async () => {
    const sockets: Socket[] = []
    const server = createServer(socket => {
      sockets.push(socket)
      let text = ''
      socket.on('error', () => {})
      socket.on('data', chunk => {
        const before = text
        text += chunk.toString('latin1')
        if (before === '') socket.write(response)
        if (text.endsWith(`abc${rest}`)) socket.write(end)
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const cluster = new FakeCluster('c', (server.address() as AddressInfo).port)
    const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters: [cluster] })
    try {
      const client = new RawClient(proxy.port)
      client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nabc')
      const begun = 'http.test.downstream_rq_response_before_rq_complete'
      while (proxy.stats.value(begun) === 0) await new Promise(setImmediate)
      client.send(rest)
      const { status, headers } = await client.response()
      assert.equal(status, 403)
      assert.equal(headers['connection'], 'close')
      await client.closed()
      assert.equal(proxy.stats.value(begun), 1)
    } finally {
      await proxy.close()
      for (const socket of sockets) socket.destroy()
      server.close()
    }
  })
}
