// A request's way through the connection manager and back, over real sockets.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  FakeCluster,
  type FakeProxy,
  type FakeProxyOptions,
  NO_MUTATIONS,
  startFakeProxy,
} from '../../../http/testing/fake-proxy.ts'
import { exchange, RawClient } from '../../../http/testing/raw-client.ts'
import { ok, type RawUpstream, rawUpstream } from '../../../http/testing/raw-upstream.ts'
import { NO_ROUTE_FILTERS, type RouteEntry, type RouteQuery } from '../../../route/route-entry.ts'
import { HTTP_CONNECTION_MANAGER } from './factory.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

let upstream: RawUpstream

before(async () => {
  upstream = await rawUpstream(({ head, body }) => {
    if (head.path === '/chunked') {
      return 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nx-t: 1\r\n\r\n'
    }
    if (head.path === '/until-close') return undefined
    if (head.path === '/204') return 'HTTP/1.1 204 No Content\r\n\r\n'
    if (head.path === '/304') return 'HTTP/1.1 304 Not Modified\r\netag: a\r\n\r\n'
    if (head.path === '/dated') return ok('x', 'date: yesterday\r\nserver: mine\r\n')
    if (head.path === '/interim') return `HTTP/1.1 103 Early Hints\r\n\r\n${ok()}`
    if (head.method === 'HEAD') return 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n'
    return ok(body === '' ? head.path : body)
  })
})

after(() => upstream.close())

async function withProxy(options: FakeProxyOptions, use: (proxy: FakeProxy) => Promise<void>): Promise<void> {
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, {
    clusters: [new FakeCluster('c', upstream.port)],
    ...options,
  })
  upstream.requests.length = 0
  try {
    await use(proxy)
    assert.equal(proxy.stats.value('http.test.downstream_rq_active'), 0)
  } finally {
    await proxy.close()
  }
}

const get = (path: string, fields = ''): string => `GET ${path} HTTP/1.1\r\nHost: a.b:80\r\n${fields}\r\n`

