// internal_redirect_policy over real sockets. Envoy's word on each location: test/differential.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type IncomingHttpHeaders } from 'node:http2'
import { test } from 'node:test'
import { fromJson, type JsonObject } from '@bufbuild/protobuf'
import { FakeClock, systemClock } from '../../../../base/clock.ts'
import { InternalRedirectPolicySchema } from '../../../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { MESSAGE_REGISTRY } from '../../../../xds/message-registry.ts'
import { ResourceCheck } from '../../../../xds/resource-check.ts'
import { type FilterStage, filter, withFilters } from '../../../http/testing/filter-stage.ts'
import { RawClient } from '../../../http/testing/raw-client.ts'
import { ok, type UpstreamRequest } from '../../../http/testing/raw-upstream.ts'
import { compileInternalRedirects } from '../../../route/compile-internal-redirects.ts'

const TYPE = 'type.googleapis.com/envoy.extensions.internal_redirect'
const PREVIOUS: JsonObject = {
  name: 'previous',
  typedConfig: { '@type': `${TYPE}.previous_routes.v3.PreviousRoutesConfig` },
}

const route = (name: string, policy: JsonObject): JsonObject => ({
  name,
  match: { prefix: `/${name}` },
  route: { cluster: 'c', internalRedirectPolicy: policy },
})
const ROUTES: JsonObject[] = [
  route('once', {}),
  route('often', { maxInternalRedirects: 3, redirectResponseCodes: [302, 303, 307] }),
  route('fresh', { maxInternalRedirects: 9, predicates: [PREVIOUS] }),
  { name: 'target', match: { prefix: '/target' }, route: { cluster: 'c' } },
  {
    name: 'persistent',
    match: { prefix: '/persistent' },
    route: { cluster: 'c', retryPolicy: { retryOn: '5xx', numRetries: 1 } },
  },
  { name: 'direct', match: { prefix: '/direct' }, directResponse: { status: 418 } },
]

/** What a request is told is its path's: `/once?/target` leads to `/target`. */
function lead({ head }: UpstreamRequest): string {
  const [path = '', ...on] = head.path.split('?')
  const status = head.method === 'PUT' ? 307 : head.method === 'POST' ? 303 : 302
  const location = `location: http://b.test${on.join('?')}\r\n`
  if (path.endsWith('/broken')) return 'HTTP/1.1 503 Broken\r\ncontent-length: 0\r\n\r\n'
  return on.length === 0 ? ok(path) : `HTTP/1.1 ${status} On\r\ncontent-length: 2\r\n${location}\r\non`
}

const withRoutes = (use: (stage: FilterStage) => Promise<void>, filters: readonly JsonObject[] = []): Promise<void> =>
  withFilters({ filters, routes: ROUTES, answer: lead }, use)

test('the client is answered by what the redirect leads to, on the connection that it has', () =>
  withRoutes(async ({ proxy, upstream, cluster }) => {
    const client = new RawClient(proxy.port)
    for (let i = 0; i < 2; i++) {
      client.send('GET /once?/target/a HTTP/1.1\r\nhost: a.test\r\nx-a: 1\r\n\r\n')
      const { status, body } = await client.response()
      assert.deepEqual([status, body], [200, '/target/a'])
    }
    client.socket.destroy()
    const { head, fields } = upstream.requests.at(-1)!
    assert.deepEqual([head.authority, fields['x-a']], ['b.test', '1'])
    assert.equal(fields['x-envoy-original-url'], 'http://a.test/once?/target/a')
    assert.equal(fields['x-request-id'], upstream.requests.at(-2)!.fields['x-request-id'])
    const lines = proxy.logs.map(log => [log.responseCode, log.responseCodeDetails, log.path, log.routeName])
    assert.deepEqual(lines.slice(2), [
      [302, 'internal_redirect', '/once?/target/a', 'once'],
      [200, 'via_upstream', '/target/a', 'target'],
    ])
    assert.equal(cluster.stats.upstreamInternalRedirectSucceeded.value, 2)
    // Envoy counts what clients were answered.
    const counted = ['3xx', '2xx', 'active'].map(what => proxy.stats.value(`http.test.downstream_rq_${what}`))
    assert.deepEqual(counted, [0, 2, 0])
  }))

