// connection_keepalive on both sides: pings, answers, and the end of a connection that says nothing. As an Envoy 1.40 does.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { FakeClock } from '../../../../base/clock.ts'
import { FLAG, PREFACE } from '../../../../transport/http2/frame.ts'
import type { KeepaliveSettings } from '../../../../transport/http2/keepalive.ts'
import { ENVOY_HTTP2_SETTINGS } from '../../../../transport/http2/session-options.ts'
import { describe, headers, readFrames, settings } from '../../../../transport/http2/testing/raw-frames.ts'
import {
  connectionManager,
  FakeCluster,
  type FakeProxy,
  FakeStats,
  fakeHost,
  startFakeProxy,
} from '../../../http/testing/fake-proxy.ts'
import { exchange, RawClient } from '../../../http/testing/raw-client.ts'
import { RawHttp2Client } from '../../../http/testing/raw-http2-client.ts'
import { rawUpstream } from '../../../http/testing/raw-upstream.ts'
import { formatResponseFlags } from '../../../response-flag.ts'
import { HTTP_CONNECTION_MANAGER } from './factory.ts'

const seconds = (value: number) => ({ seconds: BigInt(value) })
const PING_FRAME = 'ping 0'

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise(resolve => setImmediate(resolve))
}

function lastLog(proxy: FakeProxy): string {
  const { responseCode, responseFlags, responseCodeDetails } = proxy.logs.at(-1)!
  return `${responseCode} ${formatResponseFlags(responseFlags)} ${responseCodeDetails}`
}

test('downstream: answered pings keep a connection, any frame gives it time, silence ends it with its streams', async () => {
  const clock = new FakeClock()
  const upstream = await rawUpstream(() => undefined)
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, {
    clusters: [new FakeCluster('c', upstream.port)],
    clock,
    config: {
      http2ProtocolOptions: {
        connectionKeepalive: { interval: seconds(10), timeout: seconds(2), intervalJitter: { value: 0 } },
      },
    },
  })
  const client = new RawHttp2Client(proxy.port).request(1)
  await until(() => upstream.requests.length === 1)
  for (let answered = 0; answered < 2; answered++) {
    clock.advance(10_010)
    await client.until(() => client.words.length === 1)
    assert.equal(client.words[0], PING_FRAME)
    client.ping(FLAG.ack, client.frames[0]!.payload)
    // A frame of its own, answered, tells that the acknowledgement before it has been read.
    client.ping(0, 'whatever')
    await client.until(() => client.words.includes('ping 0 ack'))
    client.frames.length = 0
  }
  clock.advance(10_010)
  await client.until(() => client.words.length === 1)
  clock.advance(1_900)
  client.ping(0, 'whatever')
  await client.until(() => client.words.includes('ping 0 ack'))
  clock.advance(1_900)
  assert.equal(client.isClosed, false)
  clock.advance(200)
  await client.until(() => client.isClosed)
  assert.deepEqual(client.words, [PING_FRAME, 'ping 0 ack'])
  assert.equal(lastLog(proxy), '0 DC downstream_local_disconnect(http2_ping_timeout)')
  assert.equal(proxy.stats.value('http2.keepalive_timeout'), 1)
  await proxy.close()
  await upstream.close()
})

interface UpstreamScene {
  readonly clock: FakeClock
  readonly cluster: FakeCluster
  readonly proxy: FakeProxy
  /** Frames that the upstream got, preface and settings left out. */
  words(): string[]
  readonly sockets: readonly Socket[]
}

async function withUpstream(keepalive: KeepaliveSettings, use: (scene: UpstreamScene) => Promise<void>): Promise<void> {
  const clock = new FakeClock()
  const sockets: Socket[] = []
  let bytes = Buffer.alloc(0)
  const server = createServer(socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
    })
    socket.write(settings())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cluster = new FakeCluster('c', (server.address() as AddressInfo).port)
  cluster.httpProtocol = 'http2'
  cluster.http2 = { ...ENVOY_HTTP2_SETTINGS, keepalive }
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters: [cluster], clock })
  const words = (): string[] => {
    const known = /^(settings|windowUpdate)/
    return readFrames(bytes.subarray(PREFACE.length))
      .map(describe)
      .filter(word => !known.test(word))
  }
  try {
    await use({ clock, cluster, proxy, words, sockets })
  } finally {
    await proxy.close()
    for (const socket of sockets) socket.destroy()
    server.close()
    await until(() => cluster.stats.upstreamCxActive.value === 0)
  }
}

test('upstream: silence ends the connection and fails its streams', () =>
  withUpstream({ interval: 10_000, jitter: 0, timeout: 2_000, idleInterval: 0 }, async scene => {
    const { clock, proxy, cluster, words } = scene
    const client = new RawClient(proxy.port).send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n')
    await until(() => words().length === 1)
    clock.advance(10_010)
    await until(() => words().includes(PING_FRAME))
    clock.advance(2_010)
    assert.equal((await client.response()).status, 503)
    assert.equal(lastLog(proxy), '503 UC upstream_reset_before_response_started{connection_termination}')
    assert.equal(cluster.stats.http2KeepaliveTimeout.value, 1)
    assert.equal(cluster.stats.upstreamCxDestroyLocalWithActiveRq.value, 1)
    client.socket.destroy()
  }))

test('upstream: a stream after a long silence has a ping sent ahead of it', () =>
  withUpstream({ interval: 0, jitter: 0, timeout: 2_000, idleInterval: 30_000 }, async scene => {
    const { clock, proxy, words, sockets } = scene
    const answer = (streamId: number): void => {
      sockets[0]!.write(headers(streamId, [[':status', '204']], FLAG.endHeaders | FLAG.endStream))
    }
    const get = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'
    const ask = async (streamId: number): Promise<void> => {
      const response = exchange(proxy.port, get)
      await until(() => words().includes(`headers ${streamId} end`))
      answer(streamId)
      assert.equal((await response).status, 204)
    }
    await ask(1)
    clock.advance(29_000)
    await ask(3)
    assert.equal(words().includes(PING_FRAME), false)
    clock.advance(31_000)
    await ask(5)
    assert.deepEqual(words(), ['headers 1 end', 'headers 3 end', PING_FRAME, 'headers 5 end'])
  }))

test('jitter spreads the pings over the share of the interval that config names', () =>
  withUpstream({ interval: 10_000, jitter: 1_500, timeout: 2_000, idleInterval: 0 }, async scene => {
    const { clock, proxy, words, cluster } = scene
    cluster.random = { next: () => 0.5, bytes: size => Buffer.alloc(size) }
    const client = new RawClient(proxy.port).send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await until(() => words().length === 1)
    clock.advance(10_700)
    assert.equal(words().includes(PING_FRAME), false)
    clock.advance(60)
    await until(() => words().includes(PING_FRAME))
    client.socket.destroy()
  }))

test('config: bounds as in Envoy', () => {
  const problems = (connectionKeepalive: object): unknown => {
    const made = connectionManager(
      HTTP_CONNECTION_MANAGER,
      { http2ProtocolOptions: { connectionKeepalive } },
      fakeHost({}, new FakeStats(), []),
    )
    return 'problems' in made ? made.problems.map(({ path, message }) => `${path} ${message}`) : []
  }
  const at = 'hcm.http2_protocol_options.connection_keepalive'
  assert.deepEqual(problems({ timeout: seconds(1) }), [])
  assert.deepEqual(problems({ interval: seconds(0), intervalJitter: { value: 101 } }), [
    `${at}.timeout is required`,
    `${at}.interval must be at least 0.001s`,
    `${at}.interval_jitter must be from 0 to 100`,
  ])
})
