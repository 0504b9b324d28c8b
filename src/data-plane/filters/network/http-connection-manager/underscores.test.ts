// headers_with_underscores_action: what an Envoy 1.40 answers, forwards, logs and counts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FLAG } from '../../../../transport/http2/frame.ts'
import { headers } from '../../../../transport/http2/testing/raw-frames.ts'
import { HttpProtocolOptions_HeadersWithUnderscoresAction as Action } from '../../../../xds/generated/envoy/config/core/v3/protocol_pb.ts'
import { FakeCluster, type FakeProxy, startFakeProxy } from '../../../http/testing/fake-proxy.ts'
import { exchange, RawClient } from '../../../http/testing/raw-client.ts'
import { RawHttp2Client } from '../../../http/testing/raw-http2-client.ts'
import { ok, type RawUpstream, rawUpstream } from '../../../http/testing/raw-upstream.ts'
import { formatResponseFlags } from '../../../response-flag.ts'
import { HTTP_CONNECTION_MANAGER } from './factory.ts'

interface Scene {
  readonly proxy: FakeProxy
  readonly upstream: RawUpstream
  lastLog(): string
}

async function withAction(action: Action, use: (scene: Scene) => Promise<void>): Promise<void> {
  const upstream = await rawUpstream(() => ok())
  const cluster = new FakeCluster('c', upstream.port)
  cluster.http1 = { ...cluster.http1, trailers: true }
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, {
    clusters: [cluster],
    config: {
      commonHttpProtocolOptions: { headersWithUnderscoresAction: action },
      httpProtocolOptions: { enableTrailers: true },
    },
  })
  const lastLog = (): string => {
    const log = proxy.logs.at(-1)!
    return `${log.responseCode} ${formatResponseFlags(log.responseFlags)} ${log.responseCodeDetails}`
  }
  try {
    await use({ proxy, upstream, lastLog })
  } finally {
    await proxy.close()
    await upstream.close()
  }
}

const H1 = 'GET / HTTP/1.1\r\nhost: a\r\nx_a: 1\r\nx-b: 2\r\ncontent_length: 5\r\n\r\n'
const H1_TRAILERS = 'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx_c: 1\r\nx-d: 2\r\n\r\n'
const FIELDS = [
  ['x_a', '1'],
  ['x-b', '2'],
] as const
const TRAILERS = headers(
  1,
  [
    ['x_c', '1'],
    ['x-d', '2'],
  ],
  FLAG.endHeaders | FLAG.endStream,
)

test('ALLOW lets them through', () =>
  withAction(Action.ALLOW, async ({ proxy, upstream }) => {
    assert.equal((await exchange(proxy.port, H1)).status, 200)
    assert.equal(upstream.requests[0]!.fields['x_a'], '1')
  }))

test('DROP_HEADER drops them, in trailers too', () =>
  withAction(Action.DROP_HEADER, async ({ proxy, upstream }) => {
    assert.equal((await exchange(proxy.port, H1)).status, 200)
    assert.equal((await exchange(proxy.port, H1_TRAILERS)).status, 200)
    const client = new RawHttp2Client(proxy.port).request(1, FIELDS, false).send(TRAILERS)
    await client.until(() => client.words.includes('data 1 2 end'))
    client.socket.destroy()
    for (const { fields } of upstream.requests)
      assert.deepEqual(
        Object.keys(fields).filter(name => name.includes('_')),
        [],
      )
    const [plain, trailers, http2] = upstream.requests.map(({ fields }) => fields)
    assert.equal(plain!['x-b'], '2')
    assert.equal(trailers!['trailer-x-d'], '2')
    assert.equal(http2!['x-b'], '2')
    assert.equal(http2!['trailer-x-d'], '2')
    assert.equal(proxy.stats.value('http1.dropped_headers_with_underscores'), 3)
    assert.equal(proxy.stats.value('http2.dropped_headers_with_underscores'), 2)
  }))

test('REJECT_REQUEST answers 400 in HTTP/1.1 and closes', () =>
  withAction(Action.REJECT_REQUEST, async ({ proxy, upstream, lastLog }) => {
    for (const request of [H1, H1_TRAILERS]) {
      const client = new RawClient(proxy.port).send(request)
      const response = await client.response()
      assert.deepEqual([response.status, response.body, response.headers['connection']], [400, 'Bad Request', 'close'])
      await client.closed()
      assert.equal(lastLog(), '400 DPE http1.unexpected_underscore')
    }
    assert.equal(upstream.requests.length, 0)
    assert.equal((await exchange(proxy.port, 'GET / HTTP/1.1\r\nhost: a\r\nx-a: 1\r\n\r\n')).status, 200)
    assert.equal(proxy.stats.value('http1.requests_rejected_with_underscores_in_headers'), 2)
  }))

test('REJECT_REQUEST resets the stream in HTTP/2, and no other', () =>
  withAction(Action.REJECT_REQUEST, async ({ proxy, upstream, lastLog }) => {
    const client = new RawHttp2Client(proxy.port).request(1, FIELDS)
    await client.until(() => client.frames.length > 0)
    assert.deepEqual(client.words, ['rstStream 1 2'])
    assert.equal(lastLog(), '0 DR http2.unexpected_underscore')
    client.request(3, [], false).send(headers(3, [['x_c', '1']], FLAG.endHeaders | FLAG.endStream))
    await client.until(() => client.words.includes('rstStream 3 2'))
    client.request(5)
    await client.until(() => client.words.includes('data 5 2 end'))
    assert.equal(upstream.requests.length, 1)
    assert.equal(proxy.stats.value('http2.requests_rejected_with_underscores_in_headers'), 2)
    assert.equal(proxy.stats.value('http.test.downstream_rq_rx_reset'), 2)
    client.socket.destroy()
  }))