describe('a request', () => {
  test('reaches the upstream with what a proxy adds, and its response comes back', () =>
    withProxy({}, async proxy => {
      const { status, body, headers } = await exchange(
        proxy.port,
        get('/x?y=1', 'X-Own: 1\r\nConnection: x-hop\r\nX-Hop: 1\r\n'),
      )
      assert.equal(status, 200)
      assert.equal(body, '/x?y=1')
      assert.equal(headers['server'], 'envoy')
      assert.match(headers['date']!, /GMT$/)
      assert.match(headers['x-envoy-upstream-service-time']!, /^\d+$/)
      const [{ head, fields }] = upstream.requests as [(typeof upstream.requests)[0]]
      assert.equal(head.authority, 'a.b:80')
      assert.equal(fields['x-own'], '1')
      assert.equal(fields['x-hop'], undefined)
      assert.equal(fields['x-forwarded-proto'], 'http')
      assert.equal(fields['x-forwarded-for'], undefined)
      assert.match(fields['x-request-id']!, UUID)
      const [log] = proxy.logs as [(typeof proxy.logs)[0]]
      assert.equal(log.method, 'GET')
      assert.equal(log.path, '/x?y=1')
      assert.equal(log.authority, 'a.b:80')
      assert.equal(log.responseCode, 200)
      assert.equal(log.responseCodeDetails, 'via_upstream')
      assert.equal(log.upstreamCluster, 'c')
      assert.equal(log.upstreamHost, `127.0.0.1:${upstream.port}`)
      assert.match(log.upstream!.localAddress, /^127\.0\.0\.1:\d+$/)
      assert.equal(log.bytesSent, 6)
      assert.equal(proxy.stats.value('http.test.downstream_rq_2xx'), 1)
    }))

  test('gets a request id in place of one that its connection field strips', () =>
    withProxy({}, async proxy => {
      await exchange(proxy.port, get('/', 'connection: x-request-id\r\nx-request-id: mine\r\n'))
      assert.match(upstream.requests[0]!.fields['x-request-id']!, UUID)
    }))

  test('keeps its request id; internal fields of others are dropped', () =>
    withProxy({}, async proxy => {
      await exchange(
        proxy.port,
        get('/', 'X-Request-Id: mine\r\nx-envoy-max-retries: 9\r\nx-envoy-internal: true\r\nx-envoy-own: 1\r\n'),
      )
      const { fields } = upstream.requests[0]!
      assert.equal(fields['x-request-id'], 'mine')
      assert.equal(fields['x-envoy-max-retries'], undefined)
      assert.equal(fields['x-envoy-internal'], undefined)
      assert.equal(fields['x-envoy-own'], '1')
    }))

  test('at the edge gets a new id and the address of its client', () =>
    withProxy({ config: { useRemoteAddress: true } }, async proxy => {
      const claims =
        'X-Request-Id: mine\r\nx-forwarded-for: 9.9.9.9\r\nx-forwarded-proto: https\r\nx-envoy-original-path: /e\r\n'
      await exchange(proxy.port, get('/', claims))
      const { fields } = upstream.requests[0]!
      assert.match(fields['x-request-id']!, UUID)
      assert.equal(fields['x-forwarded-for'], '9.9.9.9,127.0.0.1')
      assert.equal(fields['x-forwarded-proto'], 'http')
      assert.equal(fields['x-envoy-external-address'], '127.0.0.1')
      assert.equal(fields['x-envoy-original-path'], undefined)
    }))

  test('behind trusted hops is its first one’s client', () =>
    withProxy({ config: { useRemoteAddress: true, xffNumTrustedHops: 1 } }, async proxy => {
      await exchange(proxy.port, get('/', 'x-forwarded-for: 1.1.1.1, 2.2.2.2\r\nx-forwarded-proto: https\r\n'))
      const { fields } = upstream.requests[0]!
      assert.equal(fields['x-envoy-external-address'], '2.2.2.2')
      assert.equal(fields['x-forwarded-proto'], 'https')
    }))

  test('with an absolute target is for its authority', () =>
    withProxy({}, async proxy => {
      const { body } = await exchange(proxy.port, 'GET http://reviews:9080/p HTTP/1.1\r\nHost: other\r\n\r\n')
      assert.equal(body, '/p')
      assert.equal(upstream.requests[0]!.head.authority, 'reviews:9080')
    }))

  test('keeps the connection; several sent ahead are answered in order', () =>
    withProxy({}, async proxy => {
      const client = new RawClient(proxy.port)
      client.send([1, 2, 3, 4, 5].map(n => get(`/${n}`)).join(''))
      for (const n of [1, 2, 3, 4, 5]) assert.equal((await client.response()).body, `/${n}`)
      client.send(get('/6'))
      assert.equal((await client.response()).body, '/6')
      client.socket.destroy()
      assert.equal(proxy.stats.value('http.test.downstream_cx_total'), 1)
    }))

  test('with a body by length or in chunks', () =>
    withProxy({}, async proxy => {
      const client = new RawClient(proxy.port)
      client.send('POST /p HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhel').send('lo')
      assert.equal((await client.response()).body, 'hello')
      assert.equal(upstream.requests[0]!.fields['content-length'], '5')
      client
        .send('PUT /p HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nfoo\r\n')
        .send('3\r\nbar\r\n0\r\n\r\n')
      assert.equal((await client.response()).body, 'foobar')
      client.send('POST /empty HTTP/1.1\r\nhost: a\r\n\r\n')
      assert.equal((await client.response()).body, '/empty')
      assert.equal(upstream.requests[2]!.fields['content-length'], '0')
      client.socket.destroy()
      assert.deepEqual(
        proxy.logs.map(log => log.bytesReceived),
        [5, 6, 0],
      )
    }))

  test('that asks to close is the last', () =>
    withProxy({}, async proxy => {
      const client = new RawClient(proxy.port).send(get('/', 'Connection: close\r\n'))
      const { headers } = await client.response()
      assert.equal(headers['connection'], 'close')
      await client.closed()
    }))
})

