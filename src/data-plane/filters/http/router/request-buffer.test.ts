// What a kept body may cost, and what becomes of a request that costs more.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeCluster, forwardRoute, RETRY, startFakeProxy } from '../../../http/testing/fake-proxy.ts'
import { exchange } from '../../../http/testing/raw-client.ts'
import { ok, rawUpstream } from '../../../http/testing/raw-upstream.ts'
import { RETRY_ON } from '../../../route/route-entry.ts'
import { HTTP_CONNECTION_MANAGER } from '../../network/http-connection-manager/factory.ts'
import { RequestBuffer } from './request-buffer.ts'

test('the limit holds for what is kept, however small the chunks', () => {
  const large = new RequestBuffer(64 * 1024)
  large.add(Buffer.alloc(60 * 1024))
  assert.equal(large.isOverLimit, false)
  large.add(Buffer.alloc(8 * 1024))
  assert.equal(large.isOverLimit, true)
  const small = new RequestBuffer(64 * 1024)
  let chunks = 0
  for (; !small.isOverLimit; chunks++) small.add(Buffer.alloc(1))
  assert.ok(chunks <= 512, `${chunks} chunks`)
})

test('of a small limit the bytes count, to the last', () => {
  const buffer = new RequestBuffer(10)
  for (let i = 0; i < 10; i++) buffer.add(Buffer.alloc(1))
  assert.equal(buffer.isOverLimit, false)
  buffer.add(Buffer.alloc(1))
  assert.equal(buffer.isOverLimit, true)
})

/** How often a body of 100 bytes was tried that is answered with 503 at first. */
async function triesOf(bufferLimit: number | null, ofListener: number): Promise<number> {
  const upstream = await rawUpstream(({ index }) =>
    index === 0 ? 'HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n' : ok(),
  )
  const route = forwardRoute('c', { bufferLimit, retry: { ...RETRY, retryOn: RETRY_ON['5xx'] } })
  const clusters = [new FakeCluster('c', upstream.port)]
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters, route, bufferLimit: ofListener })
  const head = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n'
  const { status } = await exchange(proxy.port, head + 'b'.repeat(100))
  const { length } = upstream.requests
  assert.equal(status, length === 1 ? 503 : 200)
  assert.equal(upstream.requests.at(-1)!.body.length, 100)
  await proxy.close()
  await upstream.close()
  return length
}

test('a route says how much is kept for another try, be it more or less than the listener allows', async () => {
  assert.equal(await triesOf(null, 1024), 2)
  assert.equal(await triesOf(null, 99), 1)
  assert.equal(await triesOf(99, 1024), 1)
  assert.equal(await triesOf(100, 99), 2)
  assert.equal(await triesOf(0, 1024), 1)
})
