// TCP through the proxy on real sockets: bytes, FINs, resets, time-outs, tries, limits, and what is logged of them.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, Socket } from 'node:net'
import { after, test } from 'node:test'
import { FakeClock } from '../../../../base/clock.ts'
import { Uint64 } from '../../../../base/uint64.ts'
import { xxHash64 } from '../../../../base/xx-hash64.ts'
import { freePort } from '../../../../transport/net/testing/free-port.ts'
import { ACCESS_LOG_TYPE } from '../../../access-log-type.ts'
import type { Endpoint, PickContext } from '../../../cluster/cluster.ts'
import { FakeCluster, fakeEndpoint, NO_LIMITS } from '../../../http/testing/fake-proxy.ts'
import { formatConnectionFlags } from '../../../response-flag.ts'
import type { UpstreamTransport } from '../../../upstream-transport.ts'
import {
  dial,
  echo,
  read,
  readAll,
  startTcpProxy,
  startUpstream,
  type TestProxy,
  type TestProxyOptions,
  type TestUpstream,
  until,
} from './tcp-proxy-fixture.ts'

const opened: { close(): void }[] = []
after(() => {
  for (const each of opened) each.close()
})

async function upstream(onConnection: (socket: Socket) => void): Promise<TestUpstream> {
  const started = await startUpstream(onConnection)
  opened.push(started)
  return started
}

async function proxy(options: TestProxyOptions): Promise<TestProxy> {
  const started = await startTcpProxy(options)
  opened.push(started)
  return started
}

const SILENT: UpstreamTransport = {
  name: 'raw_buffer',
  // A connection attempt that is never answered.
  connect: () => new Socket(),
}

test('bytes go both ways, a FIN goes on, and all is counted and logged', async () => {
  const server = await upstream(echo)
  const cluster = new FakeCluster('echo', server.port)
  const { port, stats, logged, filter } = await proxy({ clusters: [cluster] })
  const client = dial(port)
  client.end('hello')
  assert.deepEqual(await readAll(client), { text: 'hello', end: 'end' })
  const info = await logged()
  assert.equal(info.bytesReceived, 5)
  assert.equal(info.bytesSent, 5)
  assert.equal(info.responseCode, 0)
  assert.equal(info.protocol, '')
  assert.equal(info.upstreamHost, `127.0.0.1:${server.port}`)
  assert.equal(info.upstreamCluster, 'echo')
  assert.match(info.upstream!.localAddress, /^127\.0\.0\.1:\d+$/)
  assert.equal(info.attemptCount, 1)
  assert.equal(formatConnectionFlags(info.responseFlags), '-')
  assert.equal(stats.value('tcp.test.downstream_cx_total'), 1)
  assert.equal(stats.value('tcp.test.downstream_cx_rx_bytes_total'), 5)
  assert.equal(stats.value('tcp.test.downstream_cx_tx_bytes_total'), 5)
  await until(() => cluster.counts.value('upstreamCxActive') === 0)
  assert.equal(cluster.counts.value('upstreamCxTotal'), 1)
  assert.equal(cluster.counts.value('upstreamCxTxBytesTotal'), 5)
  assert.equal(cluster.counts.value('upstreamRqActive'), 0)
  assert.equal(cluster.counts.value('upstreamCxDestroyRemoteWithActiveRq'), 1)
  assert.equal(cluster.endpoints[0]!.activeRequests, 0)
  assert.equal(filter.activeConnections, 0)
})

test('a connection is logged as soon as its endpoint is reached, in between, and at its end, where config says so', async () => {
  const server = await upstream(echo)
  const clock = new FakeClock()
  const interval = { seconds: 60n, nanos: 0 }
  const config = { accessLogOptions: { flushAccessLogOnConnected: true, accessLogFlushInterval: interval } }
  const { port, logged } = await proxy({ clusters: [new FakeCluster('c', server.port)], clock, config })
  const client = dial(port)
  const connected = await logged()
  assert.equal(connected.logType, ACCESS_LOG_TYPE.tcpUpstreamConnected)
  assert.notEqual(connected.upstream, null)
  clock.advance(60_000)
  assert.equal((await logged()).logType, ACCESS_LOG_TYPE.tcpPeriodic)
  client.end()
  await readAll(client)
  assert.equal((await logged()).logType, ACCESS_LOG_TYPE.tcpConnectionEnd)
})