describe('a response', () => {
  test('in chunks stays in chunks; trailers are dropped', () =>
    withProxy({}, async proxy => {
      const { body, headers } = await exchange(proxy.port, get('/chunked'))
      assert.equal(body, 'abc')
      assert.equal(headers['content-length'], undefined)
    }))

  test('without a body: HEAD, 204, 304', () =>
    withProxy({}, async proxy => {
      const client = new RawClient(proxy.port)
      client.expectHead(true).send('HEAD /p HTTP/1.1\r\nhost: a\r\n\r\n')
      const head = await client.response()
      assert.equal(head.headers['content-length'], '5')
      assert.equal(head.body, '')
      client.expectHead(false).send(get('/204') + get('/304') + get('/after'))
      const noContent = await client.response()
      assert.equal(noContent.status, 204)
      assert.equal(noContent.headers['content-length'], undefined)
      assert.equal((await client.response()).status, 304)
      assert.equal((await client.response()).body, '/after')
      client.socket.destroy()
    }))

  test('that ends with the connection becomes chunks', () =>
    withProxy({}, async proxy => {
      const client = new RawClient(proxy.port).send(get('/until-close'))
      while (upstream.requests.length === 0) await new Promise(resolve => setImmediate(resolve))
      upstream.requests[0]!.socket.end('HTTP/1.1 200 OK\r\n\r\nthe rest')
      const { body, headers } = await client.response()
      assert.equal(body, 'the rest')
      assert.equal(headers['connection'], undefined)
      client.socket.destroy()
    }))

  test('keeps its date; its server field is this proxy’s, unless told otherwise', async () => {
    await withProxy({ config: { serverName: 'istio-envoy' } }, async proxy => {
      const { headers } = await exchange(proxy.port, get('/dated'))
      assert.equal(headers['date'], 'yesterday')
      assert.equal(headers['server'], 'istio-envoy')
    })
    await withProxy({ config: { serverHeaderTransformation: 2 } }, async proxy => {
      assert.equal((await exchange(proxy.port, get('/dated'))).headers['server'], 'mine')
      assert.equal((await exchange(proxy.port, get('/'))).headers['server'], undefined)
    })
    await withProxy({ config: { serverHeaderTransformation: 1, alwaysSetRequestIdInResponse: true } }, async proxy => {
      assert.equal((await exchange(proxy.port, get('/dated'))).headers['server'], 'mine')
      const { headers } = await exchange(proxy.port, get('/', 'x-request-id: 7\r\n'))
      assert.equal(headers['server'], 'envoy')
      assert.equal(headers['x-request-id'], '7')
    })
  })
})

describe('an expectation', () => {
  const post = 'POST /p HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n'

  test('is answered here, and 1xx swallowed, by default', () =>
    withProxy({}, async proxy => {
      const client = new RawClient(proxy.port).send(`${post}ab`)
      const response = await client.response()
      assert.deepEqual(response.interim, [100])
      assert.equal(response.body, 'ab')
      assert.equal(upstream.requests[0]!.fields['expect'], undefined)
      client.send(get('/interim'))
      assert.deepEqual((await client.response()).interim, [])
      client.socket.destroy()
    }))

  test('that is said twice goes on as it came, unanswered', () =>
    withProxy({}, async proxy => {
      const client = new RawClient(proxy.port)
        .send(post.replace('content', 'expect: 100-continue\r\ncontent'))
        .send('ab')
      assert.deepEqual((await client.response()).interim, [])
      assert.deepEqual(upstream.requests[0]!.head.headers.filter(text => text === 'expect').length, 2)
      client.socket.destroy()
    }))

  test('travels end to end with proxy_100_continue', () =>
    withProxy({ config: { proxy100Continue: true } }, async proxy => {
      const client = new RawClient(proxy.port).send(`${post}ab`)
      const response = await client.response()
      assert.deepEqual(response.interim, [])
      assert.equal(upstream.requests[0]!.fields['expect'], '100-continue')
      client.send(get('/interim'))
      assert.deepEqual((await client.response()).interim, [103])
      client.socket.destroy()
    }))
})

