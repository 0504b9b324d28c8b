// Copies of requests: what an Envoy 1.40 with the same routes sent to the cluster that is mirrored to.
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { FakeClock } from '../../../../base/clock.ts'
import {
  FakeCluster,
  type FakeProxy,
  type FakeProxyOptions,
  forwardRoute,
  RETRY,
  startFakeProxy,
} from '../../../http/testing/fake-proxy.ts'
import { exchange, RawClient } from '../../../http/testing/raw-client.ts'
import { ok, type RawUpstream, rawUpstream, type UpstreamRequest } from '../../../http/testing/raw-upstream.ts'
import type { MirrorPolicy } from '../../../route/mirror-policy.ts'
import { RETRY_ON } from '../../../route/route-entry.ts'
import { HTTP_CONNECTION_MANAGER } from '../../network/http-connection-manager/factory.ts'
import { shadowAuthority } from './shadow-head.ts'

type Answer = (request: UpstreamRequest) => string | undefined

interface Stage {
  readonly proxy: FakeProxy
  readonly main: RawUpstream
  readonly shadow: RawUpstream
  readonly cluster: FakeCluster
  readonly clock: FakeClock
}

const TO_SHADOW: MirrorPolicy = { cluster: 'shadow', fraction: 1, appendsShadow: true }

async function withShadow(
  route: Parameters<typeof forwardRoute>[1],
  answers: {
    readonly main?: Answer
    readonly shadow?: Answer
    readonly bufferLimit?: number
    readonly config?: FakeProxyOptions['config']
  },
  use: (stage: Stage) => Promise<void>,
): Promise<void> {
  const main = await rawUpstream(answers.main ?? (() => ok('main')))
  const shadow = await rawUpstream(answers.shadow ?? (() => ok('shadow')))
  const cluster = new FakeCluster('shadow', shadow.port)
  const clock = new FakeClock()
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, {
    clusters: [new FakeCluster('main', main.port), cluster],
    route: forwardRoute('main', { mirrors: [TO_SHADOW], ...route }),
    clock,
    ...(answers.config && { config: answers.config }),
    ...(answers.bufferLimit !== undefined && { bufferLimit: answers.bufferLimit }),
  })
  try {
    await use({ proxy, main, shadow, cluster, clock })
  } finally {
    await proxy.close()
    await main.close()
    await shadow.close()
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setImmediate(resolve))
}

const post = (body: string): string => `POST /a HTTP/1.1\r\nhost: a:80\r\ncontent-length: ${body.length}\r\n\r\n${body}`

test('the copy is what was sent, and says that it is one', () =>
  withShadow(
    { rewritePath: () => '/new', hostRewrite: 'inner:99', timeoutMs: 3000, attemptCountInRequest: true },
    {},
    async ({ proxy, main, shadow, cluster }) => {
      const text = 'POST /a?b=c HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 1.2.3.4\r\ncontent-length: 5\r\n\r\nhello'
      assert.equal((await exchange(proxy.port, text)).body, 'main')
      await until(() => shadow.requests.length === 1 && cluster.stats.upstreamRqActive.value === 0)
      const [{ head, body, fields }, original] = [shadow.requests[0]!, main.requests[0]!]
      assert.deepEqual([head.method, head.path, head.authority, body], ['POST', '/new', 'inner-shadow:99', 'hello'])
      const { 'x-envoy-internal': internal, 'x-forwarded-for': forwarded, ...others } = fields
      assert.deepEqual([internal, forwarded], ['true', '1.2.3.4,127.0.0.1'])
      assert.deepEqual({ ...others, 'x-forwarded-for': '1.2.3.4' }, original.fields)
      assert.equal(others['x-envoy-attempt-count'], '1')
      assert.equal(cluster.stats.upstreamRq2xx.value, 1)
      assert.equal(proxy.logs.length, 1)
    },
  ))

