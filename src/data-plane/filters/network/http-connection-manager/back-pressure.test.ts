// One side stands still: the other is held back, and what the proxy holds stays small. Then all of it arrives.
import assert from 'node:assert/strict'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { FakeCluster, type FakeProxy, startFakeProxy } from '../../../http/testing/fake-proxy.ts'
import { rawUpstream, type UpstreamRequest } from '../../../http/testing/raw-upstream.ts'
import { HTTP_CONNECTION_MANAGER } from './factory.ts'

const BODY_BYTES = 64 * 1024 * 1024
const PIECE = Buffer.alloc(64 * 1024, 'abcdefghijklmnopqrstuvwxyz0123456789')
/** Kernel buffers on both sides of both connections, and Node's own high-water marks. */
const HELD_BYTES = 24 * 1024 * 1024

/** Writes the body as the socket takes it. */
function writeBody(socket: Socket, frame: (piece: Buffer) => Buffer, end: string): void {
  let left = BODY_BYTES
  const more = (): void => {
    while (left > 0) {
      left -= PIECE.length
      if (!socket.write(frame(PIECE))) {
        socket.once('drain', more)
        return
      }
    }
    socket.write(end)
  }
  more()
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve))
}

/** Waits until the number has stood still for a good many turns of the event loop. */
async function standsStill(read: () => number): Promise<number> {
  let last = -1
  for (let still = 0; still < 200; ) {
    await turns(5)
    const now = read()
    still = now === last && now > 0 ? still + 1 : 0
    last = now
  }
  return last
}

async function withStage(
  answer: (request: UpstreamRequest) => string | undefined,
  use: (proxy: FakeProxy, cluster: FakeCluster, port: number) => Promise<void>,
): Promise<void> {
  const upstream = await rawUpstream(answer)
  const cluster = new FakeCluster('c', upstream.port)
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters: [cluster] })
  try {
    await use(proxy, cluster, upstream.port)
  } finally {
    await proxy.close()
    await upstream.close()
  }
}

const chunk = (piece: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')])

for (const chunked of [false, true]) {
  test(`a client that does not read holds the upstream back (${chunked ? 'chunks' : 'length'})`, () =>
    withStage(
      ({ socket }) => {
        const framing = chunked ? 'transfer-encoding: chunked' : `content-length: ${BODY_BYTES}`
        socket.write(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n`)
        writeBody(socket, chunked ? chunk : piece => piece, chunked ? '0\r\n\r\n' : '')
        return undefined
      },
      async (proxy, cluster) => {
        const client = connect(proxy.port, '127.0.0.1')
        client.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
        const held = await standsStill(() => cluster.stats.upstreamCxRxBytesTotal.value)
        assert.ok(held < HELD_BYTES, `${held} bytes taken from the upstream`)
        let received = 0
        client.on('data', data => {
          received += data.length
        })
        await new Promise(resolve => client.on('end', resolve))
        assert.ok(received >= BODY_BYTES, `${received} bytes`)
        assert.equal(proxy.logs[0]!.bytesSent, BODY_BYTES)
      },
    ))
}

test('a client that sends requests ahead and reads no response gets no further ones served', () => {
  const body = 'x'.repeat(32 * 1024)
  const requests = 4000
  return withStage(
    () => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    async (proxy, cluster) => {
      const client = connect(proxy.port, '127.0.0.1')
      client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(requests))
      const held = await standsStill(() => cluster.stats.upstreamCxRxBytesTotal.value)
      assert.ok(held < HELD_BYTES, `${held} bytes taken from the upstream`)
      let received = 0
      client.on('data', data => {
        received += data.length
        if (received >= requests * body.length && proxy.logs.length === requests) client.end()
      })
      await new Promise(resolve => client.on('close', resolve))
      assert.equal(proxy.logs.length, requests)
    },
  )
})

test('an upstream that does not read holds the client back', async () => {
  let resume = (): void => {}
  let received = 0
  const server = createServer(socket => {
    socket.pause()
    resume = () => {
      socket.on('data', data => {
        received += data.length
        if (received < BODY_BYTES) return
        socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
      })
      socket.resume()
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const cluster = new FakeCluster('c', (server.address() as AddressInfo).port)
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters: [cluster] })
  const client = connect(proxy.port, '127.0.0.1')
  client.write(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${BODY_BYTES}\r\n\r\n`)
  writeBody(client, piece => piece, '')
  const taken = await standsStill(() => proxy.stats.value('http.test.downstream_cx_rx_bytes_total'))
  assert.ok(taken < HELD_BYTES, `${taken} bytes taken from the client`)
  resume()
  const response = await new Promise<string>(resolve => client.once('data', data => resolve(data.toString())))
  assert.match(response, /^HTTP\/1\.1 200/)
  assert.equal(proxy.logs[0]!.bytesReceived, BODY_BYTES)
  client.destroy()
  await proxy.close()
  await new Promise(resolve => server.close(resolve))
})

test('bytes arrive as they were sent, whatever they are', () => {
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919 + (i >> 8)) & 255))
  return withStage(
    ({ body }) => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    async proxy => {
      for (const size of [1, 255, 1024, 8192, 8193, 70_000, 300_000]) {
        const client = connect(proxy.port, '127.0.0.1')
        client.write(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${size}\r\nconnection: close\r\n\r\n`)
        client.write(bytes.subarray(0, size))
        const parts: Buffer[] = []
        client.on('data', (data: Buffer) => parts.push(data))
        await new Promise(resolve => client.on('end', resolve))
        const all = Buffer.concat(parts)
        assert.ok(all.subarray(all.indexOf('\r\n\r\n') + 4).equals(bytes.subarray(0, size)), `${size} bytes`)
      }
    },
  )
})
