// How connections to upstreams are kept alive, as config says it.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2'
import { test } from 'node:test'
import { type Answer, send } from '../conformance/replay/client.ts'
import { listenOnLoopback } from '../conformance/replay/loopback-network.ts'
import { sidecarBefore } from './one-service.ts'

const rule = (connectionPool: string): string => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: default}
spec: {host: reviews, trafficPolicy: {connectionPool: {${connectionPool}}}}
`

const ask = (port: number): Promise<Answer> => send(port, { url: 'http://reviews:7080/' }, 'one')

test('http2KeepAlive: a connection with a stream is pinged', async t => {
  const upstream = createHttp2Server()
  t.after(() => upstream.close())
  // Without a PING the request is never answered.
  upstream.on('stream', (stream: ServerHttp2Stream) =>
    stream.session?.once('ping', () => stream.respond({ ':status': 200 }, { endStream: true })),
  )
  const config = rule('http: {h2UpgradePolicy: UPGRADE, http2KeepAlive: {interval: 5ms, timeout: 20s}}')
  const { proxy, port } = await sidecarBefore({ config, endpoint: await listenOnLoopback(upstream) })
  try {
    assert.equal((await ask(port)).status, 200)
  } finally {
    await proxy.stop()
  }
})

test("tcpKeepalive: a rule's parts hold over the mesh's", async t => {
  const upstream = createServer((_, response) => response.end())
  t.after(() => upstream.close())
  const endpoint = await listenOnLoopback(upstream)
  const settings = async (mesh: string, config: string): Promise<readonly unknown[]> => {
    const { proxy, port } = await sidecarBefore({ mesh, config, endpoint })
    const asked: unknown[] = []
    const { network } = proxy
    const connect = network.connect.bind(network)
    t.mock.method(network, 'connect', (address: string, target: number) => {
      const socket = connect(address, target)
      t.mock.method(socket, 'setKeepAlive', (...values: unknown[]) => {
        asked.push(values)
        return socket
      })
      return socket
    })
    try {
      assert.equal((await ask(port)).status, 200)
    } finally {
      await proxy.stop()
    }
    return asked
  }
  const mesh = 'tcpKeepalive: {time: 60s, probes: 4}'
  assert.deepEqual(await settings('', ''), [])
  assert.deepEqual(await settings(mesh, ''), [[true, 60_000, 75_000, 4]])
  assert.deepEqual(await settings(mesh, rule('tcp: {tcpKeepalive: {time: 30s, interval: 5s}}')), [
    [true, 30_000, 5000, 4],
  ])
  assert.deepEqual(await settings('tcpKeepalive: {}', ''), [[true, 7_200_000, 75_000, 9]])
})
