// What the access log says of a client that ends a request before its response: flags and details as an Envoy 1.40 has them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ERROR_CODE } from '../../../../transport/http2/error-code.ts'
import { data, rstStream, windowUpdate } from '../../../../transport/http2/testing/raw-frames.ts'
import { FakeCluster, startFakeProxy } from '../../../http/testing/fake-proxy.ts'
import { RawClient } from '../../../http/testing/raw-client.ts'
import { RawHttp2Client } from '../../../http/testing/raw-http2-client.ts'
import { rawUpstream } from '../../../http/testing/raw-upstream.ts'
import { formatResponseFlags } from '../../../response-flag.ts'
import { HTTP_CONNECTION_MANAGER } from './factory.ts'

const HTTP2_ENDS: readonly (readonly [what: string, log: string, end: (client: RawHttp2Client) => unknown])[] = [
  ['RST_STREAM', 'DR http2.remote_reset', client => client.send(rstStream(1, ERROR_CODE.cancel))],
  ['RST_STREAM, refused', 'DR http2.remote_refuse', client => client.send(rstStream(1, ERROR_CODE.refusedStream))],
  ['RST_STREAM without error', '- ', client => client.send(rstStream(1, ERROR_CODE.noError))],
  ['its connection', 'DC downstream_remote_disconnect', client => client.socket.destroy()],
  ['a rule of the stream', 'DPE http2.protocol_error', client => client.send(windowUpdate(1, 0))],
  ['a rule of the connection', 'DPE http2.protocol_error', client => client.send(data(0, 'x'))],
]

async function logOf(ask: (port: number) => () => unknown): Promise<string> {
  const upstream = await rawUpstream(() => undefined)
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters: [new FakeCluster('c', upstream.port)] })
  try {
    const end = ask(proxy.port)
    while (upstream.requests.length === 0) await new Promise(resolve => setImmediate(resolve))
    end()
    while (proxy.logs.length === 0) await new Promise(resolve => setImmediate(resolve))
    const { responseFlags, responseCodeDetails } = proxy.logs[0]!
    assert.equal(proxy.stats.value('http.test.downstream_rq_rx_reset'), 1)
    return `${formatResponseFlags(responseFlags)} ${responseCodeDetails}`
  } finally {
    await proxy.close()
    await upstream.close()
  }
}

for (const [what, log, end] of HTTP2_ENDS) {
  test(`HTTP/2: the client ends with ${what}`, async () => {
    const ask = (port: number) => {
      const client = new RawHttp2Client(port).request(1)
      return () => end(client)
    }
    assert.equal(await logOf(ask), log)
  })
}

test('HTTP/1.1: the client ends with its connection', async () => {
  const ask = (port: number) => {
    const client = new RawClient(port).send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    return () => client.socket.destroy()
  }
  assert.equal(await logOf(ask), 'DC downstream_remote_disconnect')
})
