// Against node:http2 (nghttp2) as an independent peer, both ways, over real sockets.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2 from 'node:http2'
import { type AddressInfo, connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import type { HeaderList } from '../header-list.ts'
import type { ResponseHead } from '../request-head.ts'
import type { Http2Session } from './session.ts'
import { ENVOY_HTTP2_SETTINGS, type Http2Settings } from './session-options.ts'
import { attachSession, inBatch } from './testing/attached-session.ts'
import { startEchoServer } from './testing/echo-server.ts'

interface Answer {
  readonly status: number
  readonly headers: http2.IncomingHttpHeaders
  readonly body: Buffer
  readonly trailers: http2.IncomingHttpHeaders
}

async function startServer(
  t: TestContext,
  changes: Partial<Http2Settings> = {},
  options: http2.ClientSessionOptions = {},
): Promise<http2.ClientHttp2Session> {
  const settings = { ...ENVOY_HTTP2_SETTINGS, maxHeaderListBytes: 1 << 20, maxFieldCount: 1000, ...changes }
  const server = startEchoServer(0, settings)
  await once(server, 'listening')
  const client = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, options)
  t.after(() => {
    client.destroy()
    server.close()
  })
  return client
}

async function fetch(
  client: http2.ClientHttp2Session,
  fields: http2.OutgoingHttpHeaders,
  body: Buffer | null,
  trailers: http2.OutgoingHttpHeaders = {},
): Promise<Answer> {
  const request = client.request(fields, { waitForTrailers: true, endStream: body === null })
  request.on('wantTrailers', () => request.sendTrailers(trailers))
  let received: http2.IncomingHttpHeaders = {}
  request.on('trailers', fields => {
    received = fields
  })
  if (body !== null) request.end(body)
  const [headers] = (await once(request, 'response')) as [http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader]
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return { status: headers[':status']!, headers, body: Buffer.concat(chunks), trailers: received }
}

test('requests of node:http2: bodies of all sizes, trailers, many at once', async t => {
  const client = await startServer(t)
  const sizes = [0, 1, 8192, 8193, 16_384, 16_385, 65_535, 65_536, 300_000, 3_000_000]
  await Promise.all(
    sizes.map(async size => {
      const body = Buffer.alloc(size, size % 251)
      const answer = await fetch(client, { ':path': `/${size}`, ':method': 'POST' }, body, { 'x-after': `${size}` })
      assert.equal(answer.status, 200)
      assert.equal(answer.headers['x-path'], `/${size}`)
      assert.ok(answer.body.equals(body), `${size} bytes came back`)
      assert.equal(answer.trailers['x-after'], `${size}`)
    }),
  )
})

test('any fields of node:http2, there and back, over one connection', async t => {
  const client = await startServer(t)
  const name = fc.constantFrom('x-a', 'x-b', 'x-request-id', 'x-long-name-that-is-custom')
  const value = fc.oneof(fc.constantFrom('1', 'two', 'v'.repeat(3000)), fc.stringMatching(/^[!-~]([ -~]{0,40}[!-~])?$/))
  await fc.assert(
    fc.asyncProperty(fc.dictionary(name, value, { maxKeys: 4 }), async fields => {
      const answer = await fetch(client, { ':path': '/', ...fields }, null)
      for (const [key, sent] of Object.entries(fields)) assert.equal(answer.headers[key], sent)
      assert.equal(answer.body.toString(), 'hello')
    }),
    { numRuns: 150 },
  )
})

test('tables of all sizes, changed between requests', async t => {
  for (const size of [0, 50, 300, 4096, 65_536]) {
    const client = await startServer(t, { headerTableSize: size }, { settings: { headerTableSize: size } })
    for (const next of [size, 0, 200, 8192, 4096]) {
      const { promise, resolve } = Promise.withResolvers<void>()
      client.settings({ headerTableSize: next }, () => resolve())
      await promise
      for (let i = 0; i < 8; i++) {
        const fields = { 'x-a': `a${i % 2}`, 'x-b': 'b'.repeat(60), 'x-c': `${i}`, cookie: `c=${i}; d=e` }
        const answer = await fetch(client, { ':path': `/${i}`, ...fields }, null)
        assert.equal(answer.headers['x-a'], fields['x-a'])
        assert.equal(answer.headers['x-b'], fields['x-b'])
        assert.equal(answer.headers['x-c'], fields['x-c'])
      }
    }
  }
})