test('a server that speaks first needs no byte of the client', async () => {
  const server = await upstream(socket => socket.write('220 ready'))
  const { port } = await proxy({ clusters: [new FakeCluster('smtp', server.port)] })
  const client = dial(port)
  assert.equal(await read(client, 9), '220 ready')
  client.destroy()
})

test('each direction ends by itself: after the FIN of one side the other side goes on', async () => {
  const server = await upstream(socket => socket.end('hi'))
  const { port, logged } = await proxy({ clusters: [new FakeCluster('c', server.port)] })
  const client = dial(port)
  assert.equal((await readAll(client)).text, 'hi')
  const [behind] = server.sockets as [Socket]
  client.write('after')
  assert.equal(await read(behind, 5), 'after')
  client.end('more')
  assert.equal((await readAll(behind)).text, 'more')
  const info = await logged()
  assert.deepEqual([info.bytesReceived, info.bytesSent], [9, 2])
})

test('a reset by the upstream is a reset for the downstream, UR', async () => {
  const server = await upstream(socket => socket.once('data', () => socket.resetAndDestroy()))
  const { port, logged } = await proxy({ clusters: [new FakeCluster('c', server.port)] })
  const client = dial(port)
  client.write('x')
  assert.equal((await readAll(client)).end, 'ECONNRESET')
  assert.equal(formatConnectionFlags((await logged()).responseFlags), 'UR')
})

test('a reset by the downstream is a reset for the upstream', async () => {
  let failure: NodeJS.ErrnoException | null = null
  const server = await upstream(socket => {
    socket.on('error', error => {
      failure = error
    })
    echo(socket)
  })
  const cluster = new FakeCluster('c', server.port)
  const { port, logged } = await proxy({ clusters: [cluster] })
  const client = dial(port)
  client.write('abc')
  await read(client, 3)
  const closed = new Promise(done => server.sockets[0]!.once('close', done))
  client.resetAndDestroy()
  await closed
  assert.equal((failure as NodeJS.ErrnoException | null)?.code, 'ECONNRESET')
  assert.equal(formatConnectionFlags((await logged()).responseFlags), '-')
  await until(() => cluster.counts.value('upstreamCxActive') === 0)
  assert.equal(cluster.counts.value('upstreamCxDestroyLocalWithActiveRq'), 1)
})

