// HTTP/2 on one side or both, and somebody stands still: what the proxy holds stays small, the other streams of the
// connection go on, and in the end all of it arrives. Node's own implementations are the peers.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttp1, request as requestHttp1 } from 'node:http'
import {
  type ClientHttp2Session,
  connect,
  createServer as createHttp2,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo, Server, Socket } from 'node:net'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { test } from 'node:test'
import { ENVOY_HTTP2_SETTINGS } from '../../../../transport/http2/session-options.ts'
import {
  FakeCluster,
  type FakeProxy,
  fakeEndpoint,
  plainTransport,
  startFakeProxy,
} from '../../../http/testing/fake-proxy.ts'
import { HTTP_CONNECTION_MANAGER } from './factory.ts'

const BODY_BYTES = 32 * 1024 * 1024
const PIECE = Buffer.alloc(64 * 1024, 'abcdefghijklmnopqrstuvwxyz0123456789')
/** Envoy's is 16 MiB; small, it is seen at work. */
const STREAM_WINDOW = 256 * 1024
const STALLED = 3
/** What a stalled stream holds takes its connection's window, too (as in Envoy): the others go on while there is room. */
const CONNECTION_WINDOW = (STALLED + 1) * STREAM_WINDOW
/** Of the connections to the upstream. */
const BUFFER_LIMIT = 64 * 1024
/** Each stalled stream's window, what was read from a socket last, the limit, and what a paused socket reads ahead. */
const HELD_BYTES = STALLED * STREAM_WINDOW + 512 * 1024

type Version = 'HTTP/1.1' | 'HTTP/2'

/** A peer that the test tells when to read. */
interface Exchange {
  readonly request: Writable
  readonly response: Promise<Readable>
}

interface Scene {
  readonly proxy: FakeProxy
  readonly open: (path: string) => Exchange
  /** Lets the upstream read the bodies of its requests. */
  readonly readUpstream: () => void
  readonly bytesFromUpstream: () => number
  readonly bytesToUpstream: () => number
}

function body(): Readable {
  let left = BODY_BYTES
  return new Readable({
    read() {
      this.push(left > 0 ? PIECE : null)
      left -= PIECE.length
    },
  })
}

/** `/big` answers with a body at once, `/sink` with the count of what it reads when it may, others with `ok`. */
function serve(path: string, request: Readable, response: Writable, mayRead: Promise<void>): void {
  // The test ends while some are at it.
  const ignore = (): void => {}
  if (path === '/big') pipeline(body(), response).catch(ignore)
  else if (path === '/sink') mayRead.then(async () => response.end(String(await count(request)))).catch(ignore)
  else response.end('ok')
}

async function count(readable: Readable): Promise<number> {
  let bytes = 0
  for await (const chunk of readable) bytes += (chunk as Buffer).length
  return bytes
}

async function text(readable: Readable): Promise<string> {
  return Buffer.concat(await readable.toArray()).toString()
}

function startUpstream(version: Version, mayRead: Promise<void>): Server {
  if (version === 'HTTP/1.1') {
    return createHttp1((request, response) => serve(request.url!, request, response, mayRead)) as Server
  }
  const server = createHttp2()
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => {})
    stream.respond({ ':status': 200 })
    serve(String(headers[':path']), stream, stream, mayRead)
  })
  return server as unknown as Server
}

function openHttp1(port: number, path: string): Exchange {
  const request = requestHttp1({ port, host: '127.0.0.1', path, method: 'POST', agent: false })
  request.on('error', () => {})
  return { request, response: once(request, 'response').then(([response]) => response as Readable) }
}

function openHttp2(session: ClientHttp2Session, path: string): Exchange {
  const stream = session.request({ ':path': path, ':method': 'POST' })
  stream.on('error', () => {})
  return { request: stream, response: once(stream, 'response').then(() => stream as Readable) }
}

