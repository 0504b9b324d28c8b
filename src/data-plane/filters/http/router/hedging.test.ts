// Hedging over real sockets: a try that takes too long goes on, and another is sent beside it.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { FakeClock } from '../../../../base/clock.ts'
import { FakeCluster, type FakeProxy, forwardRoute, RETRY, startFakeProxy } from '../../../http/testing/fake-proxy.ts'
import { exchange, RawClient } from '../../../http/testing/raw-client.ts'
import { ok, type RawUpstream, rawUpstream } from '../../../http/testing/raw-upstream.ts'
import { RESPONSE_FLAG } from '../../../response-flag.ts'
import { RETRY_ON, type RetryPolicy } from '../../../route/route-entry.ts'
import { HTTP_CONNECTION_MANAGER } from '../../network/http-connection-manager/factory.ts'

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'
const PER_TRY_MS = 100
const TIMEOUT_MS = 1000
const BAD = 'HTTP/1.1 503 No\r\ncontent-length: 3\r\n\r\nbad'

interface Scene {
  readonly proxy: FakeProxy
  readonly upstream: RawUpstream
  readonly cluster: FakeCluster
  readonly clock: FakeClock
  /** The answer to the request that came as number `index`. */
  answer(index: number, text: string): void
  /** The per-try time-out and the time before the next try pass, and that has come. */
  hedge(): Promise<void>
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate)
}

async function withProxy(policy: Partial<RetryPolicy>, use: (scene: Scene) => Promise<void>): Promise<void> {
  const upstream = await rawUpstream(() => undefined)
  const cluster = new FakeCluster('c', upstream.port)
  const clock = new FakeClock()
  const retry = { ...RETRY, attempts: 1, retryOn: RETRY_ON['5xx'], perTryTimeoutMs: PER_TRY_MS, ...policy }
  const route = forwardRoute('c', { retry, timeoutMs: TIMEOUT_MS, hedgesOnPerTryTimeout: true })
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters: [cluster], clock, route })
  await use({
    proxy,
    upstream,
    cluster,
    clock,
    answer: (index, text) => void upstream.requests[index]!.socket.write(text),
    hedge: async () => {
      const tries = upstream.requests.length
      clock.advance(PER_TRY_MS + 10)
      clock.advance(10)
      await until(() => upstream.requests.length === tries + 1)
    },
  })
  assert.equal(cluster.stats.upstreamRqActive.value, 0)
  assert.equal(cluster.resources.retries.count, 0)
  await proxy.close()
  await upstream.close()
}

const first = ({ upstream }: Scene): Promise<void> => until(() => upstream.requests.length === 1)

test('the second try answers first: the first is reset', () =>
  withProxy({}, async scene => {
    const { proxy, upstream, cluster } = scene
    const response = exchange(proxy.port, GET)
    await first(scene)
    await scene.hedge()
    assert.equal(cluster.stats.upstreamRqActive.value, 2)
    scene.answer(1, ok('second'))
    assert.equal((await response).body, 'second')
    await until(() => upstream.sockets.size === 1)
    assert.equal(upstream.requests[0]!.fields['x-envoy-expected-rq-timeout-ms'], String(TIMEOUT_MS))
    const { upstreamRqRetry, upstreamRqPerTryTimeout, upstreamRqTxReset } = cluster.stats
    assert.deepEqual([upstreamRqRetry.value, upstreamRqPerTryTimeout.value, upstreamRqTxReset.value], [1, 0, 1])
    assert.equal(proxy.logs[0]!.responseFlags, 0)
    assert.equal(proxy.logs[0]!.attemptCount, 2)
  }))

test('the first try answers after all: the second is reset, and the log tells of the first', () =>
  withProxy({}, async scene => {
    const { proxy, upstream, cluster } = scene
    const other = await rawUpstream(() => undefined)
    cluster.endpoints.push(...new FakeCluster('other', other.port).endpoints)
    const response = exchange(proxy.port, GET)
    await first(scene)
    scene.clock.advance(PER_TRY_MS + 10)
    scene.clock.advance(10)
    await until(() => other.requests.length === 1)
    scene.answer(0, ok('first'))
    assert.equal((await response).body, 'first')
    await until(() => other.sockets.size === 0)
    assert.equal(proxy.logs[0]!.upstreamHost, `127.0.0.1:${upstream.port}`)
    assert.equal(proxy.logs[0]!.upstream!.localAddress, `127.0.0.1:${upstream.requests[0]!.socket.remotePort}`)
    await other.close()
  }))

test('an answer that comes before the next try is sent is taken, and no other try is', () =>
  withProxy({ backoffBaseMs: 400, backoffMaxMs: 400 }, async scene => {
    const response = exchange(scene.proxy.port, GET)
    await first(scene)
    scene.clock.advance(PER_TRY_MS + 10)
    assert.equal(scene.cluster.resources.retries.count, 1)
    scene.answer(0, ok('first'))
    assert.equal((await response).body, 'first')
    scene.clock.advance(500)
    assert.equal(scene.upstream.requests.length, 1)
  }))

