import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { FakeClock } from '../../src/base/clock.ts'
import { HTTP_CONNECTION_MANAGER } from '../../src/data-plane/filters/network/http-connection-manager/factory.ts'
import { FakeCluster, startFakeProxy } from '../../src/data-plane/http/testing/fake-proxy.ts'
import { rawUpstream } from '../../src/data-plane/http/testing/raw-upstream.ts'
import { PREFACE } from '../../src/transport/http2/frame.ts'
import { headers, rstStream, settings } from '../../src/transport/http2/testing/raw-frames.ts'
import { END, GET } from './http2-frames.ts'
import { hostileClass } from './rapid-reset.cases.ts'
import { testHostile } from './scene.ts'

testHostile(hostileClass)

test('a client that gives up slow requests is not hostile', async () => {
  const clock = new FakeClock()
  const upstream = await rawUpstream(() => undefined)
  const clusters = [new FakeCluster('c', upstream.port)]
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters, clock })
  const socket = connect({ port: proxy.port, host: '127.0.0.1', noDelay: true })
  const counts = async (name: string, value: number): Promise<void> => {
    while (proxy.stats.value(`http.test.downstream_${name}`) !== value) {
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  const ids = Array.from({ length: 300 }, (_, i) => 2 * i + 1)
  socket.write(Buffer.concat([PREFACE, settings(), ...ids.map(id => headers(id, GET, END))]))
  await counts('rq_total', 300)
  clock.advance(2000)
  socket.write(Buffer.concat(ids.map(id => rstStream(id, 8))))
  await counts('rq_rx_reset', 300)
  assert.equal(proxy.stats.value('http.test.downstream_rq_too_many_premature_resets'), 0)
  assert.equal(proxy.stats.value('http.test.downstream_cx_active'), 1)
  socket.destroy()
  await proxy.close()
  await upstream.close()
})