test('the upstream of a tunnel over HTTP/1.1 ends it with a FIN: what it said is heard, and that is no reset', async () => {
  const said = 'x'.repeat(300_000)
  const server = await upstream(socket => socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n\r\n${said}`)))
  const config = { tunnelingConfig: { hostname: 'far.test:443' } }
  const { port, logged } = await proxy({ clusters: [new FakeCluster('c', server.port)], config })
  assert.deepEqual(await readAll(dial(port)), { text: said, end: 'end' })
  assert.equal(formatConnectionFlags((await logged()).responseFlags), '-')
})

test('an unknown cluster, one without endpoints, and one at its limits: closed, each with its flag and counter', async () => {
  const server = await upstream(echo)
  const full = new FakeCluster('full', server.port)
  full.limits = { ...NO_LIMITS, maxConnections: 1 }
  const closed = new FakeCluster('closed', server.port)
  closed.limits = { ...NO_LIMITS, maxPendingRequests: 0 }
  const empty = new FakeCluster('empty')
  const cases: readonly [string, FakeCluster[], string][] = [
    ['nosuch', [], 'NC'],
    ['empty', [empty], 'UH'],
    ['closed', [closed], 'URX'],
  ]
  for (const [value, clusters, flag] of cases) {
    const refusing = await proxy({ clusters, config: { clusterSpecifier: { case: 'cluster', value } } })
    assert.equal((await readAll(dial(refusing.port))).end, 'end', value)
    assert.equal(formatConnectionFlags((await refusing.logged()).responseFlags), flag)
    assert.equal(refusing.stats.value('tcp.test.downstream_cx_no_route'), flag === 'NC' ? 1 : 0)
  }
  assert.equal(empty.counts.value('upstreamCxNoneHealthy'), 1)
  assert.equal(closed.counts.value('upstreamRqPendingOverflow'), 1)

  const limited = await proxy({ clusters: [full] })
  const first = dial(limited.port)
  first.write('x')
  await read(first, 1)
  assert.equal((await readAll(dial(limited.port))).end, 'end')
  assert.equal(formatConnectionFlags((await limited.logged()).responseFlags), 'UO')
  assert.equal(full.counts.value('upstreamCxOverflow'), 1)
  first.end()
  await limited.logged()
  const third = dial(limited.port)
  third.write('y')
  assert.equal(await read(third, 1), 'y')
  third.destroy()
})

test('who is refused unread is reset, as by the system, and told so', async () => {
  const cluster = new FakeCluster('c', await freePort())
  const proxy = await startTcpProxy({ clusters: [cluster] })
  opened.push(proxy)
  const ends: string[] = []
  for (const bytes of ['', 'hello']) {
    const client = connect({ port: proxy.port, host: '127.0.0.1' })
    let end = 'closed'
    client.on('error', (error: NodeJS.ErrnoException) => {
      end = error.code ?? ''
    })
    if (bytes !== '') client.write(bytes)
    client.resume()
    await new Promise(resolve => client.once('close', resolve))
    ends.push(end)
  }
  assert.deepEqual(ends, ['closed', 'ECONNRESET'])
})

test('a refused connection: UF,URX after the tries that config allows, the reason told', async () => {
  const port = await freePort()
  const cluster = new FakeCluster('c', port)
  const refusing = await proxy({ clusters: [cluster], config: { maxConnectAttempts: 3 } })
  assert.equal((await readAll(dial(refusing.port))).end, 'end')
  const info = await refusing.logged()
  assert.equal(formatConnectionFlags(info.responseFlags), 'UF,URX')
  assert.equal(info.attemptCount, 3)
  assert.equal(info.upstreamHost, `127.0.0.1:${port}`)
  assert.equal(info.upstreamTransportFailureReason, 'delayed_connect_error:_Connection_refused')
  assert.equal(cluster.counts.value('upstreamCxConnectFail'), 3)
  assert.equal(cluster.counts.value('upstreamCxConnectAttemptsExceeded'), 1)
  assert.equal(cluster.counts.value('upstreamRqPendingActive'), 0)
  assert.equal(cluster.counts.value('upstreamCxActive'), 0)
})

test('the next try is on another endpoint, after a refusal as after a time-out', async () => {
  const server = await upstream(echo)
  const clock = new FakeClock()
  const cluster = new FakeCluster('c')
  cluster.endpoints = [fakeEndpoint(1, SILENT), fakeEndpoint(await freePort()), fakeEndpoint(server.port)]
  const dialled = new Promise<void>(resolve => {
    const { connect } = SILENT
    cluster.endpoints[0] = fakeEndpoint(1, {
      name: 'raw_buffer',
      connect(...all) {
        resolve()
        return connect(...all)
      },
    })
  })
  const { port, logged } = await proxy({ clusters: [cluster], clock, config: { maxConnectAttempts: 3 } })
  const client = dial(port)
  client.end('hello')
  await dialled
  clock.advance(5010)
  assert.equal((await readAll(client)).text, 'hello')
  const info = await logged()
  assert.equal(formatConnectionFlags(info.responseFlags), 'UF')
  assert.deepEqual([info.attemptCount, info.upstreamHost], [3, `127.0.0.1:${server.port}`])
  assert.equal(cluster.counts.value('upstreamCxConnectTimeout'), 1)
  assert.equal(cluster.counts.value('upstreamCxConnectFail'), 2)
})

test('without bytes for the idle time-out both sides are closed; bytes put it off', async () => {
  const clock = new FakeClock()
  const server = await upstream(echo)
  const { port, stats, logged } = await proxy({
    clusters: [new FakeCluster('c', server.port)],
    clock,
    config: { idleTimeout: { seconds: 10n } },
  })
  const client = dial(port)
  for (let n = 0; n < 3; n++) {
    client.write('x')
    await read(client, 1)
    clock.advance(9_000)
  }
  const closed = once(server.sockets[0]!, 'close')
  const end = readAll(client)
  clock.advance(1_010)
  assert.equal((await end).end, 'end')
  await closed
  assert.equal(formatConnectionFlags((await logged()).responseFlags), '-')
  assert.equal(stats.value('tcp.test.idle_timeout'), 1)
  assert.equal(clock.pendingTimers <= 1, true)
})

test('a connection is closed at its longest duration, DT', async () => {
  const clock = new FakeClock()
  const server = await upstream(echo)
  const { port, stats, logged } = await proxy({
    clusters: [new FakeCluster('c', server.port)],
    clock,
    config: { maxDownstreamConnectionDuration: { seconds: 10n } },
  })
  const client = dial(port)
  client.write('x')
  await read(client, 1)
  const end = readAll(client)
  clock.advance(10_010)
  assert.equal((await end).end, 'end')
  const info = await logged()
  assert.equal(formatConnectionFlags(info.responseFlags), 'DT')
  assert.equal(Math.floor(info.duration / 100), 100)
  assert.equal(stats.value('tcp.test.max_downstream_connection_duration'), 1)
})

test('drain lets connections live on; weighted clusters share them out', async () => {
  const server = await upstream(echo)
  const [a, b] = [new FakeCluster('a', server.port), new FakeCluster('b', server.port)]
  const clusters = [
    { name: 'a', weight: 1 },
    { name: 'b', weight: 3 },
  ]
  const weighted = await proxy({
    clusters: [a, b],
    config: { clusterSpecifier: { case: 'weightedClusters', value: { clusters } } },
  })
  const clients = Array.from({ length: 40 }, () => dial(weighted.port))
  for (const client of clients) client.write('x')
  for (const client of clients) await read(client, 1)
  weighted.filter.drain()
  assert.equal(weighted.filter.activeConnections, 40)
  clients[0]!.write('y')
  assert.equal(await read(clients[0]!, 1), 'y')
  const shares = [a, b].map(cluster => cluster.counts.value('upstreamCxTotal'))
  assert.equal(shares[0]! + shares[1]!, 40)
  assert.ok(shares[0]! > 3 && shares[0]! < 20, `a has ${shares[0]}`)
  for (const client of clients) client.destroy()
})

test('with a hash_policy a picker is told what the client is hashed by, else nothing', async () => {
  const server = await upstream(socket => socket.end())
  const hashes: (string | null)[] = []
  class HashedCluster extends FakeCluster {
    override readonly picker = {
      pick: (context: PickContext): Endpoint => {
        hashes.push(context.hash()?.toHex() ?? null)
        return this.endpoints[0]!
      },
    }
  }
  const clusters = [new HashedCluster('c', server.port)]
  const sourceIp = { policySpecifier: { case: 'sourceIp', value: {} } } as const
  for (const hashPolicy of [[], [sourceIp]]) {
    const started = await proxy({ clusters, config: { hashPolicy } })
    await readAll(await dial(started.port))
  }
  assert.deepEqual(hashes, [null, xxHash64(new Uint64(), '127.0.0.1').toHex()])
})