test("no further than the route allows; then the redirect is the client's", () =>
  withRoutes(async ({ get, proxy, upstream, cluster }) => {
    const once = await get('/once?/once?/target')
    assert.deepEqual([once.status, once.headers['location']], [302, 'http://b.test/target'])
    const often = await get('/often?/often?/often?/target')
    assert.deepEqual([often.status, often.body], [200, '/target'])
    assert.equal((await get('/often?/often?/often?/often?/target')).status, 302)
    assert.equal(proxy.stats.value('http.test.passthrough_internal_redirect_too_many_redirects'), 2)
    assert.equal(cluster.stats.upstreamInternalRedirectFailed.value, 2)
    upstream.requests.length = 0
    assert.equal((await get('/fresh?/fresh?/fresh?/target')).status, 302)
    assert.equal(upstream.requests.length, 2)
    assert.equal(proxy.stats.value('http.test.passthrough_internal_redirect_predicate'), 1)
  }))

test('a body goes along; behind 303 nothing but what is to be seen is asked for', () =>
  withRoutes(async ({ send, upstream }) => {
    const body = 'b'.repeat(70_000)
    for (const [method, next, sent] of [
      ['PUT', 'PUT', body],
      ['POST', 'GET', ''],
    ] as const) {
      const head = `${method} /often?/target HTTP/1.1\r\nhost: a.test\r\ncontent-length: ${body.length}\r\n\r\n`
      assert.equal((await send(head + body)).status, 200)
      const { head: asked, body: got, fields } = upstream.requests.at(-1)!
      assert.equal(asked.method, next)
      assert.equal(got === sent, true)
      assert.equal(fields['content-length'], sent === '' ? undefined : String(sent.length))
    }
  }))

test('a request whose body 303 has taken away may be led on, and tried again', () =>
  withFilters({ filters: [], routes: ROUTES, answer: lead, clock: systemClock }, async ({ send, upstream }) => {
    const post = (path: string): string => `POST ${path} HTTP/1.1\r\nhost: a.test\r\ncontent-length: 4\r\n\r\nbody`
    const led = await send(post('/often?/often?/target'))
    assert.deepEqual([led.status, led.body], [200, '/target'])
    upstream.requests.length = 0
    const tried = await send(post('/often?/persistent/broken'))
    assert.equal(tried.status, 503)
    assert.deepEqual(
      upstream.requests.map(({ head, body }) => [head.method, head.path, body]),
      [
        ['POST', '/often?/persistent/broken', 'body'],
        ['GET', '/persistent/broken', ''],
        ['GET', '/persistent/broken', ''],
      ],
    )
  }))

test('a request that is led to an answer of the mesh leaves its connection as it is: all of it is here', () =>
  withRoutes(async ({ proxy }) => {
    const client = new RawClient(proxy.port)
    for (let i = 0; i < 2; i++) {
      client.send('PUT /often?/direct HTTP/1.1\r\nhost: a.test\r\ncontent-length: 4\r\n\r\nbody')
      const { status, headers } = await client.response()
      assert.deepEqual([status, headers['connection']], [418, undefined])
    }
    client.socket.destroy()
    assert.equal(proxy.stats.value('http.test.downstream_rq_response_before_rq_complete'), 0)
  }))

test('what leads on takes time that is not of the destination that answers', () => {
  const clock = new FakeClock()
  const answer = (request: UpstreamRequest): string => {
    clock.advance(request.head.path.startsWith('/often') ? 1000 : 20)
    return lead(request)
  }
  return withFilters({ filters: [], routes: ROUTES, clock, answer }, async ({ send, proxy, cluster }) => {
    const times: number[] = []
    cluster.stats.upstreamRqTime.record = ms => void times.push(ms)
    for (const body of ['', 'body']) {
      const length = `content-length: ${body.length}\r\n`
      const { headers } = await send(`PUT /often?/target HTTP/1.1\r\nhost: a.test\r\n${length}\r\n${body}`)
      assert.equal(headers['x-envoy-upstream-service-time'], '20')
    }
    assert.equal(proxy.logs.at(-1)!.duration, 1020)
    assert.deepEqual(times, [20, 20])
  })
})

test('filters see the next request too, and may refuse it', () =>
  withRoutes(
    async ({ get, upstream }) => {
      assert.equal((await get('/once?/target')).status, 200)
      upstream.requests.length = 0
      assert.equal((await get('/once?/target/secret')).status, 403)
      assert.equal(upstream.requests.length, 1)
    },
    [
      filter('rbac.v3.RBAC', {
        rules: {
          action: 'DENY',
          policies: {
            p: { permissions: [{ urlPath: { path: { exact: '/target/secret' } } }], principals: [{ any: true }] },
          },
        },
      }),
    ],
  ))

