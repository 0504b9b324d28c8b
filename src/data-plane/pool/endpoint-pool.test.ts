// Pools on real sockets: reuse, dead connections, drain, limits of use.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../base/clock.ts'
import { TimerWheel } from '../../base/timer-wheel.ts'
import type { RequestHead } from '../../transport/request-head.ts'
import { FakeCluster } from '../http/testing/fake-proxy.ts'
import { ok, type RawUpstream, rawUpstream, type UpstreamRequest } from '../http/testing/raw-upstream.ts'
import { ClusterPools } from './cluster-pools.ts'
import type { EndpointPool } from './endpoint-pool.ts'
import type { PoolWaiter, RequestEncoder, UpstreamStream } from './request-encoder.ts'
import type { ResetReason } from './reset-reason.ts'

/** One request, from the pool to its response's end. */
class Exchange implements PoolWaiter, UpstreamStream {
  outcome = ''
  connection: RequestEncoder | null = null
  readonly #path: string

  constructor(pool: EndpointPool, path = '/', fresh = false) {
    this.#path = path
    const connection = pool.acquire(this, fresh)
    if (connection) this.onPoolReady(connection)
  }

  onPoolReady(connection: RequestEncoder): void {
    this.connection = connection
    connection.assign(this)
    const head: RequestHead = {
      method: 'GET',
      path: this.#path,
      authority: 'a',
      scheme: 'http',
      headers: [],
      protocol: '',
    }
    connection.sendHead(head, this.#path, 'a', true)
  }

  onPoolFailure(reason: ResetReason): void {
    this.outcome = reason.text
  }

  onResponseHead(): void {}
  onInterimResponse(): void {}
  onEncoderDrained(): void {}
  onResponseTrailers(): void {}

  onResponseBody(chunk: Buffer, endStream: boolean): void {
    if (endStream) this.outcome = chunk.toString()
  }

  onReset(reason: ResetReason): void {
    this.outcome = reason.text
  }
}

async function ticks(until: () => boolean): Promise<void> {
  while (!until()) await new Promise(resolve => setImmediate(resolve))
}

async function withPool(
  answer: (request: UpstreamRequest) => string | undefined,
  use: (
    pool: EndpointPool,
    cluster: FakeCluster,
    upstream: RawUpstream,
    pools: ClusterPools,
    clock: FakeClock,
  ) => Promise<void>,
): Promise<void> {
  const upstream = await rawUpstream(answer)
  const cluster = new FakeCluster('c', upstream.port)
  const clock = new FakeClock()
  const pools = ClusterPools.of(cluster, new TimerWheel(clock))
  const pool = pools.get(cluster.endpoints[0]!, false, null) as EndpointPool
  try {
    await use(pool, cluster, upstream, pools, clock)
  } finally {
    await upstream.close()
    await ticks(() => cluster.stats.upstreamCxActive.value === 0)
  }
}

test('the connection used last is used next', () =>
  withPool(
    ({ head }) => (head.path === '/hold' ? undefined : ok('done')),
    async (pool, cluster) => {
      const both = [new Exchange(pool), new Exchange(pool)]
      await ticks(() => both.every(exchange => exchange.outcome === 'done'))
      assert.equal(pool.idleCount, 2)
      const third = new Exchange(pool)
      await ticks(() => third.outcome === 'done')
      const fourth = new Exchange(pool)
      assert.equal(fourth.connection, third.connection)
      await ticks(() => fourth.outcome === 'done')
      assert.equal(cluster.stats.upstreamCxTotal.value, 2)
    },
  ))

test('an idle connection that the other side closes, or speaks on, is not used again', () =>
  withPool(
    () => ok('done'),
    async (pool, cluster, upstream) => {
      for (const spoil of ['end', 'speak'] as const) {
        const first = new Exchange(pool)
        await ticks(() => first.outcome === 'done')
        for (const socket of upstream.sockets) {
          if (spoil === 'end') socket.end()
          else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
        }
        await ticks(() => pool.openCount === 0)
        assert.equal(pool.idleCount, 0)
      }
      assert.equal(cluster.stats.upstreamCxTotal.value, 2)
      assert.equal(cluster.stats.upstreamCxDestroyRemoteWithActiveRq.value, 0)
    },
  ))

test('a response with bytes behind its end is delivered, and its connection closed', () =>
  withPool(
    () => `${ok('done')}more`,
    async pool => {
      const exchange = new Exchange(pool)
      await ticks(() => exchange.outcome === 'done' && pool.openCount === 0)
    },
  ))

test('what comes behind a response is no answer to the next request', async () => {
  for (const extra of [ok('evil'), 'HTTP/1.1 200 OK\r\nx-evil: ', '\r\n']) {
    await withPool(
      ({ head }) => (head.path === '/split' ? `${ok('done')}${extra}` : ok('honest')),
      async (pool, cluster) => {
        cluster.limits = { ...cluster.limits, maxConnections: 1 }
        const both = [new Exchange(pool, '/split'), new Exchange(pool, '/waits')]
        await ticks(() => both[1]!.outcome !== '')
        assert.deepEqual(
          both.map(({ outcome }) => outcome),
          ['done', 'honest'],
        )
        const idle = new Exchange(pool, '/split')
        await ticks(() => idle.outcome === 'done')
        assert.equal(pool.idleCount, 0)
      },
    )
  }
})

test('an endpoint that leaves: idle connections close, the others after their request', () =>
  withPool(
    ({ head }) => (head.path === '/hold' ? undefined : ok('done')),
    async (pool, cluster, upstream, pools) => {
      const idle = new Exchange(pool)
      const held = new Exchange(pool, '/hold')
      await ticks(() => idle.outcome === 'done' && upstream.requests.length === 2)
      cluster.remove(cluster.endpoints[0]!)
      assert.equal(pool.idleCount, 0)
      assert.equal(pools.size, 1)
      upstream.requests.find(request => request.head.path === '/hold')!.socket.write(ok('done'))
      await ticks(() => held.outcome === 'done' && pool.openCount === 0)
      assert.equal(pools.size, 0)
    },
  ))

test('a cluster that was replaced keeps no connection for later', () =>
  withPool(
    () => ok('done'),
    async (pool, cluster) => {
      cluster.live = false
      const late = new Exchange(pool)
      await ticks(() => late.outcome === 'done')
      assert.equal(pool.idleCount, 0)
      await ticks(() => pool.openCount === 0)
    },
  ))

test('a connection carries no more requests than the cluster allows', () =>
  withPool(
    () => ok('done'),
    async (pool, cluster) => {
      cluster.maxRequestsPerConnection = 2
      for (let i = 0; i < 5; i++) {
        const exchange = new Exchange(pool)
        await ticks(() => exchange.outcome === 'done')
      }
      assert.equal(cluster.stats.upstreamCxTotal.value, 3)
    },
  ))

test('all who wait hear of a connection that cannot be made', () =>
  withPool(
    () => ok(),
    async (pool, cluster, upstream) => {
      await upstream.close()
      const both = [new Exchange(pool), new Exchange(pool)]
      await ticks(() => both.every(exchange => exchange.outcome === 'remote connection failure'))
      assert.equal(cluster.stats.upstreamRqPendingActive.value, 0)
      await ticks(() => cluster.stats.upstreamCxConnectFail.value === 2)
    },
  ))

test('one who no longer waits is not called', () =>
  withPool(
    () => ok('done'),
    async (pool, cluster) => {
      const gone = new Exchange(pool)
      pool.cancel(gone)
      await ticks(() => pool.idleCount === 1)
      assert.equal(gone.connection, null)
      assert.equal(cluster.stats.upstreamRqPendingActive.value, 0)
    },
  ))

test('a connection is let go before the endpoint closes it, once that has said when', () =>
  withPool(
    () => ok('done', 'keep-alive: timeout=5, max=100\r\n'),
    async (pool, _cluster, _upstream, _pools, clock) => {
      const exchange = new Exchange(pool)
      await ticks(() => exchange.outcome === 'done')
      clock.advance(3900)
      assert.equal(pool.idleCount, 1)
      clock.advance(200)
      assert.equal(pool.idleCount, 0)
    },
  ))

test('or has shown it three times', () =>
  withPool(
    () => ok('done'),
    async (pool, _cluster, upstream, _pools, clock) => {
      for (let i = 0; i < 3; i++) {
        const exchange = new Exchange(pool)
        await ticks(() => exchange.outcome === 'done')
        clock.advance(8000)
        assert.equal(pool.idleCount, 1)
        for (const socket of upstream.sockets) socket.end()
        await ticks(() => pool.openCount === 0)
      }
      const exchange = new Exchange(pool)
      await ticks(() => exchange.outcome === 'done')
      clock.advance(7100)
      assert.equal(pool.idleCount, 0)
    },
  ))

test('who wants a fresh connection at the limit gets the place of an idle one', () =>
  withPool(
    () => ok('done'),
    async (pool, cluster, upstream) => {
      cluster.limits = { ...cluster.limits, maxConnections: 1 }
      const first = new Exchange(pool)
      await ticks(() => first.outcome === 'done')
      const second = new Exchange(pool, '/', true)
      await ticks(() => second.outcome !== '')
      assert.equal(second.outcome, 'done')
      assert.deepEqual(
        upstream.requests.map(({ index }) => index),
        [0, 0],
      )
    },
  ))