test('windows of all sizes, changed while bodies are under way', async t => {
  const small = { initialStreamWindow: 65_535, initialConnectionWindow: 65_535 }
  const client = await startServer(t, small, { settings: { initialWindowSize: 100 } })
  const bodies = [70_000, 200_000, 1000].map(size => Buffer.alloc(size, size % 250))
  const answers = bodies.map(body => fetch(client, { ':path': '/', ':method': 'POST' }, body))
  for (const size of [1, 20_000, 7, 1_000_000]) {
    const { promise, resolve } = Promise.withResolvers<void>()
    client.settings({ initialWindowSize: size }, () => resolve())
    await promise
  }
  for (const [index, answer] of (await Promise.all(answers)).entries()) assert.ok(answer.body.equals(bodies[index]!))
})

test('heads larger than a frame', async t => {
  const client = await startServer(t)
  const fields: Record<string, string> = {}
  for (let i = 0; i < 20; i++) fields[`x-${i}`] = String.fromCharCode(97 + i).repeat(2500)
  const answer = await fetch(client, { ':path': '/', ...fields }, null)
  for (const [key, sent] of Object.entries(fields)) assert.equal(answer.headers[key], sent)
})

/** Requests by this codec, one stream each. */
class Requests {
  readonly session: Http2Session
  readonly #ready: Promise<void>

  constructor(port: number, t: TestContext) {
    const socket = connect(port, '127.0.0.1')
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#ready = promise
    const ignore = (): void => {}
    const handler = {
      onRequest: ignore as never,
      onCapacity: resolve,
      onGoAway: ignore,
      onSessionError: (_code: number, details: string) => assert.fail(details),
    }
    this.session = attachSession('client', socket, handler, ENVOY_HTTP2_SETTINGS)
    t.after(() => socket.destroy())
  }

  async send(method: string, headers: HeaderList, body: Buffer | null, trailers: HeaderList = []): Promise<string> {
    await this.#ready
    return new Promise((resolve, reject) => {
      let text = ''
      const stream = this.session.openStream({
        onResponse(head: ResponseHead, _fields: number, endStream: boolean) {
          text += `${head.status} ${head.headers.filter((_, i, all) => !all[i - (i % 2)]!.startsWith('date')).join('|')} `
          if (endStream) resolve(text)
        },
        onData(chunk: Buffer, endStream: boolean) {
          text += chunk.length > 100 ? `(${chunk.reduce((sum, byte) => sum + byte, 0)})` : chunk.toString()
          if (endStream) resolve(text)
        },
        onTrailers: trailers => resolve(`${text} ${trailers.join('|')}`),
        onReset: (code, _remote, details) => reject(new Error(`${code} ${details}`)),
        onDrained() {},
      })
      inBatch(() => {
        const head = { method, path: '/p', authority: 'a', scheme: 'http', headers, protocol: '' }
        stream.sendRequest(head, '/p', 'a', body === null)
        if (body === null) return
        stream.sendData(body, trailers.length === 0)
        if (trailers.length > 0) stream.sendTrailers(trailers)
      })
    })
  }
}

async function startPeer(
  t: TestContext,
  onStream: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void,
): Promise<Requests> {
  const server = http2.createServer()
  server.on('stream', onStream)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const requests = new Requests((server.address() as AddressInfo).port, t)
  t.after(() => server.close())
  return requests
}

test('responses of node:http2: interim ones, bodies, trailers', async t => {
  const requests = await startPeer(t, (stream, headers) => {
    stream.additionalHeaders({ ':status': 103, link: 'x' })
    stream.respond({ ':status': 201, 'x-cookie': headers.cookie ?? '' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.end('done')
  })
  for (let i = 0; i < 5; i++) {
    assert.equal(
      await requests.send('GET', ['cookie', 'a=1; b=2'], null),
      '103 link|x 201 x-cookie|a=1; b=2 done grpc-status|0',
    )
  }
  assert.equal(requests.session.activeStreams, 0)
})

test('uploads to node:http2, larger than its windows, many at once', async t => {
  const requests = await startPeer(t, (stream, headers) => {
    let bytes = 0
    let sum = 0
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      for (const byte of chunk) sum += byte
    })
    let after = ''
    stream.on('trailers', fields => {
      after = String(fields['x-after'])
    })
    stream.on('end', () => {
      stream.respond({ ':status': 200 })
      stream.end(`${headers[':method']} ${bytes} ${sum} ${after}`)
    })
  })
  const sizes = [1, 16_384, 65_535, 65_536, 200_000, 1_000_000]
  const answers = await Promise.all(
    sizes.map(size => requests.send('POST', [], Buffer.alloc(size, 7), ['x-after', 'yes'])),
  )
  assert.deepEqual(
    answers,
    sizes.map(size => `200  POST ${size} ${size * 7} yes`),
  )
})

test('a stream that node:http2 refuses', async t => {
  const requests = await startPeer(t, stream => {
    stream.on('error', () => {})
    stream.close(http2.constants.NGHTTP2_REFUSED_STREAM)
  })
  await assert.rejects(requests.send('GET', [], null), { message: '7 http2.remote_refuse' })
})
