// Local replies to gRPC clients, as an Envoy 1.40 gave them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { grpcToHttpStatus, httpToGrpcStatus, isGrpcContentType, setGrpcFields } from './grpc-status.ts'
import { failure } from './local-reply.ts'
import { withFilters } from './testing/filter-stage.ts'

test('a gRPC client is answered in its own words', () => {
  const routes = [{ match: { prefix: '/x' }, directResponse: { status: 403, body: { inlineString: 'no%é' } } }]
  return withFilters({ filters: [], routes }, async stage => {
    const grpc = await stage.get('/nope', 'content-type: application/grpc+proto\r\n')
    assert.equal(grpc.status, 200)
    assert.equal(grpc.headers['content-type'], 'application/grpc')
    assert.equal(grpc.headers['grpc-status'], '12')
    assert.equal(grpc.headers['grpc-message'], undefined)
    assert.equal(grpc.headers['content-length'], '0')
    assert.equal(grpc.headers['x-weft-reason'], 'route_not_found')
    assert.equal(stage.lastLog, '200 NR route_not_found')
    const direct = await stage.get('/x', 'content-type: application/grpc\r\n')
    assert.deepEqual([direct.headers['grpc-status'], direct.headers['grpc-message']], ['7', 'no%25%C3%A9'])
    assert.equal(direct.body, '')
    assert.equal((await stage.get('/nope', 'content-type: application/grpc-web\r\n')).status, 404)
  })
})

test('statuses beside statuses', () => {
  assert.deepEqual(
    [400, 401, 403, 404, 429, 502, 503, 504, 500, 418].map(httpToGrpcStatus),
    [13, 16, 7, 12, 14, 14, 14, 14, 2, 2],
  )
  assert.deepEqual([0, 1, 5, 8, 14, 16, 17].map(grpcToHttpStatus), [200, 499, 404, 429, 503, 401, 500])
  assert.equal(isGrpcContentType('application/grpcx'), false)
  const headers: string[] = []
  setGrpcFields(headers, failure(429, 'd', 0, 'a\nb'), 8, false)
  assert.deepEqual(headers, ['content-type', 'application/grpc', 'grpc-status', '8', 'grpc-message', 'a%0Ab'])
})
