// Requests and statuses as an Envoy 1.40 with the same config sent them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, fromJson, type JsonObject } from '@bufbuild/protobuf'
import { AnySchema } from '@bufbuild/protobuf/wkt'
import { packAny } from '../../../../xds/any-pack.ts'
import { BufferPerRouteSchema } from '../../../../xds/generated/envoy/extensions/filters/http/buffer/v3/buffer_pb.ts'
import { filter, routeConfig, withFilters } from '../../../http/testing/filter-stage.ts'
import { RawClient } from '../../../http/testing/raw-client.ts'
import { compileBuffer, compileRouteBuffer } from './config.ts'

const NAME = 'envoy.filters.http.buffer'
const to = (prefix: string, own?: JsonObject): JsonObject => ({
  match: { prefix },
  route: { cluster: 'c' },
  ...(own && { typedPerFilterConfig: { [NAME]: routeConfig('buffer.v3.BufferPerRoute', own) } }),
})
const options = {
  filters: [filter('buffer.v3.Buffer', { maxRequestBytes: 10 })],
  routes: [to('/off', { disabled: true }), to('/big', { buffer: { maxRequestBytes: 3_000_000 } }), to('/')],
}
const chunked = (path: string, ...chunks: string[]): string =>
  `POST ${path} HTTP/1.1\r\nhost: a.b\r\ntransfer-encoding: chunked\r\n\r\n` +
  `${chunks.map(chunk => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n\r\n`

test('a request in chunks leaves whole, with a length', () =>
  withFilters(options, async stage => {
    for (const [chunks, body] of [
      [['abc', 'def'], 'abcdef'],
      [['abcdefghij'], 'abcdefghij'],
      [[], ''],
    ] as const) {
      assert.equal((await stage.send(chunked('/', ...chunks))).status, 200)
      const { fields, body: sent } = stage.upstream.requests.at(-1)!
      assert.deepEqual(
        [fields['content-length'], fields['transfer-encoding'], sent],
        [String(body.length), undefined, body],
      )
    }
    await stage.get('/')
    assert.equal(stage.upstream.requests.at(-1)!.fields['content-length'], undefined)
  }))

test('nothing goes upstream before the last byte has come', () =>
  withFilters(options, async stage => {
    const client = new RawClient(stage.proxy.port)
    client.send('POST / HTTP/1.1\r\nhost: a.b\r\ncontent-length: 4\r\n\r\nab')
    assert.equal((await stage.get('/')).status, 200)
    assert.equal(stage.cluster.stats.upstreamRqTotal.value, 1)
    assert.equal((await client.send('cd').response()).status, 200)
    assert.equal(stage.upstream.requests.at(-1)!.body, 'abcd')
    client.socket.destroy()
  }))

test('a larger one is refused, with or without a length', () =>
  withFilters(options, async stage => {
    const length = 'POST / HTTP/1.1\r\nhost: a.b\r\ncontent-length: 11\r\n\r\nabcdefghijk'
    for (const text of [chunked('/', 'abcdefghijk'), chunked('/', 'abcdefgh', 'ijk'), length]) {
      const response = await stage.send(text)
      assert.deepEqual([response.status, response.body], [413, 'Payload Too Large'])
      assert.equal(stage.lastLog, '413 - request_payload_too_large')
    }
    assert.equal(stage.proxy.stats.value('http.test.downstream_rq_too_large'), 3)
    assert.equal(stage.upstream.requests.length, 0)
  }))

test('a route may ask for more, or for none of it', () =>
  withFilters(options, async stage => {
    assert.equal((await stage.send(chunked('/off', 'abcdefghijk'))).status, 200)
    assert.equal(stage.upstream.requests.at(-1)!.fields['content-length'], undefined)
    const body = 'x'.repeat(2_000_000)
    assert.equal((await stage.send(chunked('/big', body))).status, 200)
    assert.equal(stage.upstream.requests.at(-1)!.body.length, body.length)
  }))

test('a limit there must be', () => {
  const typeUrl = 'type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer'
  const chain = compileBuffer(create(AnySchema, { typeUrl }))
  assert.deepEqual(chain.ok ? [] : chain.problems.map(({ path }) => path), ['max_request_bytes'])
  for (const [json, path] of [
    [{}, ''],
    [{ disabled: false }, 'disabled'],
    [{ buffer: {} }, 'buffer.max_request_bytes'],
  ] as const) {
    const compiled = compileRouteBuffer(packAny(BufferPerRouteSchema, fromJson(BufferPerRouteSchema, json)))
    assert.deepEqual(compiled.ok ? [] : compiled.problems.map(problem => problem.path), [path])
  }
})
