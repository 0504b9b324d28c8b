// The router against connections that do as the test says; over real sockets it is tested with its connection manager.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../../../base/clock.ts'
import { TimerWheel } from '../../../../base/timer-wheel.ts'
import {
  FakeCluster,
  fakeEndpoint,
  forwardRoute,
  plainTransport,
  RETRY,
  startFakeProxy,
} from '../../../http/testing/fake-proxy.ts'
import { exchange } from '../../../http/testing/raw-client.ts'
import { rawUpstream } from '../../../http/testing/raw-upstream.ts'
import { ClusterPools } from '../../../pool/cluster-pools.ts'
import type { HttpPool, PoolWaiter, RequestEncoder, UpstreamStream } from '../../../pool/request-encoder.ts'
import { RESET } from '../../../pool/reset-reason.ts'
import { RETRY_ON } from '../../../route/route-entry.ts'
import { UpstreamConnectionInfo } from '../../../upstream-connection-info.ts'
import { HTTP_CONNECTION_MANAGER } from '../../network/http-connection-manager/factory.ts'

/** Is ready a turn later, notes what it is sent, and answers a whole request; `breaks` at the first bytes of the body. */
class FakeEncoder implements RequestEncoder {
  readonly connection = new UpstreamConnectionInfo('HTTP/1.1', 0)
  readonly isBlocked = false
  readonly isReused = false
  readonly sent: string[] = []
  readonly #breaks: boolean
  #stream: UpstreamStream | null = null

  constructor(breaks: boolean) {
    this.#breaks = breaks
  }

  assign(stream: UpstreamStream): void {
    this.#stream = stream
  }

  sendHead(_head: unknown, path: string, _authority: string, endStream: boolean): void {
    this.#note(path, endStream)
  }

  sendBody(chunk: Buffer, endStream: boolean): void {
    this.#note(chunk.toString(), endStream)
    if (this.#breaks) this.#stream!.onReset(RESET.remoteReset)
  }

  sendTrailers(): void {}
  pause(): void {}
  resume(): void {}
  abandon(): void {}

  #note(what: string, endStream: boolean): void {
    this.sent.push(endStream ? `${what} end` : what)
    if (endStream && !this.#breaks) {
      setImmediate(() => this.#stream!.onResponseHead({ status: 200, headers: [] }, 0, true))
    }
  }
}

/** Answers with a head and nothing else as soon as it has seen one. */
class HastyEncoder extends FakeEncoder {
  abandoned = 0

  constructor() {
    super(false)
  }

  override sendHead(_head: unknown, path: string, authority: string): void {
    super.sendHead(_head, path, authority, true)
  }

  override abandon(): void {
    this.abandoned++
  }
}

function poolOf(encoders: readonly RequestEncoder[]): HttpPool {
  let acquired = 0
  return {
    acquire(waiter: PoolWaiter) {
      const encoder = encoders[acquired++]!
      setImmediate(() => waiter.onPoolReady(encoder))
      return null
    },
    cancel() {},
    drain() {},
  }
}

function clusterOf(pool: HttpPool): FakeCluster {
  const cluster = new FakeCluster('c', 1)
  ClusterPools.of(cluster, new TimerWheel(new FakeClock())).get = () => pool
  return cluster
}

test('a request that is answered by a head alone, before its body has come, is abandoned', async () => {
  const encoder = new HastyEncoder()
  const cluster = clusterOf(poolOf([encoder]))
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters: [cluster], route: forwardRoute('c') })
  const head = 'POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n'
  assert.equal((await exchange(proxy.port, head)).status, 200)
  await proxy.close()
  assert.equal(encoder.abandoned, 1)
})

test('a try that breaks while it is being sent leaves the whole body to the next', async () => {
  const encoders = [new FakeEncoder(true), new FakeEncoder(false)]
  const cluster = clusterOf(poolOf(encoders))
  const route = forwardRoute('c', { retry: { ...RETRY, attempts: 1, retryOn: RETRY_ON.reset } })
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters: [cluster], route })
  const request = 'POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello'
  assert.equal((await exchange(proxy.port, request)).status, 200)
  await proxy.close()
  for (const { sent } of encoders) assert.deepEqual(sent, ['/a', 'hello end'])
})

test('a sidecar that did not reach its application is a destination that is down: the route’s fallback answers', async () => {
  const reason = 'x-weft-reason: upstream_reset_before_response_started{remote_connection_failure}\r\n'
  const upstream = await rawUpstream(() => `HTTP/1.1 503 No\r\ncontent-length: 4\r\n${reason}\r\nbody`)
  const fallback = { kind: 'answer' as const, status: 200, body: Buffer.from('instead'), headers: [] }
  for (const [name, expected] of [
    ['tls', '200 instead'],
    ['raw_buffer', '503 body'],
  ] as const) {
    const cluster = new FakeCluster('c')
    cluster.endpoints = [fakeEndpoint(upstream.port, { ...plainTransport, name })]
    const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, {
      clusters: [cluster],
      route: forwardRoute('c', { fallback }),
    })
    const { status, body } = await exchange(proxy.port, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    assert.equal(`${status} ${body}`, expected)
    await proxy.close()
  }
  await upstream.close()
})