test('a host keeps its port', () => {
  for (const [host, shadow] of [
    ['a.b', 'a.b-shadow'],
    ['a.b:8080', 'a.b-shadow:8080'],
    ['[::1]:80', '[::1]-shadow:80'],
    ['[::1]', '[::1]-shadow'],
    ['10.0.0.1', '10.0.0.1-shadow'],
  ])
    assert.equal(shadowAuthority(host!), shadow)
})

test('several copies, one of them with its host as it was; a cluster that is not there gets none', () => {
  const mirrors = [TO_SHADOW, { ...TO_SHADOW, cluster: 'missing' }, { ...TO_SHADOW, appendsShadow: false }]
  return withShadow({ mirrors }, {}, async ({ proxy, shadow }) => {
    assert.equal((await exchange(proxy.port, post('x'))).status, 200)
    await until(() => shadow.requests.length === 2)
    assert.deepEqual(shadow.requests.map(request => request.head.authority).sort(), ['a-shadow:80', 'a:80'])
  })
})

test('a share of the requests is copied, by one draw for all policies', () => {
  const mirrors = [0.5, 0.5, 0].map(fraction => ({ ...TO_SHADOW, fraction }))
  return withShadow({ mirrors }, {}, async ({ proxy, shadow }) => {
    for (let i = 0; i < 40; i++) await exchange(proxy.port, post(`${i}`))
    await until(() => shadow.requests.length % 2 === 0)
    const bodies = shadow.requests.map(request => request.body)
    const distinct = new Set(bodies)
    assert.ok(distinct.size > 8 && distinct.size < 32, String(distinct.size))
    for (const body of distinct) assert.equal(bodies.filter(other => other === body).length, 2)
  })
})

test('what becomes of a copy is nobody else’s business: no answer, a reset, no endpoint, a full cluster', async () => {
  await withShadow({ timeoutMs: 1000 }, { shadow: () => undefined }, async ({ proxy, shadow, cluster, clock }) => {
    assert.equal((await exchange(proxy.port, post('x'))).body, 'main')
    await until(() => shadow.requests.length === 1)
    assert.equal(cluster.stats.upstreamRqActive.value, 1)
    clock.advance(1000)
    assert.deepEqual([cluster.stats.upstreamRqTimeout.value, cluster.stats.upstreamRqActive.value], [1, 0])
    assert.equal(cluster.stats.triesFailed.value, 1, 'a try that failed, as any that is not answered in time')
    assert.equal(proxy.logs.at(-1)!.responseFlags, 0)
  })
  const reset: Answer = ({ socket }) => void socket.destroy()
  await withShadow({}, { shadow: reset }, async ({ proxy, cluster }) => {
    assert.equal((await exchange(proxy.port, post('x'))).body, 'main')
    await until(() => cluster.stats.upstreamRq5xx.value === 1)
    cluster.limits = { ...cluster.limits, maxRequests: 0 }
    assert.equal((await exchange(proxy.port, post('x'))).body, 'main')
    assert.equal(cluster.stats.upstreamRqActiveOverflow.value, 1)
    cluster.endpoints = []
    assert.equal((await exchange(proxy.port, post('x'))).body, 'main')
    assert.equal(cluster.stats.upstreamCxNoneHealthy.value, 1)
  })
})

test('one copy, however often the request is tried; none of one that has nowhere to go', async () => {
  const retry = { ...RETRY, attempts: 2, retryOn: RETRY_ON['5xx'] }
  const failing = 'HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n'
  let tries = 0
  const main: Answer = () => (++tries < 3 ? failing : ok('main'))
  await withShadow({ retry }, { main }, async ({ proxy, shadow, clock }) => {
    const answer = exchange(proxy.port, post('x'))
    await until(() => {
      clock.advance(10)
      return tries === 3
    })
    assert.equal((await answer).body, 'main')
    await until(() => shadow.requests.length > 0)
    assert.equal(shadow.requests.length, 1)
  })
  const nowhere = forwardRoute('missing').chooseCluster
  await withShadow({ chooseCluster: nowhere }, {}, async ({ proxy, shadow, cluster }) => {
    assert.equal((await exchange(proxy.port, post('x'))).status, 503)
    assert.deepEqual([shadow.requests.length, cluster.stats.upstreamRqTotal.value], [0, 0])
  })
})

