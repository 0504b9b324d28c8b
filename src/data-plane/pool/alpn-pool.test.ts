// A pool that finds out the protocol: time-outs, waiters that leave, endpoints that leave.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { test } from 'node:test'
import { FakeClock } from '../../base/clock.ts'
import { TimerWheel } from '../../base/timer-wheel.ts'
import { FakeCluster, fakeEndpoint, plainTransport } from '../http/testing/fake-proxy.ts'
import { ok, type RawUpstream, rawUpstream } from '../http/testing/raw-upstream.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'
import { AlpnPool } from './alpn-pool.ts'
import { ClusterPools } from './cluster-pools.ts'
import type { HttpPool, PoolWaiter, RequestEncoder, UpstreamStream } from './request-encoder.ts'
import type { ResetReason } from './reset-reason.ts'

class Exchange implements PoolWaiter, UpstreamStream {
  outcome = ''
  #body = ''
  encoder: RequestEncoder | null = null

  constructor(pool: HttpPool) {
    const encoder = pool.acquire(this, false)
    if (encoder) this.onPoolReady(encoder)
  }

  onPoolReady(encoder: RequestEncoder): void {
    this.encoder = encoder
    encoder.assign(this)
    const head = { method: 'GET', path: '/', authority: 'a', scheme: 'http', headers: [], protocol: '' }
    encoder.sendHead(head, '/', 'a', true)
  }

  onPoolFailure(reason: ResetReason): void {
    this.outcome = reason.text
  }

  onResponseHead(): void {}
  onInterimResponse(): void {}
  onEncoderDrained(): void {}
  onResponseTrailers(): void {}

  onResponseBody(chunk: Buffer, endStream: boolean): void {
    this.#body += chunk.toString()
    if (endStream) this.outcome = this.#body
  }

  onReset(reason: ResetReason): void {
    this.outcome = reason.text
  }
}

interface Scene {
  readonly pool: HttpPool
  readonly pools: ClusterPools
  readonly cluster: FakeCluster
  readonly clock: FakeClock
  readonly upstream: RawUpstream
  /** Lets the handshakes that wait end. */
  finish(): void
  /** From now on connections lead to `port`, which has ALPN say `h2`. */
  becomeHttp2(port: number): void
}

/** Handshakes last until they are told to end, and agree on nothing: HTTP/1.1. */
async function withPool(use: (scene: Scene) => Promise<void>): Promise<void> {
  const upstream = await rawUpstream(() => ok('done'))
  const held: (() => void)[] = []
  let holds = true
  let http2Port = 0
  const transport: UpstreamTransport = {
    name: 'tls',
    connect(address, port, onReady): Socket {
      const socket = plainTransport.connect(address, http2Port || port, failure => {
        const finish = (): void => onReady(failure)
        if (holds) held.push(finish)
        else finish()
      })
      return http2Port === 0 ? socket : Object.assign(socket, { alpnProtocol: 'h2' })
    },
  }
  const cluster = new FakeCluster('c')
  const endpoint = fakeEndpoint(upstream.port, transport)
  cluster.endpoints = [endpoint]
  cluster.httpProtocol = 'auto'
  const clock = new FakeClock()
  const pools = ClusterPools.of(cluster, new TimerWheel(clock))
  const pool = pools.get(endpoint, false, null)
  assert.ok(pool instanceof AlpnPool)
  const finish = (): void => {
    holds = false
    for (const end of held.splice(0)) end()
  }
  const becomeHttp2 = (toPort: number): void => {
    http2Port = toPort
  }
  try {
    await use({ pool, pools, cluster, clock, upstream, finish, becomeHttp2 })
  } finally {
    await upstream.close()
    await ticks(() => cluster.stats.upstreamCxActive.value === 0)
    assert.equal(cluster.stats.upstreamRqPendingActive.value, 0)
  }
}

async function ticks(until: () => boolean): Promise<void> {
  while (!until()) await new Promise(resolve => setImmediate(resolve))
}

test('a handshake that does not end fails all who wait, and the next who comes begins another', () =>
  withPool(async ({ pool, cluster, clock, finish }) => {
    const both = [new Exchange(pool), new Exchange(pool)]
    clock.advance(5010)
    assert.deepEqual(
      both.map(({ outcome }) => outcome),
      ['connection timeout', 'connection timeout'],
    )
    assert.equal(cluster.stats.upstreamCxConnectTimeout.value, 1)
    assert.equal(cluster.stats.upstreamCxActive.value, 0)
    finish()
    const third = new Exchange(pool)
    await ticks(() => third.outcome === 'done')
    assert.equal(cluster.stats.upstreamCxTotal.value, 2)
  }))

test('a connection that nobody waits for any more is kept for the next', () =>
  withPool(async ({ pool, cluster, upstream, finish }) => {
    pool.cancel(new Exchange(pool))
    await ticks(() => upstream.sockets.size === 1)
    finish()
    const next = new Exchange(pool)
    await ticks(() => next.outcome === 'done')
    assert.equal(cluster.stats.upstreamCxTotal.value, 1)
  }))

test('an endpoint that leaves while its protocol is found out serves those who wait, then is forgotten', () =>
  withPool(async ({ pool, pools, cluster, upstream, finish }) => {
    const exchange = new Exchange(pool)
    await ticks(() => upstream.sockets.size === 1)
    cluster.remove(cluster.endpoints[0]!)
    assert.equal(pools.size, 1)
    finish()
    await ticks(() => exchange.outcome === 'done' && pools.size === 0)
    assert.equal(cluster.stats.upstreamCxActive.value, 0)
  }))

test('an endpoint that comes to speak another protocol keeps its pool, and is charged with no failure', () =>
  withPool(async ({ pool, pools, cluster, upstream, finish, becomeHttp2 }) => {
    const server = createHttp2Server((_request, response) => response.end('by HTTP/2')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const accepted: Socket[] = []
    server.on('connection', socket => void accepted.push(socket))
    try {
      finish()
      const endpoint = cluster.endpoints[0]!
      const exchange = async (): Promise<string> => {
        const one = new Exchange(pools.get(endpoint, false, null))
        await ticks(() => one.outcome !== '')
        return one.outcome
      }
      assert.equal(await exchange(), 'done')
      for (const socket of upstream.sockets) socket.destroy()
      await ticks(() => cluster.stats.upstreamCxActive.value === 0)
      becomeHttp2((server.address() as AddressInfo).port)
      assert.equal(await exchange(), 'by HTTP/2')
      assert.equal(await exchange(), 'by HTTP/2')
      assert.equal(pools.get(endpoint, false, null), pool)
      assert.equal(cluster.stats.upstreamCxActive.value, 1)
      assert.equal(cluster.stats.upstreamCxConnectFail.value, 0)
      assert.equal(endpoint.stats.connectFailures, 0)
      cluster.remove(endpoint)
      await ticks(() => cluster.stats.upstreamCxActive.value === 0)
      assert.equal(pools.size, 0)
    } finally {
      for (const socket of accepted) socket.destroy()
      server.close()
    }
  }))
