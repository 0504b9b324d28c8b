// What a try has of the route's time, over real sockets: as an Envoy 1.40 does it.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { FakeClock } from '../../../../base/clock.ts'
import { FakeCluster, type FakeProxy, forwardRoute, RETRY, startFakeProxy } from '../../../http/testing/fake-proxy.ts'
import { exchange, RawClient } from '../../../http/testing/raw-client.ts'
import { ok, type RawUpstream, rawUpstream } from '../../../http/testing/raw-upstream.ts'
import { RETRY_ON, type RetryPolicy } from '../../../route/route-entry.ts'
import { HTTP_CONNECTION_MANAGER } from '../../network/http-connection-manager/factory.ts'

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'
const EXPECTED = 'x-envoy-expected-rq-timeout-ms'
const BAD = 'HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n'
const TIMEOUT_MS = 3000

interface Scene {
  readonly proxy: FakeProxy
  readonly upstream: RawUpstream
  readonly cluster: FakeCluster
  readonly clock: FakeClock
}

async function withProxy(policy: Partial<RetryPolicy>, use: (scene: Scene) => Promise<void>): Promise<void> {
  const upstream = await rawUpstream(() => undefined)
  const clock = new FakeClock()
  const cluster = new FakeCluster('c', upstream.port)
  const retry = { ...RETRY, attempts: 2, retryOn: RETRY_ON['5xx'], ...policy }
  const route = forwardRoute('c', { retry, timeoutMs: TIMEOUT_MS })
  const config = { proxy100Continue: true }
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters: [cluster], clock, route, config })
  await use({ proxy, upstream, cluster, clock })
  await proxy.close()
  await upstream.close()
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate)
}

test('a retry is told what is left of the route’s time', () =>
  withProxy({}, async ({ proxy, upstream, cluster, clock }) => {
    const response = exchange(proxy.port, GET)
    await until(() => upstream.requests.length === 1)
    clock.advance(1000)
    upstream.requests[0]!.socket.write(BAD)
    await until(() => cluster.stats.upstreamRqRetry.value === 1)
    clock.advance(50)
    await until(() => upstream.requests.length === 2)
    upstream.requests[1]!.socket.write(ok())
    assert.equal((await response).status, 200)
    const [first, second] = upstream.requests.map(({ fields }) => Number(fields[EXPECTED]))
    assert.equal(first, TIMEOUT_MS)
    assert.ok(second! >= 1950 && second! < 2000, String(second))
  }))

test('a retry’s own time is not longer than what is left', () =>
  withProxy({ perTryTimeoutMs: 2500 }, async ({ proxy, upstream, cluster, clock }) => {
    const response = exchange(proxy.port, GET)
    await until(() => upstream.requests.length === 1)
    clock.advance(1000)
    upstream.requests[0]!.socket.write(BAD)
    await until(() => cluster.stats.upstreamRqRetry.value === 1)
    clock.advance(50)
    await until(() => upstream.requests.length === 2)
    upstream.requests[1]!.socket.write(ok())
    await response
    const [first, second] = upstream.requests.map(({ fields }) => Number(fields[EXPECTED]))
    assert.equal(first, 2500)
    assert.ok(second! >= 1950 && second! < 2000, String(second))
  }))

test('the time of a try that has begun to answer, with a 1xx, is the route’s', () =>
  withProxy({ perTryTimeoutMs: 500 }, async ({ proxy, upstream, clock }) => {
    const client = new RawClient(proxy.port).send(GET)
    await until(() => upstream.requests.length === 1)
    upstream.requests[0]!.socket.write('HTTP/1.1 103 Early Hints\r\n\r\n')
    await once(client.socket, 'data')
    clock.advance(2500)
    upstream.requests[0]!.socket.write(ok('late'))
    const { status, body, interim } = await client.response()
    assert.deepEqual([status, body, interim], [200, 'late', [103]])
    assert.equal(upstream.requests.length, 1)
    client.socket.destroy()
  }))
