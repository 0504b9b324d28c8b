// Upgrades and CONNECT through a proxy, and trailers, over real sockets.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import {
  FakeCluster,
  type FakeProxy,
  type FakeProxyOptions,
  forwardRoute,
  PLAIN_HTTP1,
  startFakeProxy,
} from '../../../http/testing/fake-proxy.ts'
import { exchange, RawClient } from '../../../http/testing/raw-client.ts'
import { ok, rawUpstream } from '../../../http/testing/raw-upstream.ts'
import { RESPONSE_FLAG } from '../../../response-flag.ts'
import { HTTP_CONNECTION_MANAGER } from './factory.ts'

const CONFIG = { upgradeConfigs: [{ upgradeType: 'websocket' }, { upgradeType: 'CONNECT' }] }
const UPGRADE = 'GET /chat HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: WebSocket\r\n\r\n'

/** Agrees to every upgrade and CONNECT, and then sends back what it gets. */
let server: Server
let heads: string[] = []

before(async () => {
  server = createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', chunk => {
      const head = chunk.toString('latin1')
      heads.push(head)
      if (head.startsWith('CONNECT')) socket.write('HTTP/1.1 200 OK\r\n\r\n')
      else socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      const rest = head.slice(head.indexOf('\r\n\r\n') + 4)
      if (rest !== '') socket.write(rest)
      socket.on('data', more => void socket.write(more))
      socket.on('end', () => socket.end())
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})

after(() => void server.close())

async function withProxy(options: FakeProxyOptions, use: (proxy: FakeProxy) => Promise<void>): Promise<void> {
  heads = []
  const cluster = new FakeCluster('c', (server.address() as AddressInfo).port)
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters: [cluster], ...options })
  try {
    await use(proxy)
  } finally {
    await proxy.close()
  }
}

/** What has come once `until` is in it. */
async function read(socket: Socket, until: string): Promise<string> {
  let text = ''
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += (chunk as Buffer).toString('latin1')
    if (text.includes(until)) return text
  }
  return text
}

describe('an upgrade', () => {
  test('goes through, and bytes pass both ways until one side ends', () =>
    withProxy({ config: CONFIG }, async proxy => {
      const client = connect(proxy.port, '127.0.0.1')
      client.write(`${UPGRADE}early`)
      const answer = await read(client, 'early')
      assert.match(answer, /^HTTP\/1\.1 101 Switching Protocols\r\n/)
      assert.match(answer, /\r\nconnection: upgrade\r\nupgrade: websocket\r\n/)
      assert.ok(!answer.includes('connection: close'))
      assert.match(heads[0]!, /\r\nconnection: Upgrade\r\nupgrade: WebSocket\r\n/)
      assert.ok(!heads[0]!.includes('transfer-encoding'))
      client.write('GET / HTTP/1.1\r\n\r\n')
      assert.equal(await read(client, '\r\n\r\n'), 'GET / HTTP/1.1\r\n\r\n')
      client.end()
      await once(client, 'close')
      assert.equal(proxy.logs[0]!.responseCode, 101)
      assert.equal(proxy.stats.value('http.test.downstream_rq_active'), 0)
    }))

  test('that config does not name is refused', () =>
    withProxy({}, async proxy => {
      const response = await exchange(proxy.port, UPGRADE)
      assert.equal(response.status, 403)
      assert.equal(response.headers['x-weft-reason'], 'upgrade_failed')
      assert.equal(response.headers['connection'], 'close')
      assert.deepEqual(heads, [])
    }))

  test('that the upstream does not agree to gets its answer, and the connection ends', async () => {
    const upstream = await rawUpstream(() => undefined)
    upstream.server.on('connection', socket => socket.once('data', () => void socket.write(ok('no'))))
    const cluster = new FakeCluster('c', upstream.port)
    await withProxy({ config: CONFIG, clusters: [cluster] }, async proxy => {
      const client = new RawClient(proxy.port).send(UPGRADE)
      const response = await client.response()
      assert.equal(response.status, 200)
      assert.equal(response.body, 'no')
      await client.closed()
    })
    await upstream.close()
  })
})

