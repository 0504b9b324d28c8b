// Clients that begin and never go on: time is the only thing that tells.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { FakeClock } from '../../src/base/clock.ts'
import { HTTP_CONNECTION_MANAGER } from '../../src/data-plane/filters/network/http-connection-manager/factory.ts'
import { FakeCluster, startFakeProxy } from '../../src/data-plane/http/testing/fake-proxy.ts'
import { FRAME, PREFACE } from '../../src/transport/http2/frame.ts'
import { block, describe, frame, headers, readFrames, settings } from '../../src/transport/http2/testing/raw-frames.ts'
import { GET } from './http2-frames.ts'

const PREFIX = 'http.test.downstream_'
const config = {
  requestHeadersTimeout: { seconds: 10n, nanos: 0 },
  commonHttpProtocolOptions: { idleTimeout: { seconds: 60n, nanos: 0 } },
}

const opening = Buffer.concat([PREFACE, settings()])
const head = headers(1, GET, 0)

/** The last frame that was read when the connection closed, `seconds` after the last byte and not before. */
async function closesAfter(
  sent: readonly Buffer[],
  seconds: number,
  counter: string,
  more: object = {},
): Promise<string | undefined> {
  const clock = new FakeClock()
  const clusters = [new FakeCluster('c')]
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters, config: { ...config, ...more }, clock })
  const socket = connect({ port: proxy.port, host: '127.0.0.1', noDelay: true })
  try {
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => void chunks.push(chunk))
    const ended = once(socket, 'end')
    let length = 0
    for (const bytes of sent) {
      socket.write(bytes)
      length += bytes.length
      while ((proxy.sockets[0]?.bytesRead ?? 0) < length) await new Promise(resolve => setImmediate(resolve))
      clock.advance(4000)
    }
    clock.advance((seconds - 4) * 1000 - 1000)
    assert.equal(proxy.stats.value(PREFIX + counter), 0)
    clock.advance(2000)
    assert.equal(proxy.stats.value(PREFIX + counter), 1)
    await ended
    return readFrames(Buffer.concat(chunks)).map(describe).at(-1)
  } finally {
    socket.destroy()
    await proxy.close()
  }
}

test('a preface that never comes to its settings', async () => {
  assert.equal(await closesAfter([PREFACE], 60, 'cx_idle_timeout'), 'goAway 0 0 0')
})

test('settings and no request', async () => {
  assert.equal(await closesAfter([opening], 60, 'cx_idle_timeout'), 'goAway 0 0 0')
})

test('a header block that never ends', async () => {
  assert.equal(await closesAfter([opening, head], 10, 'rq_header_timeout'), 'goAway 0 0 11')
})

test('a head for which the time of the whole request is too short is told as that', async () => {
  const shorter = { requestTimeout: { seconds: 8n, nanos: 0 } }
  assert.equal(await closesAfter([opening, head], 8, 'rq_timeout', shorter), 'goAway 0 0 11')
})

test('CONTINUATION now and then wins no time', async () => {
  const more = frame(FRAME.continuation, 0, 1, block([['x', 'y']]))
  assert.equal(await closesAfter([opening, head, more], 6, 'rq_header_timeout'), 'goAway 0 0 11')
})
