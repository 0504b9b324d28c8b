// Responses that have come whole from upstream and wait for the client's window: they have as long as a stream may idle,
// and until then the connection that carries them is in use. As an Envoy 1.40 does, which without that bound has no other.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FakeClock } from '../../../../base/clock.ts'
import { data, rstStream, settings, windowUpdate } from '../../../../transport/http2/testing/raw-frames.ts'
import { FakeCluster, type FakeProxy, type FakeProxyOptions, startFakeProxy } from '../../../http/testing/fake-proxy.ts'
import { RawHttp2Client } from '../../../http/testing/raw-http2-client.ts'
import { ok, type RawUpstream, rawUpstream } from '../../../http/testing/raw-upstream.ts'
import { HTTP_CONNECTION_MANAGER } from './factory.ts'

const INITIAL_WINDOW = 4
const FLUSH_TIMEOUTS = 'http2.tx_flush_timeout'
const seconds = (value: number) => ({ seconds: BigInt(value) })

interface Scene {
  readonly clock: FakeClock
  readonly proxy: FakeProxy
  readonly upstream: RawUpstream
  readonly client: RawHttp2Client
}

/** The client's windows are closed, its first request is made, and answered with `hello`. */
async function withStuckResponse(
  config: FakeProxyOptions['config'],
  use: (scene: Scene) => Promise<void>,
  endStream = true,
): Promise<void> {
  const clock = new FakeClock()
  const upstream = await rawUpstream(() => ok('hello'))
  const clusters = [new FakeCluster('c', upstream.port)]
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters, clock, ...(config ? { config } : {}) })
  const client = new RawHttp2Client(proxy.port)
  try {
    client.send(settings([INITIAL_WINDOW, 0])).request(1, [], endStream)
    if (!endStream) {
      // What follows is the upstream's answer to what it has not got whole.
      await client.until(() => upstream.sockets.size === 1)
      for (const socket of upstream.sockets) socket.write(ok('hello'))
    }
    await client.until(() => proxy.logs.length === 1)
    await heard(client)
    await use({ clock, proxy, upstream, client })
  } finally {
    client.socket.destroy()
    await proxy.close()
    await upstream.close()
  }
}

/** Whoever answers a PING has read all that came before it. */
async function heard(client: RawHttp2Client): Promise<readonly string[]> {
  client.ping(0, 'heard it')
  await client.until(() => client.isClosed || client.words.includes('ping 0 ack'))
  const words = client.words.filter(word => word !== 'ping 0 ack')
  client.frames.length = 0
  return words
}

describe('a response that waits for the client’s window', () => {
  test('is given up after the time that a stream may idle', async () => {
    await withStuckResponse({ streamIdleTimeout: seconds(10) }, async ({ clock, proxy, client }) => {
      clock.advance(9_000)
      assert.deepEqual(await heard(client), [])
      clock.advance(2_000)
      assert.deepEqual(await heard(client), ['rstStream 1 2'])
      assert.equal(proxy.stats.value(FLUSH_TIMEOUTS), 1)
      client.request(3).send(windowUpdate(3, 100))
      await client.until(() => client.words.includes('data 3 5 end'))
    })
  })

  test('wins no time by taking some of it', async () => {
    await withStuckResponse({ streamIdleTimeout: seconds(10) }, async ({ clock, client }) => {
      clock.advance(9_000)
      client.send(windowUpdate(1, 2))
      assert.deepEqual(await heard(client), ['data 1 2'])
      clock.advance(2_000)
      assert.deepEqual(await heard(client), ['rstStream 1 2'])
    })
  })

  test('has no such bound once it is sent', async () => {
    await withStuckResponse({ streamIdleTimeout: seconds(10) }, async ({ clock, proxy, client }) => {
      client.send(windowUpdate(1, 5))
      assert.deepEqual(await heard(client), ['data 1 5 end'])
      clock.advance(20_000)
      assert.deepEqual(await heard(client), [])
      assert.equal(proxy.stats.value(FLUSH_TIMEOUTS), 0)
    })
  })

  test('nor once the client has given it up', async () => {
    await withStuckResponse({ streamIdleTimeout: seconds(10) }, async ({ clock, proxy, client }) => {
      client.send(rstStream(1, 8))
      assert.deepEqual(await heard(client), [])
      clock.advance(20_000)
      assert.deepEqual(await heard(client), [])
      assert.equal(proxy.stats.value(FLUSH_TIMEOUTS), 0)
    })
  })

  test('keeps its connection from being idle', async () => {
    const config = { commonHttpProtocolOptions: { idleTimeout: seconds(10) }, streamIdleTimeout: seconds(60) }
    await withStuckResponse(config, async ({ clock, proxy, client }) => {
      clock.advance(50_000)
      client.send(windowUpdate(1, 5))
      assert.deepEqual(await heard(client), ['data 1 5 end'])
      clock.advance(9_000)
      assert.deepEqual(await heard(client), [])
      clock.advance(2_000)
      await client.until(() => client.isClosed)
      assert.deepEqual(client.words, ['goAway 0 1 0'])
      assert.equal(proxy.stats.value('http.test.downstream_cx_idle_timeout'), 1)
    })
  })

  test('has as long as a connection may idle where streams may for ever', async () => {
    const config = { commonHttpProtocolOptions: { idleTimeout: seconds(10) }, streamIdleTimeout: seconds(0) }
    await withStuckResponse(config, async ({ clock, proxy, client }) => {
      clock.advance(9_000)
      assert.deepEqual(await heard(client), [])
      clock.advance(2_000)
      assert.deepEqual(await heard(client), ['rstStream 1 2'])
      assert.equal(proxy.stats.value(FLUSH_TIMEOUTS), 1)
    })
  })

  test('is waited for by a connection that drains', async () => {
    const config = { commonHttpProtocolOptions: { maxRequestsPerConnection: 1 } }
    await withStuckResponse(config, async ({ clock, client }) => {
      clock.advance(20_000)
      client.send(windowUpdate(1, 5))
      await client.until(() => client.isClosed)
      assert.deepEqual(client.words, ['goAway 0 1 0', 'data 1 5 end', 'goAway 0 1 0'])
    })
  })

  test('before the end of its request: what still comes of that is dropped', async () => {
    const use = async ({ clock, client }: Scene): Promise<void> => {
      client.send(data(1, 'more'))
      assert.deepEqual(await heard(client), [])
      client.send(windowUpdate(1, 5))
      assert.deepEqual(await heard(client), ['data 1 5 end', 'rstStream 1 0'])
      clock.advance(20_000)
      assert.deepEqual(await heard(client), [])
    }
    await withStuckResponse({ streamIdleTimeout: seconds(10) }, use, false)
  })
})