test('a copy of half a request ends with it; a whole one goes on when its client has left', async () => {
  const head = 'POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 50\r\n\r\n'
  await withShadow({}, { main: () => undefined, shadow: () => undefined }, async ({ proxy, shadow, cluster }) => {
    const half = new RawClient(proxy.port).send(`${head}half`)
    await until(() => shadow.sockets.size === 1)
    half.socket.destroy()
    await until(() => shadow.sockets.size === 0)
    assert.deepEqual([cluster.stats.upstreamRqActive.value, shadow.requests.length], [0, 0])
    const whole = new RawClient(proxy.port).send(post('whole'))
    await until(() => shadow.requests.length === 1)
    whole.socket.destroy()
    await until(() => proxy.logs.length === 2)
    assert.equal(cluster.stats.upstreamRqActive.value, 1)
    shadow.requests[0]!.socket.write(ok())
    await until(() => cluster.stats.upstreamRqActive.value === 0)
    assert.equal(cluster.stats.upstreamRq2xx.value, 1)
  })
})

test('trailers are copied', () =>
  withShadow({}, { config: { httpProtocolOptions: { enableTrailers: true } } }, async ({ proxy, shadow, cluster }) => {
    cluster.http1 = { ...cluster.http1, trailers: true, limits: { ...cluster.http1.limits, trailers: true } }
    const client = new RawClient(proxy.port).send('POST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n')
    client.send('2\r\nhe\r\n')
    await until(() => shadow.sockets.size === 1)
    client.send('0\r\nx-sum: 1\r\n\r\n')
    await until(() => shadow.requests.length === 1)
    assert.deepEqual([shadow.requests[0]!.body, shadow.requests[0]!.fields['trailer-x-sum']], ['he', '1'])
    client.socket.destroy()
  }))

test('a copy that is slow for a while is sent as it is taken', () => {
  const bytes = 8 * 1024 * 1024
  return withShadow({}, { bufferLimit: 2 * bytes }, async ({ proxy, shadow }) => {
    const slow: Socket[] = []
    shadow.server.on('connection', socket => slow.push(socket.pause()))
    const text = post('x'.repeat(bytes))
    assert.equal((await exchange(proxy.port, text)).body, 'main')
    await until(() => slow.length === 1)
    assert.equal(shadow.requests.length, 0)
    slow[0]!.resume()
    await until(() => shadow.requests.length === 1)
    assert.equal(shadow.requests[0]!.body.length, bytes)
  })
})

test('a copy that does not keep up is given up', async () => {
  const bytes = 64 * 1024 * 1024
  let taken = 0
  await withShadow({}, { bufferLimit: 64 * 1024 }, async ({ proxy, main, shadow, cluster }) => {
    shadow.server.on('connection', socket => socket.pause())
    main.server.on('connection', socket =>
      socket.on('data', chunk => {
        taken += chunk.length
      }),
    )
    const client = new RawClient(proxy.port).send(`POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: ${bytes}\r\n\r\n`)
    client.send(Buffer.alloc(bytes, 'x'))
    assert.equal((await client.response()).body, 'main')
    assert.ok(taken > bytes)
    assert.equal(proxy.stats.value('http.test.rq_shadow_overflow'), 1)
    assert.equal(cluster.stats.upstreamRqActive.value, 0)
    client.socket.destroy()
  })
})

test('a tunnel is not copied', () => {
  const config = { upgradeConfigs: [{ upgradeType: 'websocket' }] }
  return withShadow({}, { config }, async stage => {
    const text = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'
    const client = new RawClient(stage.proxy.port).send(text)
    await until(() => stage.main.sockets.size === 1)
    assert.equal(stage.cluster.stats.upstreamRqTotal.value, 0)
    client.socket.destroy()
  })
})