test('a location that would end the request elsewhere is not followed', () =>
  withFilters(
    {
      filters: [],
      routes: ROUTES,
      answer: () => 'HTTP/1.1 302 On\r\ncontent-length: 0\r\nlocation: http://b.test/target x\r\n\r\n',
    },
    async ({ get, proxy }) => {
      assert.equal((await get('/once')).status, 302)
      assert.equal(proxy.stats.value('http.test.passthrough_internal_redirect_bad_location'), 1)
    },
  ))

test('a client that leaves on the way ends what it has been led to, and each of the two has its line', () => {
  const clock = new FakeClock()
  const asked = Promise.withResolvers<UpstreamRequest>()
  const answer = (request: UpstreamRequest): string | undefined => {
    if (!request.head.path.startsWith('/target')) return lead(request)
    asked.resolve(request)
    return undefined
  }
  return withFilters({ filters: [], routes: ROUTES, clock, answer }, async ({ proxy }) => {
    const client = new RawClient(proxy.port)
    client.send('PUT /often?/target HTTP/1.1\r\nhost: a.test\r\ncontent-length: 4\r\n\r\nbody')
    const { socket } = await asked.promise
    const left = once(socket, 'close')
    client.socket.destroy()
    await left
    assert.deepEqual(
      proxy.logs.map(log => [log.responseCode, log.responseCodeDetails]),
      [
        [307, 'internal_redirect'],
        [0, 'downstream_remote_disconnect'],
      ],
    )
    const counted = ['active', 'completed', 'total', 'rx_reset', '3xx'].map(what =>
      proxy.stats.value(`http.test.downstream_rq_${what}`),
    )
    assert.deepEqual(counted, [0, 2, 2, 1, 0])
  })
})

test('where a redirect leads there is the time of a request anew', () => {
  const clock = new FakeClock()
  const asked = Promise.withResolvers<void>()
  const answer = (request: UpstreamRequest): string | undefined => {
    if (!request.head.path.startsWith('/target')) {
      clock.advance(14_000)
      return lead(request)
    }
    asked.resolve()
    return undefined
  }
  return withFilters({ filters: [], routes: ROUTES, clock, answer }, async stage => {
    const response = stage.get('/once?/target')
    await asked.promise
    clock.advance(14_000)
    assert.equal(stage.proxy.logs.length, 1)
    clock.advance(2000)
    assert.equal((await response).status, 504)
    assert.equal(stage.lastLog, '504 UT response_timeout')
  })
})

test('over HTTP/2 each stream is led on by itself', () =>
  withRoutes(async ({ proxy }) => {
    const session = connect(`http://127.0.0.1:${proxy.port}`)
    const ask = async (path: string): Promise<string> => {
      const stream = session.request({ ':path': path, ':authority': 'a.test' })
      const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
      let body = ''
      for await (const chunk of stream.setEncoding('utf8')) body += chunk
      return `${headers[':status']} ${body}`
    }
    const paths = ['/once?/target/1', '/often?/often?/target/2', '/target/3']
    assert.deepEqual(await Promise.all(paths.map(ask)), ['200 /target/1', '200 /target/2', '200 /target/3'])
    session.destroy()
    assert.equal(proxy.stats.value('http.test.downstream_rq_active'), 0)
  }))

test('a policy that Envoy refuses', () => {
  const policy: JsonObject = {
    redirectResponseCodes: [301, 302, 303, 307, 308, 301],
    responseHeadersToCopy: [':path', 'x-a', 'x-a', 'Host'],
    predicates: [
      {
        name: 'p',
        typedConfig: { '@type': `${TYPE}.allow_listed_routes.v3.AllowListedRoutesConfig`, allowedRouteNames: [''] },
      },
      { name: 'unknown' },
    ],
  }
  const check = new ResourceCheck('')
  const message = fromJson(InternalRedirectPolicySchema, policy, { registry: MESSAGE_REGISTRY })
  compileInternalRedirects(message, 'p', check)
  assert.deepEqual(
    check.problems.map(({ path }) => path),
    [
      'p.redirect_response_codes',
      'p.response_headers_to_copy[0]',
      'p.response_headers_to_copy[2]',
      'p.response_headers_to_copy[3]',
      'p.predicates[0].typed_config.allowed_route_names[0]',
      'p.predicates[1]',
    ],
  )
})
