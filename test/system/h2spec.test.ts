// h2spec, an independent conformance suite for RFC 9113 and RFC 7541, against the codec alone and against a proxy, between
// whose two sides nothing of it may get lost: every one of its cases, as Envoy treats malformed messages and as the RFC does.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { HTTP_CONNECTION_MANAGER } from '../../src/data-plane/filters/network/http-connection-manager/factory.ts'
import { FakeCluster, startFakeProxy } from '../../src/data-plane/http/testing/fake-proxy.ts'
import { ENVOY_HTTP2_SETTINGS } from '../../src/transport/http2/session-options.ts'
import { startEchoServer } from '../../src/transport/http2/testing/echo-server.ts'
import { HttpConnectionManager_CodecType } from '../../src/xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'

const h2spec = process.env['H2SPEC']
/** A case opens as many streams as are announced, and one more. */
const MAX_STREAMS = 100

async function passesAll(port: number): Promise<void> {
  assert.ok(h2spec, 'h2spec is missing: go install github.com/summerwind/h2spec/cmd/h2spec@latest, or H2SPEC=path')
  const { stdout } = await promisify(execFile)(h2spec, ['-h', '127.0.0.1', '-p', `${port}`, '--strict', '-o', '10'])
  const [, total, passed, skipped] = /(\d+) tests, (\d+) passed, (\d+) skipped, 0 failed/.exec(stdout) ?? []
  assert.ok(Number(total) >= 145, stdout)
  assert.equal(passed, total)
  assert.equal(skipped, '0')
}

for (const streamErrorOnInvalidMessage of [false, true]) {
  const how = `malformed messages end ${streamErrorOnInvalidMessage ? 'their stream' : 'the connection'}`
  const settings = { ...ENVOY_HTTP2_SETTINGS, maxConcurrentStreams: MAX_STREAMS, streamErrorOnInvalidMessage }

  test(`h2spec against the codec, ${how}`, async t => {
    const server = startEchoServer(0, settings)
    t.after(() => server.close())
    await once(server, 'listening')
    await passesAll((server.address() as AddressInfo).port)
  })

  test(`h2spec against a proxy, ${how}`, async t => {
    const server = startEchoServer(0, ENVOY_HTTP2_SETTINGS)
    t.after(() => server.close())
    await once(server, 'listening')
    const cluster = new FakeCluster('c', (server.address() as AddressInfo).port)
    cluster.httpProtocol = 'http2'
    const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, {
      clusters: [cluster],
      config: {
        codecType: HttpConnectionManager_CodecType.HTTP2,
        http2ProtocolOptions: {
          maxConcurrentStreams: MAX_STREAMS,
          overrideStreamErrorOnInvalidHttpMessage: streamErrorOnInvalidMessage,
        },
      },
    })
    t.after(() => {
      cluster.remove(cluster.endpoints[0]!)
      return proxy.close()
    })
    await passesAll(proxy.port)
  })
}
