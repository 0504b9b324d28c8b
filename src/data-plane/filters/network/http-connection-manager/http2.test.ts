// HTTP/2 on both sides of a proxy, with Node's own implementation as the peers.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import { type AddressInfo, connect as connectSocket } from 'node:net'
import { describe, test } from 'node:test'
import { FakeClock } from '../../../../base/clock.ts'
import { PREFACE } from '../../../../transport/http2/frame.ts'
import { headers, type RawField, rstStream, settings } from '../../../../transport/http2/testing/raw-frames.ts'
import {
  FakeCluster,
  type FakeProxy,
  type FakeProxyOptions,
  forwardRoute,
  startFakeProxy,
} from '../../../http/testing/fake-proxy.ts'
import { exchange } from '../../../http/testing/raw-client.ts'
import { ok, rawUpstream } from '../../../http/testing/raw-upstream.ts'
import { RESPONSE_FLAG } from '../../../response-flag.ts'
import type { StreamInfo } from '../../../stream-info.ts'
import { HTTP_CONNECTION_MANAGER } from './factory.ts'

type Answer = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void

interface Scene {
  readonly proxy: FakeProxy
  readonly cluster: FakeCluster
  readonly client: ClientHttp2Session
  readonly sessions: readonly ServerHttp2Session[]
}

const echo: Answer = stream => {
  stream.respond({ ':status': 200 })
  stream.pipe(stream)
}

/** An HTTP/2 client, the proxy, an HTTP/2 server. */
async function withHttp2(
  answer: Answer,
  use: (scene: Scene) => Promise<void>,
  options: FakeProxyOptions & { readonly settings?: { readonly maxConcurrentStreams: number } } = {},
): Promise<void> {
  const server: Http2Server = createServer({ settings: { enableConnectProtocol: true, ...options.settings } })
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
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters: [cluster], ...options })
  const client = connect(`http://127.0.0.1:${proxy.port}`)
  client.on('error', () => {})
  try {
    await use({ proxy, cluster, client, sessions })
    client.destroy()
    await until(() => proxy.stats.value('http.test.downstream_rq_active') === 0)
  } finally {
    client.destroy()
    await proxy.close()
    for (const session of sessions) session.destroy()
    server.close()
    await until(() => cluster.stats.upstreamCxActive.value === 0)
  }
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise(resolve => setImmediate(resolve))
}

interface Response {
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly trailers: IncomingHttpHeaders
}

async function read(stream: ClientHttp2Stream): Promise<Response> {
  let headers: IncomingHttpHeaders = {}
  let trailers: IncomingHttpHeaders = {}
  let body = ''
  stream.on('response', found => {
    headers = found
  })
  stream.on('trailers', found => {
    trailers = found
  })
  stream.setEncoding('latin1').on('data', (text: string) => {
    body += text
  })
  // Not `once`, which an error event would end.
  await new Promise(resolve => stream.on('close', resolve))
  return { headers, body, trailers }
}

function send(client: ClientHttp2Session, headers: OutgoingHttpHeaders, body = ''): Promise<Response> {
  const stream = client.request({ ':path': '/', ...headers }, { endStream: body === '' })
  stream.on('error', () => {})
  if (body !== '') stream.end(body)
  return read(stream)
}