test('a tunnel that the upstream resets ends as its connection does, UC', async () => {
  const upstream = createServer(socket => {
    socket.on('error', () => {})
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    socket.on('data', chunk => {
      if (chunk.includes('break')) socket.resetAndDestroy()
    })
  })
  upstream.listen(0, '127.0.0.1').unref()
  await once(upstream, 'listening')
  const cluster = new FakeCluster('c', (upstream.address() as AddressInfo).port)
  await withProxy({ config: CONFIG, clusters: [cluster] }, async proxy => {
    const client = connect(proxy.port, '127.0.0.1')
    client.on('error', () => {})
    client.write(UPGRADE)
    await read(client, '\r\n\r\n')
    client.write('break')
    await new Promise(closed => client.once('close', closed).resume())
    assert.equal(proxy.logs[0]!.responseFlags, RESPONSE_FLAG.UC)
    const details = 'upstream_reset_after_response_started{connection_termination}'
    assert.equal(proxy.logs[0]!.responseCodeDetails, details)
  })
  upstream.close()
})

test('CONNECT goes through to an upstream proxy', () =>
  withProxy({ config: CONFIG }, async proxy => {
    const client = connect(proxy.port, '127.0.0.1')
    client.write('CONNECT db:5432 HTTP/1.1\r\nhost: db:5432\r\n\r\n')
    const answer = await read(client, '\r\n\r\n')
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
    assert.ok(!answer.includes('transfer-encoding'))
    assert.match(heads[0]!, /^CONNECT db:5432 HTTP\/1\.1\r\nhost: db:5432\r\n/)
    client.write('hello')
    assert.equal(await read(client, 'hello'), 'hello')
    client.destroy()
  }))

test('CONNECT ends here where the route says so: bytes go to the endpoint as they are, ends one by one', async () => {
  let got = ''
  const target = createServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => {})
    socket.on('data', chunk => {
      got += chunk.toString('latin1')
    })
    socket.on('end', () => void socket.end(`got ${got}`))
  })
  target.listen(0, '127.0.0.1')
  await once(target, 'listening')
  const cluster = new FakeCluster('c', (target.address() as AddressInfo).port)
  const route = forwardRoute('c', { upgrades: new Map([['connect', { enabled: true, terminates: true }]]) })
  await withProxy({ clusters: [cluster], route }, async proxy => {
    const client = connect(proxy.port, '127.0.0.1')
    client.write('CONNECT db:5432 HTTP/1.1\r\nhost: db:5432\r\n\r\nGET / HTTP/1.1\r\n\r\n')
    assert.match(await read(client, '\r\n\r\n'), /^HTTP\/1\.1 200 OK\r\n/)
    while (got === '') await new Promise(resolve => setImmediate(resolve))
    assert.equal(got, 'GET / HTTP/1.1\r\n\r\n')
    client.destroy()
    while (cluster.stats.upstreamCxActive.value > 0) await new Promise(resolve => setImmediate(resolve))
    assert.equal(proxy.logs[0]!.responseCode, 200)
  })
  target.close()
})

test('CONNECT to nobody is told so', () =>
  withProxy(
    {
      clusters: [new FakeCluster('c', 1)],
      route: forwardRoute('c', { upgrades: new Map([['connect', { enabled: true, terminates: true }]]) }),
    },
    async proxy => {
      const response = await exchange(proxy.port, 'CONNECT db:1 HTTP/1.1\r\nhost: db:1\r\n\r\n')
      assert.equal(response.status, 503)
      assert.match(response.body, /remote connection failure/)
    },
  ))

describe('trailers', () => {
  const request = 'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nx-sum: 1\r\n\r\n'
  const response = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-end: 2\r\n\r\n'

  for (const enableTrailers of [true, false]) {
    test(enableTrailers ? 'pass both ways where config lets them' : 'are dropped otherwise, as in Envoy', async () => {
      const upstream = await rawUpstream(() => response)
      const cluster = new FakeCluster('c', upstream.port)
      cluster.http1 = {
        ...PLAIN_HTTP1,
        trailers: enableTrailers,
        limits: { ...PLAIN_HTTP1.limits, trailers: enableTrailers },
      }
      const config = { httpProtocolOptions: { enableTrailers } }
      await withProxy({ config, clusters: [cluster] }, async proxy => {
        const answer = await exchange(proxy.port, request)
        assert.equal(answer.body, 'ok')
        assert.equal(answer.headers['trailer-x-end'], enableTrailers ? '2' : undefined)
        assert.equal(upstream.requests[0]!.body, 'ab')
        assert.equal(upstream.requests[0]!.fields['trailer-x-sum'], enableTrailers ? '1' : undefined)
        assert.equal(proxy.stats.value('http.test.downstream_rq_active'), 0)
      })
      await upstream.close()
    })
  }
})
