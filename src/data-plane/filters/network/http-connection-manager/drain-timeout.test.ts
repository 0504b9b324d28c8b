// drain_timeout: how long a client of HTTP/2 that has been told of the end may still open streams. As an Envoy 1.40 does.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../../../base/clock.ts'
import { FRAME } from '../../../../transport/http2/frame.ts'
import { FakeCluster, startFakeProxy } from '../../../http/testing/fake-proxy.ts'
import { RawHttp2Client } from '../../../http/testing/raw-http2-client.ts'
import { ok, rawUpstream } from '../../../http/testing/raw-upstream.ts'
import { HTTP_CONNECTION_MANAGER } from './factory.ts'

const FIRST_GOAWAY = 0x7fffffff

for (const [drainTimeout, ms] of [
  [{ seconds: 30n, nanos: 0 }, 30_000],
  [{ seconds: 0n, nanos: 100_000_000 }, 100],
] as const) {
  test(`after ${ms} ms the second GOAWAY names the last stream that is taken`, async () => {
    const clock = new FakeClock()
    const upstream = await rawUpstream(() => ok())
    const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, {
      clusters: [new FakeCluster('c', upstream.port)],
      clock,
      config: { drainTimeout },
    })
    const client = new RawHttp2Client(proxy.port).request(1)
    const answered = (id: number) => client.until(() => client.frames.some(({ streamId }) => streamId === id))
    const goAways = () =>
      client.frames.filter(({ type }) => type === FRAME.goAway).map(({ payload }) => payload.readUInt32BE(0))
    await answered(1)
    proxy.filter.drain()
    await client.until(() => goAways().length === 1)
    clock.advance(ms - 20)
    client.request(3)
    await answered(3)
    assert.deepEqual(goAways(), [FIRST_GOAWAY])
    // By a PING nobody is asked: the time is said.
    assert.ok(!client.frames.some(({ type }) => type === FRAME.ping))
    clock.advance(40)
    await client.until(() => client.isClosed)
    assert.deepEqual([...new Set(goAways())], [FIRST_GOAWAY, 3])
    await proxy.close()
    await upstream.close()
  })
}

test('a connection that is being closed is neither idle nor too old', async () => {
  const clock = new FakeClock()
  const seconds = (value: number) => ({ seconds: BigInt(value) })
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, {
    clock,
    config: {
      drainTimeout: seconds(1),
      delayedCloseTimeout: seconds(60),
      commonHttpProtocolOptions: { idleTimeout: seconds(10), maxConnectionDuration: seconds(20) },
    },
  })
  const client = new RawHttp2Client(proxy.port).ping(0, 'is there')
  await client.until(() => client.words.includes('ping 0 ack'))
  // It answers no FIN with its own.
  client.socket.pause()
  proxy.filter.drain()
  clock.advance(30_000)
  assert.equal(proxy.stats.value('http.test.downstream_cx_idle_timeout'), 0)
  assert.equal(proxy.stats.value('http.test.downstream_cx_max_duration_reached'), 0)
  client.socket.destroy()
  await proxy.close()
})