describe('HTTP/2 to HTTP/2', () => {
  test('requests and responses with bodies and trailers both ways', () => {
    let seen: IncomingHttpHeaders = {}
    let sum: IncomingHttpHeaders = {}
    const answer: Answer = (stream, headers) => {
      seen = headers
      stream.on('trailers', found => {
        sum = found
      })
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      stream.pipe(stream)
    }
    return withHttp2(answer, async ({ client, proxy }) => {
      const stream = client.request({ ':method': 'POST', ':path': '/a?b', te: 'trailers', cookie: ['a=1', 'b=2'] }, {
        endStream: false,
        waitForTrailers: true,
      } as never)
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '5' }))
      stream.end('hello')
      const { headers, body, trailers } = await read(stream)
      assert.equal(headers[':status'], 200)
      assert.equal(body, 'hello')
      assert.equal(trailers['grpc-status'], '0')
      assert.equal(seen[':path'], '/a?b')
      assert.equal(seen[':authority'], `127.0.0.1:${proxy.port}`)
      assert.equal(seen['te'], 'trailers')
      assert.equal(seen['cookie'], 'a=1; b=2')
      assert.equal(sum['x-sum'], '5')
      await until(() => proxy.logs.length === 1)
      const [log] = proxy.logs
      assert.equal(log!.protocol, 'HTTP/2')
      assert.equal(log!.responseCodeDetails, 'via_upstream')
      assert.equal(log!.bytesReceived, 5)
      assert.equal(log!.bytesSent, 5)
    })
  })

  test('a hundred streams share one connection', () =>
    withHttp2(echo, async ({ client, sessions }) => {
      const bodies = Array.from({ length: 100 }, (_, i) => `body ${i}`.repeat(100))
      const responses = await Promise.all(bodies.map(body => send(client, { ':method': 'POST' }, body)))
      assert.deepEqual(
        responses.map(({ body }) => body),
        bodies,
      )
      assert.equal(sessions.length, 1)
    }))

  test('an endpoint that allows two streams at a time gets another connection for more', () => {
    const held: ServerHttp2Stream[] = []
    return withHttp2(
      stream => void held.push(stream),
      async ({ client, sessions, cluster }) => {
        const first = send(client, {})
        await until(() => held.length === 1)
        const others = [send(client, {}), send(client, {}), send(client, {})]
        await until(() => held.length === 4)
        assert.equal(sessions.length, 2)
        assert.equal(cluster.stats.upstreamCxActive.value, 2)
        for (const stream of held) stream.respond({ ':status': 200 }, { endStream: true })
        for (const { headers } of await Promise.all([first, ...others])) assert.equal(headers[':status'], 200)
      },
      { settings: { maxConcurrentStreams: 2 } },
    )
  })

  test('a large body passes both ways, whatever the windows', () =>
    withHttp2(echo, async ({ client }) => {
      const body = 'x'.repeat(3_000_000)
      assert.equal((await send(client, { ':method': 'POST' }, body)).body.length, body.length)
    }))

  test('informational responses go on', () =>
    withHttp2(
      stream => {
        stream.additionalHeaders({ ':status': 103, link: '</a>' })
        stream.respond({ ':status': 200 }, { endStream: true })
      },
      async ({ client }) => {
        const stream = client.request({ ':path': '/' })
        const interim: IncomingHttpHeaders[] = []
        stream.on('headers', headers => void interim.push(headers))
        const { headers } = await read(stream)
        assert.equal(headers[':status'], 200)
        assert.equal(interim[0]?.[':status'], 103)
        assert.equal(interim[0]?.['link'], '</a>')
      },
      { config: { proxy100Continue: true } },
    ))
})

