// The end of a CONNECT that ends here, whatever the endpoint takes of its bytes.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { FakeClock } from '../../base/clock.ts'
import { TimerWheel } from '../../base/timer-wheel.ts'
import type { RequestHead } from '../../transport/request-head.ts'
import { FakeCluster, fakeEndpoint, plainTransport } from '../http/testing/fake-proxy.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'
import { ClusterPools } from './cluster-pools.ts'
import type { PoolWaiter, RequestEncoder, UpstreamStream } from './request-encoder.ts'

const CONNECT: RequestHead = {
  method: 'CONNECT',
  path: '',
  authority: 'a:1',
  scheme: 'http',
  headers: [],
  protocol: '',
}
/** More than the system's buffers take on both sides. */
const FLOOD = Buffer.alloc(32 << 20)

class Tunnel implements PoolWaiter, UpstreamStream {
  encoder: RequestEncoder | null = null
  hasEnded = false

  onPoolReady(encoder: RequestEncoder): void {
    this.encoder = encoder
    encoder.assign(this)
    encoder.sendHead(CONNECT, '', 'a:1', false)
  }

  onPoolFailure(): void {}
  onResponseHead(): void {}
  onInterimResponse(): void {}
  onEncoderDrained(): void {}
  onResponseTrailers(): void {}
  onReset(): void {}

  onResponseBody(_chunk: Buffer, endStream: boolean): void {
    if (endStream) this.hasEnded = true
  }
}

interface Scene {
  readonly tunnel: Tunnel
  readonly cluster: FakeCluster
  readonly clock: FakeClock
  /** The proxy's end of the connection to the endpoint, and the endpoint's. */
  readonly socket: Socket
  readonly accepted: Socket
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate)
}

/** With an endpoint that reads nothing. */
async function withTunnel(use: (scene: Scene) => Promise<void>): Promise<void> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sockets: Socket[] = []
  const transport: UpstreamTransport = {
    name: 'raw_buffer',
    connect(address, port, onReady) {
      const socket = plainTransport.connect(address, port, onReady)
      sockets.push(socket)
      return socket
    },
  }
  const { port } = server.address() as AddressInfo
  const cluster = new FakeCluster('c', port)
  cluster.endpoints = [fakeEndpoint(port, transport)]
  const clock = new FakeClock()
  const tunnel = new Tunnel()
  const connected = once(server, 'connection')
  ClusterPools.of(cluster, new TimerWheel(clock)).tcp(cluster.endpoints[0]!, null, null).acquire(tunnel, false)
  const [accepted] = (await connected) as [Socket]
  accepted.on('error', () => {})
  await until(() => tunnel.encoder !== null)
  try {
    await use({ tunnel, cluster, clock, socket: sockets[0]!, accepted })
  } finally {
    accepted.destroy()
    server.close()
  }
}

test('given up with bytes that the endpoint does not take, it is closed without them', () =>
  withTunnel(async ({ tunnel, cluster, socket }) => {
    tunnel.encoder!.sendBody(FLOOD, false)
    assert.ok(socket.writableLength > 0)
    tunnel.encoder!.abandon()
    assert.ok(socket.destroyed)
    assert.equal(cluster.stats.upstreamCxActive.value, 0)
    assert.equal(cluster.resources.connections.count, 0)
  }))

for (const first of ['client', 'endpoint']) {
  test(`ended both ways, the ${first} first, it counts and is waited for while the endpoint takes bytes`, () =>
    withTunnel(async ({ tunnel, cluster, clock, socket, accepted }) => {
      if (first === 'client') tunnel.encoder!.sendBody(FLOOD, true)
      accepted.end()
      await until(() => tunnel.hasEnded)
      if (first === 'endpoint') tunnel.encoder!.sendBody(FLOOD, true)
      const unsent = socket.writableLength
      assert.ok(unsent > 0)
      assert.equal(cluster.resources.connections.count, 1)
      clock.advance(9990)
      assert.ok(!socket.destroyed)
      clock.advance(10_010)
      assert.ok(socket.destroyed)
      await until(() => cluster.resources.connections.count === 0)
      assert.equal(cluster.stats.upstreamCxActive.value, 0)
    }))
}

test('ended both ways, all that was written arrives, though an endpoint takes long for a part of it', () =>
  withTunnel(async ({ tunnel, cluster, clock, socket, accepted }) => {
    let received = 0
    tunnel.encoder!.sendBody(FLOOD, true)
    accepted.end()
    await until(() => tunnel.hasEnded)
    clock.advance(9000)
    accepted.on('data', chunk => {
      received += chunk.length
    })
    accepted.resume()
    await once(accepted, 'end')
    assert.equal(received, FLOOD.length)
    await until(() => socket.destroyed && cluster.stats.upstreamCxActive.value === 0)
  }))