test('a bad answer waits for what the others say, a reset does too', () =>
  withProxy({ attempts: 2 }, async scene => {
    const response = exchange(scene.proxy.port, GET)
    await first(scene)
    await scene.hedge()
    await scene.hedge()
    scene.answer(0, BAD)
    await until(() => scene.cluster.stats.upstreamRqActive.value === 2)
    scene.upstream.requests[2]!.socket.destroy()
    await until(() => scene.cluster.stats.upstreamRqActive.value === 1)
    scene.answer(1, ok('good'))
    assert.equal((await response).body, 'good')
    // The last one would have been tried again.
    assert.equal(scene.proxy.logs[0]!.responseFlags, RESPONSE_FLAG.URX)
  }))

test('when all are bad the last is the answer', () =>
  withProxy({}, async scene => {
    const response = exchange(scene.proxy.port, GET)
    await first(scene)
    await scene.hedge()
    scene.answer(1, BAD)
    await until(() => scene.cluster.stats.upstreamRqActive.value === 1)
    scene.answer(0, BAD)
    const { status, body } = await response
    assert.deepEqual([status, body], [503, 'bad'])
  }))

test('when all are silent the route’s time ends them all', () =>
  withProxy({}, async scene => {
    const response = exchange(scene.proxy.port, GET)
    await first(scene)
    await scene.hedge()
    // The second runs into its own time-out, too, and there is no third.
    scene.clock.advance(PER_TRY_MS + 10)
    assert.equal(scene.cluster.stats.upstreamRqRetryLimitExceeded.value, 1)
    scene.clock.advance(TIMEOUT_MS)
    assert.equal((await response).status, 504)
    assert.equal(scene.proxy.logs[0]!.responseCodeDetails, 'response_timeout')
    assert.equal(scene.cluster.stats.upstreamRqTimeout.value, 2)
    await until(() => scene.upstream.sockets.size === 0)
  }))

const BODY = 'x'.repeat(5000)
const POST = `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`

test('a body goes with every try', () =>
  withProxy({}, async scene => {
    const response = exchange(scene.proxy.port, POST)
    await first(scene)
    await scene.hedge()
    scene.answer(1, ok('second'))
    assert.equal((await response).body, 'second')
    for (const request of scene.upstream.requests) assert.equal(request.body, BODY)
  }))

test('a body is kept for a try that waits for its connection while the first fails', () =>
  withProxy({}, async scene => {
    const { cluster, upstream } = scene
    cluster.limits = { ...cluster.limits, maxConnections: 1 }
    const response = exchange(scene.proxy.port, POST)
    await first(scene)
    scene.clock.advance(PER_TRY_MS + 10)
    scene.clock.advance(10)
    assert.equal(cluster.stats.upstreamRqActive.value, 2)
    upstream.requests[0]!.socket.destroy()
    await until(() => upstream.requests.length === 2)
    assert.equal(upstream.requests[1]!.body, BODY)
    scene.answer(1, ok('second'))
    assert.equal((await response).body, 'second')
  }))

test('a request that nobody asks to repeat is waited for', () =>
  withProxy({ retryOn: 0 }, async scene => {
    const response = exchange(scene.proxy.port, GET)
    await first(scene)
    scene.clock.advance(PER_TRY_MS + 10)
    scene.clock.advance(PER_TRY_MS + 10)
    scene.answer(0, ok('late'))
    assert.equal((await response).body, 'late')
    assert.equal(scene.upstream.requests.length, 1)
  }))

test('a response under way is not ended by its silence', () =>
  withProxy({ perTryIdleTimeoutMs: 300 }, async scene => {
    const { proxy, clock } = scene
    const client = new RawClient(proxy.port).send(GET)
    await first(scene)
    scene.answer(0, 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabc')
    await once(client.socket, 'data')
    clock.advance(500)
    scene.answer(0, 'def')
    assert.equal((await client.response()).body, 'abcdef')
    client.socket.destroy()
  }))

test('what there is no place for is not sent, and the first goes on', () =>
  withProxy({}, async scene => {
    const { cluster } = scene
    cluster.limits = { ...cluster.limits, maxRequests: 1 }
    const response = exchange(scene.proxy.port, GET)
    await first(scene)
    scene.clock.advance(PER_TRY_MS + 10)
    scene.clock.advance(10)
    assert.equal(cluster.stats.upstreamRqActiveOverflow.value, 1)
    scene.answer(0, ok('first'))
    assert.equal((await response).body, 'first')
  }))

test('a client that leaves takes all tries along', () =>
  withProxy({}, async scene => {
    void exchange(scene.proxy.port, GET)
    await first(scene)
    await scene.hedge()
    for (const socket of scene.proxy.sockets) socket.destroy()
    await until(() => scene.upstream.sockets.size === 0)
  }))
