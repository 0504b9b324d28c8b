// Lines of the access log before a stream's last.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeCluster, startFakeProxy } from '../../../http/testing/fake-proxy.ts'
import { exchange } from '../../../http/testing/raw-client.ts'
import { ok, rawUpstream } from '../../../http/testing/raw-upstream.ts'
import type { StreamInfo } from '../../../stream-info.ts'
import { HTTP_CONNECTION_MANAGER } from './factory.ts'

test('a request has a line when it has come, with its route and no endpoint, and one at its end', async () => {
  const upstream = await rawUpstream(() => ok('x'))
  const lines: [number, string, string, number][] = []
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, {
    clusters: [new FakeCluster('c', upstream.port)],
    config: { accessLogOptions: { flushAccessLogOnNewRequest: true } },
    onLog: (info: StreamInfo) =>
      void lines.push([
        info.logType,
        info.routeName,
        info.upstreamHost === '' ? 'nobody' : 'somebody',
        info.responseCode,
      ]),
  })
  try {
    assert.equal((await exchange(proxy.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')).status, 200)
    assert.deepEqual(lines, [
      [4, 'default', 'nobody', 0],
      [6, 'default', 'somebody', 200],
    ])
  } finally {
    await proxy.close()
    await upstream.close()
  }
})

test('moments of a stream are kept where the access log asks for them, and in their order', async () => {
  const upstream = await rawUpstream(() => ok('x'))
  for (const recordsStreams of [false, true]) {
    const clusters = [new FakeCluster('c', upstream.port)]
    const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters, recordsStreams })
    await exchange(proxy.port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx')
    const { record, startedAt } = proxy.logs[0]!
    assert.equal(record !== null, recordsStreams)
    if (record !== null) {
      const { poolAsked, poolReady, firstUpstreamTx, lastUpstreamTx, firstUpstreamRx, lastUpstreamRx } = record
      const moments = [
        startedAt,
        poolAsked,
        poolReady,
        firstUpstreamTx,
        lastUpstreamTx,
        firstUpstreamRx,
        lastUpstreamRx,
      ]
      assert.deepEqual(
        moments,
        moments.toSorted((a, b) => a - b),
      )
      assert.ok(record.firstDownstreamTx >= firstUpstreamRx && record.lastDownstreamTx >= record.firstDownstreamTx)
      assert.ok(record.lastDownstreamRx >= startedAt)
      assert.deepEqual(record.hosts, [clusters[0]!.endpoints[0]])
    }
    await proxy.close()
  }
  await upstream.close()
})

test('options that contradict one another, or ask for a line in no time, are told', async () => {
  const start = (config: object): Promise<unknown> => startFakeProxy(HTTP_CONNECTION_MANAGER, { config })
  await assert.rejects(
    start({ accessLogOptions: { flushAccessLogOnNewRequest: true }, flushAccessLogOnNewRequest: true }),
    /access_log_options.*excludes the deprecated fields/,
  )
  await assert.rejects(
    start({ accessLogOptions: { accessLogFlushInterval: { seconds: 0n, nanos: 1000 } } }),
    /access_log_flush_interval.*must be at least 1ms/,
  )
})
