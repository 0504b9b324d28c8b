// Upstreams that break the protocol: the client gets a whole answer of the mesh, or a broken one that it can tell is broken,
// and never bytes that would be taken for another response.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HTTP_CONNECTION_MANAGER } from '../../src/data-plane/filters/network/http-connection-manager/factory.ts'
import { FakeCluster, startFakeProxy } from '../../src/data-plane/http/testing/fake-proxy.ts'
import { RawClient } from '../../src/data-plane/http/testing/raw-client.ts'
import { ok, rawUpstream } from '../../src/data-plane/http/testing/raw-upstream.ts'

const BROKEN = '502 upstream_reset_before_response_started{protocol_error}'
const GET = 'GET /a HTTP/1.1\r\nhost: a\r\n\r\n'

const ANSWERS: Readonly<Record<string, readonly [answer: string, gets: string]>> = {
  'a length and chunks': [
    'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    BROKEN,
  ],
  'two lengths': ['HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nokk', BROKEN],
  'a coding that nobody knows': ['HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n', BROKEN],
  'a bare LF': ['HTTP/1.1 200 OK\ncontent-length: 0\r\n\r\n', BROKEN],
  'a folded field': ['HTTP/1.1 200 OK\r\nx: 1\r\n y: 2\r\ncontent-length: 0\r\n\r\n', BROKEN],
  'CR in a value': ['HTTP/1.1 200 OK\r\nx: a\rb\r\ncontent-length: 0\r\n\r\n', BROKEN],
  'a head of 61 KiB': [`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(61 * 1024)}\r\ncontent-length: 0\r\n\r\n`, BROKEN],
  'a 101 that nobody asked for': ['HTTP/1.1 101 Switching Protocols\r\n\r\n', BROKEN],
  'a body with 204': ['HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello', BROKEN],
  'no HTTP': ['SSH-2.0-OpenSSH_9.6\r\n', BROKEN],
  'a second response behind the first': [`${ok('one')}${ok('evil')}`, '200 via_upstream'],
}

for (const [name, [answer, gets]] of Object.entries(ANSWERS)) {
  test(`an upstream that sends ${name}`, async () => {
    let first = true
    const upstream = await rawUpstream(() => {
      const bytes = first ? answer : ok('honest')
      first = false
      return bytes
    })
    const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters: [new FakeCluster('c', upstream.port)] })
    const client = new RawClient(proxy.port).send(GET)
    const { status } = await client.response()
    assert.equal(`${status} ${proxy.logs[0]!.responseCodeDetails}`, gets)
    assert.equal((await client.send(GET).response()).body, 'honest')
    await proxy.close()
    await upstream.close()
  })
}

test('a chunk that breaks off after the response has begun breaks the response off', async () => {
  const upstream = await rawUpstream(() => 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhelloX')
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters: [new FakeCluster('c', upstream.port)] })
  const client = new RawClient(proxy.port).send(GET)
  assert.equal((await client.response()).error, 'cut short')
  await client.closed()
  assert.equal(proxy.logs[0]!.responseCodeDetails, 'upstream_reset_after_response_started{protocol_error}')
  await proxy.close()
  await upstream.close()
})

test('an upstream without end of 1xx is not the client’s to wait for', async () => {
  const interim = 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(1000)
  const upstream = await rawUpstream(() => interim + ok('at last'))
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters: [new FakeCluster('c', upstream.port)] })
  const client = new RawClient(proxy.port).send(GET)
  const response = await client.response()
  assert.equal(response.body, 'at last')
  // proxy_100_continue is off: none is passed on.
  assert.deepEqual(response.interim, [])
  client.socket.destroy()
  await proxy.close()
  await upstream.close()
})