describe('refused', () => {
  const refusals: Record<string, [string, number, string, string]> = {
    'HTTP/1.0': ['GET / HTTP/1.0\r\nhost: a\r\n\r\n', 426, 'low_version', 'Upgrade Required'],
    'no host': ['GET / HTTP/1.1\r\n\r\n', 400, 'missing_host_header', ''],
    'an upgrade': [get('/', 'Connection: upgrade\r\nUpgrade: websocket\r\n'), 403, 'upgrade_failed', ''],
    CONNECT: ['CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n', 403, 'upgrade_failed', ''],
    'the asterisk': ['OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n', 404, 'absolute_path_rejected', ''],
    'a fragment': [get('/a#b'), 400, 'path_normalization_failed', ''],
    'NUL in the path': [get('/a%00'), 400, 'path_normalization_failed', ''],
    'what is no HTTP': ['\x16\x03\x01', 400, 'http1.codec_error', 'Bad Request'],
    smuggling: [
      'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
      400,
      'http1.content_length_and_chunked_not_allowed',
      'Bad Request',
    ],
    'a large head': [
      get('/', `a: ${'b'.repeat(70_000)}\r\n`),
      431,
      'http1.headers_too_large',
      'Request Header Fields Too Large',
    ],
    'many fields': [get('/', 'a: b\r\n'.repeat(101)), 431, 'http1.too_many_headers', 'Request Header Fields Too Large'],
  }

  for (const [name, [text, status, details, body]] of Object.entries(refusals)) {
    test(name, () =>
      withProxy({ config: { normalizePath: true } }, async proxy => {
        const response = await exchange(proxy.port, text)
        assert.equal(response.status, status)
        assert.equal(response.body, body)
        assert.equal(response.headers['x-weft-reason'], details)
        assert.equal(proxy.logs.length, 1)
        assert.equal(proxy.logs[0]!.responseCodeDetails, details)
        assert.equal(upstream.requests.length, 0)
      }),
    )
  }

  test('in the middle of a body: the upstream does not see its end', () =>
    withProxy({}, async proxy => {
      const client = new RawClient(proxy.port)
      client.send('POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n')
      await new Promise(resolve => setImmediate(resolve))
      client.send('zz\r\n')
      const response = await client.response()
      assert.equal(response.status, 400)
      assert.equal(response.headers['connection'], 'close')
      await client.closed()
      assert.equal(upstream.requests.length, 0)
    }))

  test('without x-weft-reason where that is switched off', () =>
    withProxy({ reasonHeader: false, route: () => null }, async proxy => {
      const response = await exchange(proxy.port, get('/'))
      assert.equal(response.status, 404)
      assert.equal(response.headers['x-weft-reason'], undefined)
      assert.equal(response.headers['content-length'], '0')
    }))
})

test('the scheme is what the target says, else the transport’s', async () => {
  const scheme = (query: RouteQuery): RouteEntry => ({
    kind: 'redirect',
    name: 'r',
    virtualHost: 'v',
    requestHeaders: NO_MUTATIONS,
    responseHeaders: NO_MUTATIONS,
    filters: NO_ROUTE_FILTERS,
    status: 301,
    rewritePath: () => null,
    location: head => `${head.scheme}://${query.head.authority}`,
  })
  const location = async (proxy: FakeProxy, text: string) => (await exchange(proxy.port, text)).headers['location']
  await withProxy({ route: scheme }, async proxy => {
    assert.equal(await location(proxy, get('/')), 'http://a.b:80')
    assert.equal(await location(proxy, get('/', 'x-forwarded-proto: https\r\n')), 'https://a.b:80')
    assert.equal(await location(proxy, 'GET https://c/ HTTP/1.1\r\nhost: c\r\n\r\n'), 'https://c')
  })
  await withProxy({ route: scheme, info: { tls: true } }, async proxy => {
    assert.equal(await location(proxy, get('/')), 'https://a.b:80')
  })
})

test('a path is matched and sent in one spelling', () =>
  withProxy({ config: { normalizePath: true, mergeSlashes: true } }, async proxy => {
    assert.equal((await exchange(proxy.port, get('/a/%2e%2e/b//c/./d%41?x=/../y'))).body, '/b/c/dA?x=/../y')
    assert.equal(proxy.logs[0]!.path, '/b/c/dA?x=/../y')
  }))

test('the client’s certificate is told as config says', async () => {
  const peer = {
    uriSan: 'spiffe://td/ns/a/sa/b',
    dnsSans: ['x.y'],
    subject: 'O=\\"A\\",CN=b\r\nx: y',
    sha256: 'abcd',
    pem: '-----BEGIN\n',
  }
  const info = { tls: true, peer, localUriSan: 'spiffe://td/ns/c/sa/d' }
  const details = { subject: true, dns: true, uri: true }
  const own = 'By=spiffe://td/ns/c/sa/d;Hash=abcd;Subject="O=\\"A\\",CN=b__x: y";URI=spiffe://td/ns/a/sa/b;DNS=x.y'
  const given = 'x-forwarded-client-cert: By=e\r\n'
  const cases: [0 | 1 | 2 | 3 | 4, Parameters<typeof withProxy>[0], string | undefined][] = [
    [0, { info }, undefined],
    [1, { info }, 'By=e'],
    [2, { info }, `By=e,${own}`],
    [3, { info }, own],
    [4, {}, 'By=e'],
    [2, {}, undefined],
  ]
  for (const [forwardClientCertDetails, options, expected] of cases) {
    const config = { forwardClientCertDetails, setCurrentClientCertDetails: details }
    await withProxy(
      { ...options, ...(options.info && { info: { ...info, peer: { ...peer } } }), config },
      async proxy => {
        await exchange(proxy.port, get('/', given))
        assert.equal(upstream.requests[0]!.fields['x-forwarded-client-cert'], expected)
      },
    )
  }
})
