// A connection that closes behind its last response, and a client that has not read it yet.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { FakeClock } from '../../../../base/clock.ts'
import { FLAG, PREFACE } from '../../../../transport/http2/frame.ts'
import { headers, type RawField, settings, windowUpdate } from '../../../../transport/http2/testing/raw-frames.ts'
import { limitBuffers } from '../../../../transport/net/buffer-limit.ts'
import { FakeCluster, startFakeProxy } from '../../../http/testing/fake-proxy.ts'
import { rawUpstream } from '../../../http/testing/raw-upstream.ts'
import { HTTP_CONNECTION_MANAGER } from './factory.ts'

/** More than the system's buffers take on both sides. */
const BODY = Buffer.alloc(32 << 20)

const GET: readonly RawField[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'a'],
]
const ASK: readonly (readonly [version: string, ask: Buffer])[] = [
  ['HTTP/1.1', Buffer.from('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')],
  [
    'HTTP/2',
    Buffer.concat([
      PREFACE,
      settings([4, 0x7fff_ffff]),
      windowUpdate(0, 0x7fff_0000),
      headers(1, GET, FLAG.endHeaders | FLAG.endStream),
    ]),
  ],
]

/** What a client gets that reads only when the proxy has waited for long. */
async function receivedLate(ask: Buffer, delayedCloseSeconds: bigint): Promise<number> {
  const clock = new FakeClock()
  const upstream = await rawUpstream(({ socket }) => {
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${BODY.length}\r\n\r\n`)
    socket.write(BODY)
    return undefined
  })
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, {
    clusters: [new FakeCluster('c', upstream.port)],
    clock,
    config: {
      delayedCloseTimeout: { seconds: delayedCloseSeconds },
      commonHttpProtocolOptions: { maxRequestsPerConnection: 1 },
    },
  })
  const client: Socket = connect(proxy.port, '127.0.0.1')
  client.on('error', () => {})
  try {
    while (proxy.sockets.length === 0) await new Promise(setImmediate)
    // All that the client does not take waits in the proxy.
    limitBuffers(proxy.sockets[0]!, 2 * BODY.length)
    client.write(ask)
    while (proxy.logs.length === 0) await new Promise(setImmediate)
    assert.ok(proxy.sockets[0]!.writableLength > 0)
    for (let i = 0; i < 10; i++) {
      clock.advance(1000)
      await new Promise(setImmediate)
    }
    let received = 0
    client.on('data', chunk => {
      received += chunk.length
    })
    await once(client, 'close')
    return received
  } finally {
    client.destroy()
    await proxy.close()
    await upstream.close()
  }
}

for (const [version, ask] of ASK) {
  test(`${version}: a delayed close ends the wait for a client that takes nothing`, async () => {
    assert.ok((await receivedLate(ask, 1n)) < BODY.length)
  })

  test(`${version}: without one there is no end of it, and all arrives`, async () => {
    assert.ok((await receivedLate(ask, 0n)) > BODY.length)
  })
}

test('a response that was to end with its connection, and that a RST cuts, does not pass for whole', async () => {
  const upstream = await rawUpstream(() => 'HTTP/1.1 200 OK\r\n\r\nhalf')
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters: [new FakeCluster('c', upstream.port)] })
  const client = connect(proxy.port, '127.0.0.1')
  try {
    client.on('error', () => {})
    client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    let received = ''
    client.on('data', chunk => {
      received += chunk.toString('latin1')
    })
    while (!received.endsWith('4\r\nhalf\r\n')) await new Promise(setImmediate)
    for (const socket of upstream.sockets) socket.resetAndDestroy()
    await once(client, 'close')
    assert.ok(received.endsWith('4\r\nhalf\r\n'))
    assert.equal(proxy.logs[0]!.responseCodeDetails, 'upstream_reset_after_response_started{protocol_error}')
  } finally {
    client.destroy()
    await proxy.close()
    await upstream.close()
  }
})
