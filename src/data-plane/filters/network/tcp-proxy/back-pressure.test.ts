// A side that does not read: the other is held up, nothing gathers in the proxy, and nothing is lost when it reads again.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { after, test } from 'node:test'
import { FakeCluster } from '../../../http/testing/fake-proxy.ts'
import { dial, startTcpProxy, startUpstream, until } from './tcp-proxy-fixture.ts'

const CHUNK = Buffer.alloc(256 * 1024, 'x')
/** What sockets of the loopback can swallow between them, with a wide margin. */
const OFFERED = 64 * 1024 * 1024
const opened: { close(): void }[] = []
after(() => {
  for (const each of opened) each.close()
})

/** Writes until nothing more is taken for some turns of the event loop, or all that was offered is; returns the bytes sent off. */
async function pour(from: Socket): Promise<number> {
  let written = 0
  let idle = 0
  while (written < OFFERED && idle < 200) {
    if (from.writableLength === 0) {
      from.write(CHUNK)
      written += CHUNK.length
      idle = 0
    } else idle++
    await new Promise(resolve => setImmediate(resolve))
  }
  return written
}

async function length(socket: Socket): Promise<number> {
  let total = 0
  socket.on('data', (chunk: Buffer) => {
    total += chunk.length
  })
  socket.resume()
  await once(socket, 'end')
  return total
}

test('an upstream that does not read holds the downstream up; every byte arrives once it does', async () => {
  const server = await startUpstream(socket => socket.pause())
  const cluster = new FakeCluster('c', server.port)
  const proxy = await startTcpProxy({ clusters: [cluster] })
  opened.push(server, proxy)
  const client = dial(proxy.port)
  await once(client, 'connect')
  await until(() => server.sockets.length === 1)
  const written = await pour(client)
  assert.ok(written < OFFERED, 'the client was held up')
  assert.equal(proxy.stats.value('tcp.test.downstream_flow_control_paused_reading_total') > 0, true)
  // What the proxy itself holds: one chunk under way to the upstream and what the stream has read ahead.
  const [inside] = proxy.sockets as [Socket]
  assert.ok(inside.readableLength <= 128 * 1024, `${inside.readableLength} bytes read ahead`)
  const received = proxy.stats.value('tcp.test.downstream_cx_rx_bytes_total')
  const total = length(server.sockets[0]!)
  client.end()
  assert.equal(await total, written)
  assert.ok(received < written)
  const counted = (name: string): number => proxy.stats.value(`tcp.test.downstream_flow_control_${name}_reading_total`)
  assert.equal(counted('paused'), counted('resumed'))
})

test('a downstream that does not read holds the upstream up; every byte arrives once it does', async () => {
  const server = await startUpstream(() => {})
  const proxy = await startTcpProxy({ clusters: [new FakeCluster('c', server.port)] })
  opened.push(server, proxy)
  const client = dial(proxy.port)
  client.pause()
  await until(() => server.sockets.length === 1)
  const written = await pour(server.sockets[0]!)
  assert.ok(written < OFFERED, 'the server was held up')
  const [inside] = proxy.sockets as [Socket]
  assert.ok(inside.writableLength <= 256 * 1024, `${inside.writableLength} bytes wait`)
  server.sockets[0]!.end()
  assert.equal(await length(client), written)
})

test('bytes for a slow upstream outlive their downstream', async () => {
  const server = await startUpstream(socket => socket.pause().once('end', () => socket.end()))
  const proxy = await startTcpProxy({ clusters: [new FakeCluster('c', server.port)] })
  opened.push(server, proxy)
  const client = dial(proxy.port)
  await until(() => server.sockets.length === 1)
  await pour(client)
  client.destroy()
  const total = length(server.sockets[0]!)
  const info = await proxy.logged()
  assert.equal(await total, info.bytesReceived)
})
