// Time-outs, idle connections and drain, on a clock that the test moves.
import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { FakeClock } from '../../../../base/clock.ts'
import {
  FakeCluster,
  type FakeProxy,
  type FakeProxyOptions,
  forwardRoute,
  startFakeProxy,
} from '../../../http/testing/fake-proxy.ts'
import { RawClient } from '../../../http/testing/raw-client.ts'
import { ok, type RawUpstream, rawUpstream } from '../../../http/testing/raw-upstream.ts'
import { RESPONSE_FLAG } from '../../../response-flag.ts'
import { type ForwardRoute, RETRY_ON, type StreamDuration } from '../../../route/route-entry.ts'
import { HTTP_CONNECTION_MANAGER } from './factory.ts'

interface Stage {
  readonly clock: FakeClock
  readonly proxy: FakeProxy
  readonly upstream: RawUpstream
  readonly cluster: FakeCluster
  /** Connected, and known to the proxy. */
  client(): Promise<RawClient>
}

async function withStage(
  options: (cluster: FakeCluster) => FakeProxyOptions,
  use: (stage: Stage) => Promise<void>,
): Promise<void> {
  const clock = new FakeClock()
  const upstream = await rawUpstream(({ head }) => (head.path === '/silent' ? undefined : ok(head.path)))
  const cluster = new FakeCluster('c', upstream.port)
  // Longer than any step of the clock below: connections to the loopback take real time.
  cluster.connectTimeoutMs = 600_000
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters: [cluster], clock, ...options(cluster) })
  const client = async (): Promise<RawClient> => {
    const before = proxy.sockets.length
    const made = new RawClient(proxy.port)
    await ticks(() => proxy.sockets.length > before)
    return made
  }
  try {
    await use({ clock, proxy, upstream, cluster, client })
  } finally {
    await proxy.close()
    await upstream.close()
  }
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.b\r\n\r\n`
const seconds = (value: number): { seconds: bigint } => ({ seconds: BigInt(value) })

async function ticks(until: () => boolean): Promise<void> {
  while (!until()) await new Promise(resolve => setImmediate(resolve))
}

test('the route’s time-out: 504 UT', () =>
  withStage(
    () => ({ route: forwardRoute('c', { timeoutMs: 2000 }) }),
    async ({ clock, proxy, upstream, cluster, client }) => {
      const waiting = await client()
      waiting.send(get('/silent'))
      await ticks(() => upstream.requests.length === 1)
      assert.equal(upstream.requests[0]!.fields['x-envoy-expected-rq-timeout-ms'], '2000')
      clock.advance(1999)
      assert.equal(proxy.logs.length, 0)
      clock.advance(10)
      const response = await waiting.response()
      assert.equal(response.status, 504)
      assert.equal(response.body, 'upstream request timeout')
      assert.equal(response.headers['x-weft-reason'], 'response_timeout')
      assert.equal(proxy.logs[0]!.responseFlags, RESPONSE_FLAG.UT)
      assert.equal(cluster.stats.upstreamRqTimeout.value, 1)
      await ticks(() => upstream.sockets.size === 0)
      waiting.send(get('/again'))
      assert.equal((await waiting.response()).body, '/again')
    },
  ))

test('the time-out of each try, with and without another', () =>
  withStage(
    () => {
      const retry = {
        attempts: 1,
        retryOn: RETRY_ON.reset,
        retriableStatusCodes: [],
        perTryTimeoutMs: 1000,
        perTryIdleTimeoutMs: 0,
        resetFields: [],
        rateLimitedMaxMs: 0,
        retriableHeaders: [],
        retriableRequests: [],
        backoffBaseMs: 25,
        backoffMaxMs: 250,
        avoidPreviousHosts: false,
        hostSelectionAttempts: 1,
        priorityUpdateFrequency: 0,
      }
      return { route: forwardRoute('c', { retry }) }
    },
    async ({ clock, proxy, upstream, cluster, client }) => {
      const waiting = await client()
      waiting.send(get('/silent'))
      await ticks(() => upstream.requests.length === 1)
      clock.advance(1010)
      clock.advance(30)
      await ticks(() => upstream.requests.length === 2)
      clock.advance(1010)
      const response = await waiting.response()
      assert.equal(response.status, 504)
      assert.equal(response.headers['x-weft-reason'], 'upstream_per_try_timeout')
      assert.equal(proxy.logs[0]!.responseFlags, RESPONSE_FLAG.UT | RESPONSE_FLAG.URX)
      assert.equal(cluster.stats.upstreamRqPerTryTimeout.value, 2)
    },
  ))

test('an idle stream: 504 when it waits for the upstream, 408 when for the client', () =>
  withStage(
    () => ({ config: { streamIdleTimeout: seconds(10) } }),
    async ({ clock, proxy, upstream, client }) => {
      const waiting = await client()
      waiting.send(get('/silent'))
      await ticks(() => upstream.requests.length === 1)
      clock.advance(10_010)
      assert.equal((await waiting.response()).status, 504)
      const slow = await client()
      slow.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nab')
      await ticks(() => proxy.stats.value('http.test.downstream_rq_total') === 2)
      clock.advance(10_010)
      assert.equal((await slow.response()).status, 408)
      await slow.closed()
      assert.deepEqual(
        proxy.logs.map(log => log.responseFlags),
        [RESPONSE_FLAG.SI, RESPONSE_FLAG.SI],
      )
    },
  ))

test('a route’s own idle time-out, and none at all', () =>
  withStage(
    () => ({
      config: { streamIdleTimeout: seconds(10), commonHttpProtocolOptions: { idleTimeout: seconds(20) } },
      route: ({ head }) => forwardRoute('c', { idleTimeoutMs: head.authority === 'none' ? 0 : 30_000 }),
    }),
    async ({ clock, proxy, upstream, client }) => {
      const none = await client()
      none.send('GET /silent HTTP/1.1\r\nhost: none\r\n\r\n')
      const some = await client()
      some.send(get('/silent'))
      await ticks(() => upstream.requests.length === 2)
      clock.advance(29_000)
      assert.equal(proxy.logs.length, 0)
      clock.advance(1010)
      assert.equal((await some.response()).status, 504)
      clock.advance(3_600_000)
      upstream.requests.find(request => request.head.authority === 'none')!.socket.write(ok('late'))
      assert.equal((await none.response()).body, 'late')
    },
  ))

test('a request that does not arrive: its head, or the rest', () =>
  withStage(
    () => ({ config: { requestHeadersTimeout: seconds(5), requestTimeout: seconds(7) } }),
    async ({ clock, proxy, client }) => {
      const head = await client()
      head.send('GET / HT')
      const bytes = (): number => proxy.stats.value('http.test.downstream_cx_rx_bytes_total')
      await ticks(() => bytes() === 8)
      clock.advance(5010)
      const first = await head.response()
      assert.equal(first.status, 408)
      assert.equal(first.headers['x-weft-reason'], 'request_header_timeout')
      const body = await client()
      body.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nab')
      await ticks(() => proxy.stats.value('http.test.downstream_rq_total') === 2)
      clock.advance(7010)
      assert.equal((await body.response()).headers['x-weft-reason'], 'request_overall_timeout')
    },
  ))

test('the time for a request runs from the first byte of its head', () =>
  withStage(
    () => ({ config: { requestTimeout: seconds(7) } }),
    async ({ clock, proxy, client }) => {
      const bytes = (): number => proxy.stats.value('http.test.downstream_cx_rx_bytes_total')
      const head = await client()
      head.send('GET / HT')
      await ticks(() => bytes() === 8)
      clock.advance(7010)
      const first = await head.response()
      assert.deepEqual([first.status, first.headers['x-weft-reason']], [408, 'request_overall_timeout'])
      const body = await client()
      body.send('POST / HT')
      await ticks(() => bytes() === 17)
      clock.advance(5000)
      body.send('TP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nab')
      await ticks(() => proxy.stats.value('http.test.downstream_rq_total') === 2)
      clock.advance(2010)
      assert.equal((await body.response()).headers['x-weft-reason'], 'request_overall_timeout')
    },
  ))

const bounded = (duration: Partial<StreamDuration>): ForwardRoute =>
  forwardRoute('c', { streamDuration: { maxMs: -1, grpcTimeoutMaxMs: -1, grpcTimeoutOffsetMs: 0, ...duration } })

test('a stream over its time: 504 when it waits for the upstream, 408 when for the client', () =>
  withStage(
    () => ({ route: bounded({ maxMs: 2000 }) }),
    async ({ clock, proxy, upstream, client }) => {
      const whole = await client()
      whole.send(get('/silent'))
      const half = await client()
      half.send('POST /silent HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nab')
      await ticks(() => upstream.requests.length === 1 && proxy.stats.value('http.test.downstream_rq_total') === 2)
      clock.advance(2010)
      const answers = [await whole.response(), await half.response()]
      assert.deepEqual(
        answers.map(({ status, headers }) => [status, headers['x-weft-reason']]),
        [
          [504, 'max_duration_timeout'],
          [408, 'max_duration_timeout'],
        ],
      )
      assert.equal(proxy.logs[0]!.responseFlags, 0)
    },
  ))

test('a gRPC deadline: the upstream is told what the route leaves of it; one that is over goes nowhere', () =>
  withStage(
    () => ({ route: bounded({ grpcTimeoutMaxMs: 3000 }) }),
    async ({ proxy, upstream, client }) => {
      const grpc = (timeout: string): string =>
        `POST /x HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc\r\ncontent-length: 0\r\ngrpc-timeout: ${timeout}\r\n\r\n`
      const long = await client()
      long.send(grpc('5S'))
      assert.equal((await long.response()).status, 200)
      assert.equal(upstream.requests[0]!.fields['grpc-timeout'], '3000m')
      const spent = await client()
      spent.send(grpc('0m'))
      assert.equal((await spent.response()).headers['grpc-status'], '4')
      assert.equal(upstream.requests.length, 1)
      assert.equal(proxy.stats.value('http.test.downstream_rq_max_duration_reached'), 1)
    },
  ))

test('idle connections close: the client’s and the pool’s', () =>
  withStage(
    cluster => {
      cluster.idleTimeoutMs = 3000
      return { config: { commonHttpProtocolOptions: { idleTimeout: seconds(5) } } }
    },
    async ({ clock, proxy, upstream, cluster, client }) => {
      const idle = await client()
      idle.send(get('/'))
      await idle.response()
      clock.advance(2000)
      assert.equal(upstream.sockets.size, 1)
      clock.advance(1010)
      await ticks(() => upstream.sockets.size === 0)
      assert.equal(cluster.stats.upstreamCxActive.value, 0)
      assert.equal(proxy.filter.activeConnections, 1)
      clock.advance(2000)
      await idle.closed()
      assert.equal(proxy.stats.value('http.test.downstream_cx_idle_timeout'), 1)
      await ticks(() => proxy.filter.activeConnections === 0)
      assert.equal(clock.pendingTimers <= 1, true)
    },
  ))

test('connecting takes no longer than the cluster allows', () =>
  withStage(
    cluster => {
      cluster.connectTimeoutMs = 1000
      const transport = { name: 'raw_buffer' as const, connect: neverConnects }
      cluster.endpoints = [{ ...cluster.endpoints[0]!, transport }]
      return {}
    },
    async ({ clock, proxy, cluster, client }) => {
      const waiting = await client()
      waiting.send(get('/'))
      await ticks(() => cluster.stats.upstreamCxTotal.value === 1)
      clock.advance(1010)
      const response = await waiting.response()
      assert.equal(response.status, 503)
      assert.equal(response.headers['x-weft-reason'], 'upstream_reset_before_response_started{connection_timeout}')
      assert.equal(proxy.logs[0]!.responseFlags, RESPONSE_FLAG.UF)
      assert.equal(cluster.stats.upstreamCxConnectTimeout.value, 1)
      assert.equal(cluster.stats.upstreamCxActive.value, 0)
    },
  ))

test('drain: what runs is finished and told to close, what is idle closes', () =>
  withStage(
    () => ({}),
    async ({ clock, proxy, upstream, client }) => {
      const unused = await client()
      const idle = await client()
      idle.send(get('/'))
      await idle.response()
      const racing = await client()
      racing.send(get('/'))
      await racing.response()
      const busy = await client()
      busy.send(get('/silent'))
      await ticks(() => upstream.requests.length === 3)
      proxy.filter.drain()
      racing.send(get('/late'))
      const late = await racing.response()
      assert.equal(late.body, '/late')
      assert.equal(late.headers['connection'], 'close')
      clock.advance(600)
      await Promise.all([unused.closed(), idle.closed(), racing.closed()])
      upstream.requests.find(request => request.head.path === '/silent')!.socket.write(ok('done'))
      const done = await busy.response()
      assert.equal(done.body, 'done')
      assert.equal(done.headers['connection'], 'close')
      await ticks(() => proxy.filter.activeConnections === 0)
    },
  ))

test('a connection’s last request, by number and by age', () =>
  withStage(
    () => ({
      config: { commonHttpProtocolOptions: { maxRequestsPerConnection: 2, maxConnectionDuration: seconds(60) } },
    }),
    async ({ clock, client }) => {
      const counted = await client()
      counted.send(get('/1'))
      assert.equal((await counted.response()).headers['connection'], undefined)
      counted.send(get('/2'))
      assert.equal((await counted.response()).headers['connection'], 'close')
      await counted.closed()
      const aged = await client()
      clock.advance(60_010)
      await aged.closed()
    },
  ))

test('the time for a request is over once it is being answered: a tunnel outlives it', () =>
  withStage(
    () => ({ config: { requestTimeout: seconds(7), upgradeConfigs: [{ upgradeType: 'websocket' }] } }),
    async ({ clock, proxy, upstream, cluster, client }) => {
      upstream.server.on('connection', socket =>
        socket.once('data', () => {
          socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')
        }),
      )
      const tunnel = await client()
      tunnel.send('GET / HTTP/1.1\r\nHost: a.b\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')
      await ticks(() => cluster.stats.upstreamCxRxBytesTotal.value > 0)
      clock.advance(10_000)
      await new Promise(resolve => setImmediate(resolve))
      assert.equal(proxy.stats.value('http.test.downstream_rq_timeout'), 0)
      assert.equal(proxy.stats.value('http.test.downstream_rq_active'), 1)
    },
  ))

/** A socket that is forever on its way. */
function neverConnects(): Socket {
  return new Socket()
}