describe('ends', () => {
  test('a client that resets its stream resets it upstream, and no other', () => {
    const codes: number[] = []
    const answer: Answer = (stream, headers) => {
      stream.on('close', () => void codes.push(stream.rstCode))
      if (headers[':path'] === '/hold') stream.respond({ ':status': 200 })
      else stream.respond({ ':status': 200 }, { endStream: true })
    }
    return withHttp2(answer, async ({ client, proxy, sessions }) => {
      const held = client.request({ ':path': '/hold' })
      held.on('error', () => {})
      await once(held, 'response')
      held.close(constants.NGHTTP2_CANCEL)
      await until(() => codes.length === 1)
      assert.deepEqual(codes, [constants.NGHTTP2_CANCEL])
      assert.equal((await send(client, {})).headers[':status'], 200)
      assert.equal(sessions.length, 1)
      assert.equal(proxy.logs[0]!.responseCodeDetails, 'http2.remote_reset')
      assert.equal(proxy.logs[0]!.responseFlags, RESPONSE_FLAG.DR)
    })
  })

  test('a client whose connection ends under a stream', () =>
    withHttp2(
      stream => stream.respond({ ':status': 200 }),
      async ({ client, proxy }) => {
        const held = client.request({ ':path': '/hold' })
        held.on('error', () => {})
        await once(held, 'response')
        client.socket?.destroy()
        client.destroy()
        await until(() => proxy.logs.length === 1)
        assert.equal(proxy.logs[0]!.responseCodeDetails, 'downstream_remote_disconnect')
        assert.equal(proxy.logs[0]!.responseFlags, RESPONSE_FLAG.DC)
      },
    ))

  test('an upstream that breaks a response off breaks it off downstream', () =>
    withHttp2(
      stream => {
        stream.respond({ ':status': 200 })
        stream.write('part')
        setImmediate(() => stream.destroy(new Error('broken off')))
      },
      async ({ client, proxy }) => {
        const stream = client.request({ ':path': '/' })
        stream.on('error', () => {})
        const { headers } = await read(stream)
        assert.equal(headers[':status'], 200)
        assert.notEqual(stream.rstCode, constants.NGHTTP2_NO_ERROR)
        await until(() => proxy.logs.length === 1)
        assert.equal(proxy.logs[0]!.responseCodeDetails, 'upstream_reset_after_response_started{remote_reset}')
      },
    ))

  test('a reset before the response is a 503 with its reason', () =>
    withHttp2(
      stream => stream.close(constants.NGHTTP2_INTERNAL_ERROR),
      async ({ client, proxy }) => {
        const { headers, body } = await send(client, { ':method': 'POST' }, 'x')
        assert.equal(headers[':status'], 503)
        assert.match(body, /reset reason: remote reset$/)
        assert.equal(proxy.logs[0]!.responseCodeDetails, 'upstream_reset_before_response_started{remote_reset}')
      },
    ))

  test('a route without an idle time-out takes that of the connection manager off', () => {
    const clock = new FakeClock()
    let asked: ServerHttp2Stream | null = null
    const options: FakeProxyOptions = {
      clock,
      config: { streamIdleTimeout: { seconds: 10n } },
      route: forwardRoute('c', { idleTimeoutMs: 0, timeoutMs: 0 }),
    }
    return withHttp2(
      stream => {
        asked = stream
      },
      async ({ client }) => {
        const response = send(client, {})
        await until(() => asked !== null)
        clock.advance(11_000)
        asked!.respond({ ':status': 200 })
        asked!.end('late')
        assert.equal((await response).body, 'late')
      },
      options,
    )
  })

  test('so it is where the connection ends with the stream', () =>
    withHttp2(
      stream => stream.close(constants.NGHTTP2_INTERNAL_ERROR),
      async ({ client, proxy, cluster }) => {
        cluster.maxRequestsPerConnection = 1
        await send(client, {})
        await until(() => proxy.logs.length === 1)
        assert.equal(proxy.logs[0]!.responseCodeDetails, 'upstream_reset_before_response_started{remote_reset}')
        assert.equal(proxy.logs[0]!.responseFlags, RESPONSE_FLAG.UR)
      },
    ))

  const RESETS: readonly (readonly [what: string, code: number, flag: number])[] = [
    ['an error of the protocol', constants.NGHTTP2_PROTOCOL_ERROR, RESPONSE_FLAG.DPE],
    ['one that it does not need any more', constants.NGHTTP2_CANCEL, RESPONSE_FLAG.DR],
    ['half a request, without an error', constants.NGHTTP2_NO_ERROR, RESPONSE_FLAG.DR],
  ]
  for (const [what, code, flag] of RESETS)
    test(`a client’s reset in the log: ${what}`, () =>
      withHttp2(echo, async ({ proxy }) => {
        const head: RawField[] = [
          [':method', 'POST'],
          [':scheme', 'http'],
          [':path', '/'],
          [':authority', 'a'],
        ]
        const socket = connectSocket(proxy.port, '127.0.0.1')
        socket.write(Buffer.concat([PREFACE, settings(), headers(1, head), rstStream(1, code)]))
        await until(() => proxy.logs.length === 1)
        const [{ responseFlags, responseCodeDetails }] = proxy.logs as [StreamInfo]
        assert.deepEqual([responseFlags, responseCodeDetails], [flag, 'http2.remote_reset'])
        socket.destroy()
      }))

  test('a refused stream was not looked at: it is sent again, whatever its method', () => {
    let tries = 0
    return withHttp2(
      stream => {
        if (++tries === 2) stream.close(constants.NGHTTP2_REFUSED_STREAM)
        else echo(stream, {})
      },
      async ({ client }) => {
        await send(client, {})
        const { headers, body } = await send(client, { ':method': 'POST' }, 'once more')
        assert.equal(headers[':status'], 200)
        assert.equal(body, 'once more')
        assert.equal(tries, 3)
      },
    )
  })

  test('an upstream that says GOAWAY finishes what it has and gets nothing new', () => {
    const held: ServerHttp2Stream[] = []
    const answer: Answer = (stream, headers) => {
      if (headers[':path'] === '/hold') held.push(stream)
      else stream.respond({ ':status': 200 }, { endStream: true })
    }
    return withHttp2(answer, async ({ client, sessions }) => {
      const slow = send(client, { ':path': '/hold' })
      await until(() => held.length === 1)
      sessions[0]!.goaway(constants.NGHTTP2_NO_ERROR)
      await until(() => sessions[0]!.state.localWindowSize !== undefined)
      // The proxy hears of it before the answer to this ping.
      await new Promise(resolve => sessions[0]!.ping(resolve))
      assert.equal((await send(client, {})).headers[':status'], 200)
      assert.equal(sessions.length, 2)
      held[0]!.respond({ ':status': 204 }, { endStream: true })
      assert.equal((await slow).headers[':status'], 204)
    })
  })

  test('a draining listener lets streams end, and tells the client to open no more', () => {
    const held: ServerHttp2Stream[] = []
    return withHttp2(
      stream => void held.push(stream),
      async ({ client, proxy }) => {
        const slow = send(client, {})
        await until(() => held.length === 1)
        const goaway = once(client, 'goaway')
        proxy.filter.drain()
        assert.equal((await goaway)[0], constants.NGHTTP2_NO_ERROR)
        held[0]!.respond({ ':status': 200 }, { endStream: true })
        assert.equal((await slow).headers[':status'], 200)
        await once(client, 'close')
        assert.equal(proxy.filter.activeConnections, 0)
      },
    )
  })

  test('a whole response ends a request that is still being sent', () =>
    withHttp2(
      stream => stream.respond({ ':status': 413 }, { endStream: true }),
      async ({ client }) => {
        const stream = client.request({ ':method': 'POST', ':path': '/' })
        stream.on('error', () => {})
        stream.write('begun')
        const { headers } = await read(stream)
        assert.equal(headers[':status'], 413)
        assert.equal(stream.rstCode, constants.NGHTTP2_NO_ERROR)
        // The connection goes on.
        assert.equal((await send(client, {})).headers[':status'], 413)
      },
    ))

  test('an upstream whose connection dies under streams fails these, and the next request finds a new one', () => {
    const sessions: ServerHttp2Session[] = []
    const answer: Answer = (stream, headers) => {
      if (headers[':path'] === '/die') {
        sessions.push(stream.session as ServerHttp2Session)
        stream.session?.destroy()
      } else stream.respond({ ':status': 200 }, { endStream: true })
    }
    return withHttp2(answer, async ({ client, proxy }) => {
      const { headers } = await send(client, { ':path': '/die', ':method': 'POST' }, 'x')
      assert.equal(headers[':status'], 503)
      assert.match(proxy.logs[0]!.responseCodeDetails, /connection_termination|remote_reset/)
      assert.equal((await send(client, {})).headers[':status'], 200)
    })
  })
})