async function withScene(down: Version, up: Version, use: (scene: Scene) => Promise<void>): Promise<void> {
  const { promise: mayRead, resolve: readUpstream } = Promise.withResolvers<void>()
  const server = startUpstream(up, mayRead).listen(0, '127.0.0.1')
  const sessions: ServerHttp2Session[] = []
  server.on('session', (session: ServerHttp2Session) => void sessions.push(session))
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const dialled: Socket[] = []
  const cluster = new FakeCluster('c')
  cluster.bufferLimit = BUFFER_LIMIT
  cluster.endpoints = [
    fakeEndpoint(port, {
      ...plainTransport,
      connect: (...target) => {
        const socket = plainTransport.connect(...target)
        dialled.push(socket)
        return socket
      },
    }),
  ]
  cluster.httpProtocol = up === 'HTTP/2' ? 'http2' : 'http1'
  const windows = { initialStreamWindow: STREAM_WINDOW, initialConnectionWindow: CONNECTION_WINDOW }
  cluster.http2 = { ...ENVOY_HTTP2_SETTINGS, ...windows }
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, {
    clusters: [cluster],
    config: {
      http2ProtocolOptions: {
        initialStreamWindowSize: STREAM_WINDOW,
        initialConnectionWindowSize: CONNECTION_WINDOW,
      },
    },
  })
  const session = down === 'HTTP/2' ? connect(`http://127.0.0.1:${proxy.port}`) : null
  session?.on('error', () => {})
  try {
    await use({
      proxy,
      open: path => (session === null ? openHttp1(proxy.port, path) : openHttp2(session, path)),
      readUpstream,
      bytesFromUpstream: () => sum(dialled, ({ bytesRead }) => bytesRead),
      bytesToUpstream: () => sum(dialled, sentBytes),
    })
  } finally {
    session?.destroy()
    await proxy.close()
    for (const socket of dialled) socket.destroy()
    for (const upstream of sessions) upstream.destroy()
    server.close()
  }
}

function sum(sockets: readonly Socket[], measure: (socket: Socket) => number): number {
  return sockets.reduce((total, socket) => total + measure(socket), 0)
}

/** What the kernel has taken. */
function sentBytes(socket: Socket): number {
  return socket.bytesWritten - socket.writableLength
}

/** Waits until the number has stood still for a good many turns of the event loop. */
async function standsStill(read: () => number): Promise<void> {
  let last = -1
  for (let still = 0; still < 500; ) {
    await new Promise(setImmediate)
    const now = read()
    still = now === last && now > 0 ? still + 1 : 0
    last = now
  }
}

const PAIRS = [
  ['HTTP/2', 'HTTP/2'],
  ['HTTP/2', 'HTTP/1.1'],
  ['HTTP/1.1', 'HTTP/2'],
] as const

for (const [down, up] of PAIRS) {
  test(`${up} upstreams are held back by clients of ${down} that do not read`, () =>
    withScene(down, up, async ({ open, proxy, bytesFromUpstream }) => {
      const exchanges = Array.from({ length: STALLED }, () => open('/big'))
      for (const { request } of exchanges) request.end()
      const responses = await Promise.all(exchanges.map(({ response }) => response))
      await standsStill(bytesFromUpstream)
      const held = bytesFromUpstream() - sum(proxy.sockets, sentBytes)
      assert.ok(held < HELD_BYTES, `${held} bytes held`)
      assert.ok(bytesFromUpstream() < STALLED * BODY_BYTES, 'nobody was held back')
      const other = open('/small')
      other.request.end()
      assert.equal(await text(await other.response), 'ok', 'another stream')
      assert.deepEqual(await Promise.all(responses.map(count)), new Array(STALLED).fill(BODY_BYTES))
    }))

  test(`clients of ${down} are held back by ${up} upstreams that do not read`, () =>
    withScene(down, up, async ({ open, proxy, readUpstream, bytesToUpstream }) => {
      const exchanges = Array.from({ length: STALLED }, () => open('/sink'))
      const sent = exchanges.map(({ request }) => pipeline(body(), request, { end: true }))
      const received = (): number => sum(proxy.sockets, ({ bytesRead }) => bytesRead)
      await standsStill(received)
      const held = received() - bytesToUpstream()
      assert.ok(held < HELD_BYTES, `${held} bytes held`)
      assert.ok(received() < STALLED * BODY_BYTES, 'nobody was held back')
      const other = open('/small')
      other.request.end()
      assert.equal(await text(await other.response), 'ok', 'another stream')
      readUpstream()
      const counts = await Promise.all(exchanges.map(async ({ response }) => text(await response)))
      assert.deepEqual(counts, new Array(STALLED).fill(String(BODY_BYTES)))
      await Promise.all(sent)
    }))
}
