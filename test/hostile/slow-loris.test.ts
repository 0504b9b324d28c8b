// Clients that take for ever: each has a time-out, and is told which.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../src/base/clock.ts'
import { HTTP_CONNECTION_MANAGER } from '../../src/data-plane/filters/network/http-connection-manager/factory.ts'
import { FakeCluster, type FakeProxy, startFakeProxy } from '../../src/data-plane/http/testing/fake-proxy.ts'
import { RawClient } from '../../src/data-plane/http/testing/raw-client.ts'
import { ok, rawUpstream } from '../../src/data-plane/http/testing/raw-upstream.ts'

const seconds = (count: number) => ({ seconds: BigInt(count) })

async function withProxy(
  use: (proxy: FakeProxy, clock: FakeClock, sent: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const upstream = await rawUpstream(() => ok())
  const clock = new FakeClock()
  const cluster = new FakeCluster('c', upstream.port)
  /** The request has found its connection, whose time-out runs on the same clock. */
  const sent = async (): Promise<void> => {
    const { upstreamRqActive, upstreamRqPendingActive } = cluster.stats
    while (upstreamRqActive.value === 0 || upstreamRqPendingActive.value > 0) {
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, {
    clusters: [cluster],
    clock,
    config: {
      requestHeadersTimeout: seconds(10),
      streamIdleTimeout: seconds(30),
      requestTimeout: seconds(60),
      commonHttpProtocolOptions: { idleTimeout: seconds(100) },
    },
  })
  try {
    await use(proxy, clock, sent)
  } finally {
    await proxy.close()
    await upstream.close()
  }
}

/** So many bytes of clients have come in. */
async function received(proxy: FakeProxy, count: number): Promise<void> {
  while (proxy.stats.value('http.test.downstream_cx_rx_bytes_total') < count) {
    await new Promise(resolve => setImmediate(resolve))
  }
}

test('a head that drips in has ten seconds, whatever comes meanwhile', () =>
  withProxy(async (proxy, clock) => {
    const client = new RawClient(proxy.port).send('GET / HTTP/1.1\r\n')
    await received(proxy, 16)
    for (let i = 1; i <= 9; i++) {
      clock.advance(1000)
      client.send('x: 1\r\n')
      await received(proxy, 16 + 6 * i)
    }
    clock.advance(1100)
    const { status, headers } = await client.response()
    assert.equal(status, 408)
    assert.equal(headers['x-weft-reason'], 'request_header_timeout')
    await client.closed()
    assert.equal(proxy.stats.value('http.test.downstream_rq_header_timeout'), 1)
  }))

test('a body that stops coming is a stream without an event for too long', () =>
  withProxy(async (proxy, clock, sent) => {
    const head = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n'
    const client = new RawClient(proxy.port).send(`${head}begun`)
    await received(proxy, head.length + 5)
    await sent()
    clock.advance(30_100)
    const { status, headers } = await client.response()
    assert.equal(status, 408)
    assert.equal(headers['x-weft-reason'], 'stream_idle_timeout')
    assert.equal(proxy.stats.value('http.test.downstream_rq_idle_timeout'), 1)
  }))

test('a body that drips in is bounded by the time for a whole request', () =>
  withProxy(async (proxy, clock, sent) => {
    const head = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n'
    const client = new RawClient(proxy.port).send(head)
    await received(proxy, head.length)
    await sent()
    for (let i = 1; i <= 5; i++) {
      clock.advance(11_000)
      client.send('x')
      await received(proxy, head.length + i)
    }
    clock.advance(6000)
    const { status, headers } = await client.response()
    assert.equal(status, 408)
    assert.equal(headers['x-weft-reason'], 'request_overall_timeout')
    assert.equal(proxy.stats.value('http.test.downstream_rq_timeout'), 1)
  }))

test('a connection that says nothing is closed when it has idled long enough', () =>
  withProxy(async (proxy, clock) => {
    const client = new RawClient(proxy.port)
    while (proxy.filter.activeConnections === 0) await new Promise(resolve => setImmediate(resolve))
    clock.advance(100_100)
    await client.closed()
    assert.equal(proxy.stats.value('http.test.downstream_cx_idle_timeout'), 1)
  }))

test('HTTP/2 that stops within its preface has the time of a head, and one that opens no stream idles out', () =>
  withProxy(async (proxy, clock) => {
    const half = new RawClient(proxy.port).send('PRI * HT')
    while (proxy.filter.activeConnections === 0) await new Promise(resolve => setImmediate(resolve))
    const silent = new RawClient(proxy.port).send(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0`)
    while (proxy.stats.value('http.test.downstream_cx_http2_total') === 0) {
      await new Promise(resolve => setImmediate(resolve))
    }
    for (let i = 0; i < 20; i++) await new Promise(resolve => setImmediate(resolve))
    clock.advance(10_100)
    assert.equal((await half.response()).status, 408)
    assert.equal(proxy.stats.value('http.test.downstream_rq_header_timeout'), 1)
    clock.advance(100_000)
    clock.advance(2000)
    await silent.closed()
    assert.equal(proxy.filter.activeConnections, 0)
  }))