describe('between versions', () => {
  test('HTTP/2 in, HTTP/1.1 out', async () => {
    const upstream = await rawUpstream(({ body }) => ok(body, 'x-own: 1\r\n'))
    const cluster = new FakeCluster('c', upstream.port)
    await withHttp2(
      echo,
      async ({ client, proxy }) => {
        const { headers, body } = await send(client, { ':method': 'POST', ':path': '/p' }, 'hello')
        assert.equal(headers[':status'], 200)
        assert.equal(headers['x-own'], '1')
        assert.equal(body, 'hello')
        const [request] = upstream.requests
        assert.equal(request!.head.path, '/p')
        assert.equal(request!.head.authority, `127.0.0.1:${proxy.port}`)
        assert.equal(request!.fields['transfer-encoding'], undefined)
      },
      { clusters: [cluster] },
    )
    await upstream.close()
  })

  test('HTTP/1.1 in, HTTP/2 out', () =>
    withHttp2(echo, async ({ proxy }) => {
      const request = 'POST /p HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'
      const response = await exchange(proxy.port, request)
      assert.equal(response.status, 200)
      assert.equal(response.body, 'hello')
    }))

  test('a cluster that keeps to the downstream protocol speaks what the client speaks', () =>
    withHttp2(echo, async ({ client, cluster, proxy }) => {
      cluster.httpProtocol = 'downstream'
      assert.equal((await send(client, { ':method': 'POST' }, 'two')).body, 'two')
      const { status } = await exchange(proxy.port, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n')
      // The upstream speaks HTTP/2 only, and HTTP/1.1 is what it was sent.
      assert.equal(status, 502)
    }))

  test('bytes that only begin like HTTP/2 are HTTP/1.1, and refused as such', () =>
    withHttp2(echo, async ({ proxy }) => {
      const { status } = await exchange(proxy.port, 'PRI * HTTP/1.1\r\nhost: a\r\n\r\n')
      assert.equal(status, 400)
    }))
})

describe('tunnels', () => {
  const config = { upgradeConfigs: [{ upgradeType: 'websocket' }], http2ProtocolOptions: { allowConnect: true } }

  test('a WebSocket by extended CONNECT, on both sides', () => {
    let seen: IncomingHttpHeaders = {}
    const answer: Answer = (stream, headers) => {
      seen = headers
      echo(stream, headers)
    }
    return withHttp2(
      answer,
      async ({ client }) => {
        await once(client, 'remoteSettings')
        const stream = client.request({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/chat' })
        const [headers] = await once(stream, 'response')
        assert.equal(headers[':status'], 200)
        assert.equal(headers['connection'], undefined)
        stream.write('hello')
        assert.equal(String((await once(stream, 'data'))[0]), 'hello')
        assert.equal(seen[':method'], 'CONNECT')
        assert.equal(seen[':protocol'], 'websocket')
        assert.equal(seen[':path'], '/chat')
        stream.close()
      },
      { config },
    )
  })

  test('a WebSocket of HTTP/1.1 crosses over', () =>
    withHttp2(
      echo,
      async ({ proxy }) => {
        const { connect: dial } = await import('node:net')
        const socket = dial(proxy.port, '127.0.0.1')
        socket.write('GET /chat HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nhello')
        let text = ''
        for await (const chunk of socket) {
          text += String(chunk)
          if (text.endsWith('hello')) break
        }
        assert.match(text, /^HTTP\/1\.1 101 Switching Protocols\r\n/)
        assert.match(text, /\r\nupgrade: websocket\r\n/)
      },
      { config },
    ))
})
