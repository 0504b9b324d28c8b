// Tunnels over one HTTP/2 connection: connect, transfer both ways, disconnect.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { FakeClock } from '../../base/clock.ts'
import { TimerWheel } from '../../base/timer-wheel.ts'
import { ENVOY_HTTP2_SETTINGS } from '../../transport/http2/session-options.ts'
import type { RequestHead } from '../../transport/request-head.ts'
import { FakeCluster } from '../http/testing/fake-proxy.ts'
import { ClusterPools } from './cluster-pools.ts'
import type { HttpPool } from './request-encoder.ts'
import { TunnelStream } from './tunnel-stream.ts'

const WINDOW = 65_535

function connectHead(authority: string): RequestHead {
  return { method: 'CONNECT', path: '', authority, scheme: 'http', protocol: '', headers: [] }
}

async function withPool(
  answer: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
  use: (pool: HttpPool, sessions: readonly ServerHttp2Session[]) => Promise<void>,
): Promise<void> {
  const server = createServer()
  const sessions: ServerHttp2Session[] = []
  server.on('session', session => void sessions.push(session))
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => {})
    answer(stream, headers)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cluster = new FakeCluster('c', (server.address() as AddressInfo).port)
  cluster.httpProtocol = 'http2'
  cluster.http2 = { ...ENVOY_HTTP2_SETTINGS, initialStreamWindow: WINDOW, initialConnectionWindow: 4 * WINDOW }
  const pool = ClusterPools.of(cluster, new TimerWheel(new FakeClock())).get(cluster.endpoints[0]!, false, null)
  try {
    await use(pool, sessions)
  } finally {
    for (const session of sessions) session.destroy()
    server.close()
    while (cluster.stats.upstreamCxActive.value > 0) await new Promise(resolve => setImmediate(resolve))
  }
}

function open(pool: HttpPool, authority: string): Promise<TunnelStream> {
  return new Promise((resolve, reject) => {
    const tunnel: TunnelStream = new TunnelStream(pool, connectHead(authority), failure =>
      failure === null ? setImmediate(() => resolve(tunnel)) : reject(new Error(failure)),
    )
    tunnel.on('error', () => {})
  })
}

const echo = (stream: ServerHttp2Stream): void => {
  stream.respond({ ':status': 200 })
  stream.pipe(stream)
}

async function readAll(tunnel: TunnelStream): Promise<string> {
  let text = ''
  for await (const chunk of tunnel) text += (chunk as Buffer).toString('latin1')
  return text
}

test('many tunnels share one connection, each to its own authority', () => {
  const asked: (string | undefined)[] = []
  return withPool(
    (stream, headers) => {
      asked.push(headers[':authority'])
      assert.equal(headers[':method'], 'CONNECT')
      assert.equal(headers[':path'], undefined)
      assert.equal(headers[':scheme'], undefined)
      echo(stream)
    },
    async (pool, sessions) => {
      const names = Array.from({ length: 20 }, (_, i) => `10.0.0.${i}:80`)
      const tunnels = await Promise.all(names.map(name => open(pool, name)))
      const bodies = tunnels.map((tunnel, i) => {
        tunnel.end(`${names[i]} `.repeat(10_000))
        return readAll(tunnel)
      })
      assert.deepEqual(
        await Promise.all(bodies),
        names.map(name => `${name} `.repeat(10_000)),
      )
      assert.deepEqual(asked.toSorted(), names.toSorted())
      assert.equal(sessions.length, 1)
    },
  )
})

test('a tunnel that is refused says with what', () =>
  withPool(
    stream => stream.respond({ ':status': 403 }, { endStream: true }),
    pool => assert.rejects(open(pool, 'a:1'), /tunnel_response:403/),
  ))

test('of a tunnel that is reset before it stands no transport failure is told', () =>
  withPool(
    stream => stream.close(),
    pool => assert.rejects(open(pool, 'a:1'), { message: '' }),
  ))

test('a tunnel that breaks is a reset, and one that is destroyed resets the other side', () => {
  const streams: ServerHttp2Stream[] = []
  return withPool(
    stream => {
      streams.push(stream)
      stream.respond({ ':status': 200 })
    },
    async pool => {
      const broken = await open(pool, 'a:1')
      const failed = new Promise<NodeJS.ErrnoException>(resolve => broken.on('error', resolve))
      streams[0]!.destroy(new Error('x'))
      assert.equal((await failed).code, 'ECONNRESET')
      const left = await open(pool, 'b:1')
      left.destroy()
      await once(streams[1]!, 'close')
      assert.notEqual(streams[1]!.rstCode, 0)
    },
  )
})

test('a receiver that stands still stops the sender', () => {
  let sent = 0
  return withPool(
    stream => {
      stream.respond({ ':status': 200 })
      const pump = (): void => {
        while (sent < 50_000_000 && stream.write(Buffer.alloc(65_536))) sent += 65_536
      }
      stream.on('drain', pump)
      pump()
    },
    async (pool, sessions) => {
      const tunnel = await open(pool, 'a:1')
      // The answer to a ping comes behind all that could be sent.
      for (let i = 0; i < 50; i++) await new Promise(resolve => sessions[0]!.ping(resolve))
      assert.ok(sent < 8 * WINDOW, `${sent} bytes were taken`)
      tunnel.destroy()
    },
  )
})

test('what is written goes on when the other side has ended its half', () => {
  let got = 0
  let reading: ServerHttp2Stream | null = null as ServerHttp2Stream | null
  return withPool(
    stream => {
      reading = stream
      stream.respond({ ':status': 200 })
      stream.on('data', chunk => {
        got += chunk.length
      })
      stream.pause()
      stream.end('bye')
    },
    async pool => {
      const tunnel = await open(pool, 'a:1')
      tunnel.resume()
      await once(tunnel, 'end')
      // More than the windows hold: it takes the peer's credit to go on.
      for (let i = 0; i < 10; i++) tunnel.write(Buffer.alloc(WINDOW))
      tunnel.end()
      await new Promise(resolve => setImmediate(resolve))
      reading?.resume()
      await once(tunnel, 'finish')
      while (got < 10 * WINDOW) await new Promise(resolve => setImmediate(resolve))
    },
  )
})
