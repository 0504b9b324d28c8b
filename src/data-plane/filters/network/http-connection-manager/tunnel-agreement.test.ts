// Before the upstream has agreed to a tunnel, what a client sends behind its request is nobody's: an upstream that did not
// agree would read it as the next request, which no route and no policy has seen.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { FakeCluster, type FakeProxy, startFakeProxy } from '../../../http/testing/fake-proxy.ts'
import { HTTP_CONNECTION_MANAGER } from './factory.ts'

const CONFIG = {
  upgradeConfigs: [{ upgradeType: 'websocket' }, { upgradeType: 'CONNECT' }],
  http2ProtocolOptions: { allowConnect: true },
}
const EVIL = 'GET /admin HTTP/1.1\r\nhost: internal\r\n\r\n'
const AGREED = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'

interface Scene {
  readonly proxy: FakeProxy
  readonly cluster: FakeCluster
  /** All that the upstream has got. */
  got(): string
  answer(text: string): void
  /** The upstream has seen the connection's end. */
  ended(): boolean
}

async function withUpstream(use: (scene: Scene) => Promise<void>): Promise<void> {
  let got = ''
  let ended = false
  const sockets: Socket[] = []
  const server = createServer({ allowHalfOpen: true }, socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', chunk => {
      got += chunk.toString('latin1')
    })
    socket.on('end', () => {
      ended = true
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cluster = new FakeCluster('c', (server.address() as AddressInfo).port)
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters: [cluster], config: CONFIG })
  try {
    await use({ proxy, cluster, got: () => got, answer: text => void sockets[0]!.write(text), ended: () => ended })
  } finally {
    await proxy.close()
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setImmediate(resolve))
}

const REQUESTS = {
  'an upgrade': ['GET /chat HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n', AGREED],
  CONNECT: ['CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\n'],
} as const

for (const [name, [request, agreement]] of Object.entries(REQUESTS)) {
  for (const apart of [false, true]) {
    test(`${name}: bytes behind it wait${apart ? ', sent apart,' : ''} until the upstream agrees`, () =>
      withUpstream(async ({ proxy, cluster, got, answer }) => {
        const client = connect(proxy.port, '127.0.0.1')
        client.write(apart ? request : request + EVIL)
        await until(() => got().endsWith('\r\n\r\n'))
        if (apart) {
          client.write(EVIL)
          const received = proxy.stats.value('http.test.downstream_cx_rx_bytes_total')
          await until(() => proxy.stats.value('http.test.downstream_cx_rx_bytes_total') > received)
        }
        const head = got()
        assert.equal(cluster.stats.upstreamCxTxBytesTotal.value, 0)
        assert.ok(!head.includes('/admin'))
        answer(agreement)
        await until(() => got().length > head.length)
        assert.equal(got().slice(head.length), EVIL)
        client.destroy()
      }))
  }

  test(`${name}: bytes behind it are dropped when the upstream answers something else`, () =>
    withUpstream(async ({ proxy, got, answer }) => {
      const client = connect(proxy.port, '127.0.0.1')
      client.resume()
      client.write(request + EVIL)
      await until(() => got().endsWith('\r\n\r\n'))
      // A body without end: there is time to send it all.
      answer('HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n')
      await once(client, 'data')
      client.write(EVIL)
      answer('0\r\n\r\n')
      await once(client, 'close')
      await until(() => proxy.stats.value('http.test.downstream_rq_active') === 0)
      assert.ok(!got().includes('/admin'))
    }))
}

test('an extended CONNECT: neither bytes nor a length go ahead of the agreement, and its end is the end', () =>
  withUpstream(async ({ proxy, got, answer, ended }) => {
    const session = connectHttp2(`http://127.0.0.1:${proxy.port}`)
    await once(session, 'remoteSettings')
    const stream = session.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': '/chat',
      ':authority': 'a',
      ':scheme': 'http',
      'content-length': String(EVIL.length),
    })
    stream.end(EVIL)
    await until(() => got().endsWith('\r\n\r\n'))
    const received = (): number => proxy.stats.value('http.test.downstream_cx_rx_bytes_total')
    await until(() => received() > EVIL.length)
    await new Promise(resolve => setImmediate(resolve))
    const head = got()
    assert.match(head, /^GET \/chat HTTP\/1\.1\r\n/)
    assert.ok(!head.includes('/admin') && !head.includes('content-length'))
    answer(AGREED)
    await until(ended)
    assert.equal(got().slice(head.length), EVIL)
    answer('bye')
    assert.equal(String((await once(stream, 'data'))[0]), 'bye')
    session.destroy()
  }))
