// What a balancing policy learns of an endpoint's requests: each once, where it ends.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { FakeClock } from '../../../../base/clock.ts'
import type { ClusterEndpoint } from '../../../cluster/cluster-endpoint.ts'
import { FakeCluster, forwardRoute, startFakeProxy } from '../../../http/testing/fake-proxy.ts'
import { exchange, RawClient } from '../../../http/testing/raw-client.ts'
import { ok, rawUpstream, type UpstreamRequest } from '../../../http/testing/raw-upstream.ts'
import { HTTP_CONNECTION_MANAGER } from '../../network/http-connection-manager/factory.ts'

const closing: { close(): Promise<void> }[] = []
after(async () => {
  for (const each of closing) await each.close()
})

/** A proxy before one endpoint, and what its tracker is told: milliseconds and whether it failed. */
async function tracked(answer: (request: UpstreamRequest, clock: FakeClock) => string | undefined) {
  const clock = new FakeClock()
  const upstream = await rawUpstream(request => answer(request, clock))
  const cluster = new FakeCluster('c', upstream.port)
  const told: [number, boolean][] = []
  const [endpoint] = cluster.endpoints as ClusterEndpoint[]
  endpoint!.tracker = { onRequestEnd: (_now, elapsedMs, failed) => void told.push([elapsedMs, failed]) }
  const route = forwardRoute('c')
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters: [cluster], route, clock })
  closing.push(proxy, upstream)
  return { port: proxy.port, told, clock, endpoint: endpoint! }
}

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'

test('how long a request took, from its beginning to the end of its response', async () => {
  const { port, told } = await tracked((_request, clock) => {
    clock.advance(250)
    return ok()
  })
  assert.equal((await exchange(port, GET)).status, 200)
  assert.deepEqual(told, [[250, false]])
})

test('a 5xx has failed, a 4xx has not', async () => {
  const answers = ['HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n', 'HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n']
  const { port, told } = await tracked(() => answers.shift())
  await exchange(port, GET)
  await exchange(port, GET)
  assert.deepEqual(told, [
    [0, true],
    [0, false],
  ])
})

test('a connection that ends without an answer has failed', async () => {
  const { port, told } = await tracked(({ socket }) => void socket.destroy())
  assert.equal((await exchange(port, GET)).status, 503)
  assert.deepEqual(told, [[0, true]])
})

test('a client that goes is not the endpoint’s failure', async () => {
  const client: { current?: RawClient } = {}
  const { port, told, endpoint } = await tracked((_request, clock) => {
    clock.advance(30)
    client.current?.socket.destroy()
    return undefined
  })
  const idle = new Promise<void>(resolve => {
    const { tracker } = endpoint
    endpoint.tracker = {
      onRequestEnd: (...args) => {
        tracker!.onRequestEnd(...args)
        resolve()
      },
    }
  })
  client.current = new RawClient(port).send(GET)
  await idle
  assert.deepEqual(told, [[30, false]])
})
