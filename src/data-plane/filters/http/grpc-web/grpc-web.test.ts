// Requests, responses and counters as an Envoy 1.40 with the same config had them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FilterStage, filter, type StageOptions, withFilters } from '../../../http/testing/filter-stage.ts'
import type { RawResponse } from '../../../http/testing/raw-client.ts'

const BODY = '\0\0\0\0\x01a\0\0\0\0\x01b'
const BASE64 = 'AAAAAAFhAAAAAAFi'
const FRAME = '\x80\0\0\0\x20grpc-status:0\r\ngrpc-message:hi\r\n'
const FRAME64 = 'gAAAACBncnBjLXN0YXR1czowDQpncnBjLW1lc3NhZ2U6aGkNCg=='
const ok = (): string =>
  'HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ntransfer-encoding: chunked\r\n\r\n' +
  `c\r\n${BODY}\r\n0\r\ngrpc-status: 0\r\ngrpc-message: hi\r\n\r\n`
const TEXT_ANSWER = 'accept: application/grpc-web-text\r\n'

function withGrpcWeb(options: Partial<StageOptions>, use: (stage: FilterStage) => Promise<void>): Promise<void> {
  return withFilters({ filters: [filter('grpc_web.v3.GrpcWeb')], answer: ok, ...options }, async stage => {
    const { http1 } = stage.cluster
    stage.cluster.http1 = { ...http1, trailers: true, limits: { ...http1.limits, trailers: true } }
    await use(stage)
  })
}

const call = (stage: FilterStage, type: string, body: string, fields = ''): Promise<RawResponse> =>
  stage.send(
    `POST /s/m HTTP/1.1\r\nhost: a\r\ncontent-type: ${type}\r\n${fields}content-length: ${body.length}\r\n\r\n${body}`,
  )

const CASES: readonly (readonly [type: string, body: string, fields: string, isText: boolean])[] = [
  ['application/grpc-web', BODY, '', false],
  ['application/grpc-web+proto', BODY, '', false],
  ['application/grpc-web-text', BASE64, '', false],
  ['application/grpc-web-text+proto', BASE64, TEXT_ANSWER, true],
  ['application/grpc-web', BODY, 'accept: application/grpc-web-text+proto\r\n', true],
]

test('requests become gRPC, trailers the last frame of the response', () =>
  withGrpcWeb({}, async stage => {
    for (const [type, body, fields, isText] of CASES) {
      const response = await call(stage, type, body, fields)
      const { fields: sent, body: received } = stage.upstream.requests.at(-1)!
      assert.equal(received, BODY, type)
      assert.deepEqual(
        [sent['content-type'], sent['te'], sent['grpc-accept-encoding'], sent['content-length']],
        ['application/grpc', 'trailers', 'identity', undefined],
      )
      assert.equal(response.status, 200)
      assert.equal(response.headers['content-type'], `application/grpc-web${isText ? '-text' : ''}+proto`)
      assert.equal(response.body, isText ? BASE64 + FRAME64 : BODY + FRAME)
    }
    const { stats } = stage.proxy
    assert.deepEqual(
      ['total', 'success', '0', 'failure'].map(name => stats.value(`cluster.c.grpc-web.s.m.${name}`)),
      [5, 5, 5, 0],
    )
  }))

test('what is not grpc-web goes through as it is', () =>
  withGrpcWeb({}, async stage => {
    for (const type of ['application/grpc', 'application/grpc-web-foo', 'application/grpc-web; charset=x']) {
      const response = await call(stage, type, BODY)
      assert.equal(stage.upstream.requests.at(-1)!.fields['content-type'], type)
      assert.deepEqual([response.headers['content-type'], response.body], ['application/grpc', BODY])
    }
  }))

test('a request that is no base64 is refused', () =>
  withGrpcWeb({}, async stage => {
    for (const [body, details] of [
      [BASE64.slice(0, -1), 'grpc_base_64_decode_failed_bad_size'],
      ['!!!!', 'grpc_base_64_decode_failed'],
      ['AA==AA==', 'grpc_base_64_decode_failed'],
    ] as const) {
      const response = await call(stage, 'application/grpc-web-text', body)
      assert.equal(response.status, 400)
      assert.equal(response.headers['content-type'], 'application/grpc-web+proto')
      assert.equal(response.headers['grpc-status'], '13')
      assert.equal(response.headers['grpc-message'], 'Bad gRPC-web request, invalid base64 data.')
      assert.deepEqual([response.headers['content-length'], response.body], ['0', ''])
      assert.equal(stage.lastLog, `400 - ${details}`)
    }
  }))

test('base64 in chunks that cut its groups', () =>
  withGrpcWeb({}, async stage => {
    const head = 'POST /s/m HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc-web-text\r\n'
    const chunks = ['A', 'AAA', 'AAFhAA', 'AAAAFi'].map(chunk => `${chunk.length.toString(16)}\r\n${chunk}\r\n`)
    await stage.send(`${head}transfer-encoding: chunked\r\n\r\n${chunks.join('')}0\r\n\r\n`)
    assert.equal(stage.upstream.requests.at(-1)!.body, BODY)
  }))

test('a response of trailers alone keeps them as fields', () => {
  const answer = (): string =>
    'HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: 5\r\ngrpc-message: nf\r\ncontent-length: 0\r\n\r\n'
  return withGrpcWeb({ answer }, async stage => {
    const { headers, body } = await call(stage, 'application/grpc-web-text', BASE64, TEXT_ANSWER)
    assert.equal(headers['content-type'], 'application/grpc-web-text+proto')
    assert.deepEqual([headers['grpc-status'], headers['grpc-message'], body], ['5', 'nf', ''])
    assert.equal(stage.proxy.stats.value('cluster.c.grpc-web.s.m.failure'), 1)
  })
})

const FOREIGN: readonly (readonly [status: string, body: string, grpc: string, message: string])[] = [
  ['503 X', 'he%lo', '14', 'he%25lo'],
  ['200 X', 'hello', '2', 'hello'],
]

for (const [status, body, grpc, message] of FOREIGN) {
  test(`a response of ${status} that is no gRPC becomes one`, () => {
    const answer = (): string =>
      `HTTP/1.1 ${status}\r\ncontent-type: text/html\r\ncontent-length: ${body.length}\r\n\r\n${body}`
    return withGrpcWeb({ answer }, async stage => {
      const response = await call(stage, 'application/grpc-web', BODY)
      assert.equal(response.status, Number(status.slice(0, 3)))
      assert.deepEqual([response.headers['grpc-status'], response.headers['grpc-message']], [grpc, message])
      assert.deepEqual([response.headers['content-length'], response.body], ['0', ''])
      assert.equal(response.headers['content-type'], 'application/grpc-web+proto')
    })
  })
}

test('the proxy’s own replies keep their status', () => {
  const filters = [
    filter('grpc_web.v3.GrpcWeb'),
    filter('fault.v3.HTTPFault', { abort: { httpStatus: 503, percentage: { numerator: 100 } } }),
  ]
  return withGrpcWeb({ filters }, async stage => {
    const response = await call(stage, 'application/grpc-web', BODY)
    assert.equal(response.status, 503)
    assert.deepEqual([response.headers['grpc-status'], response.headers['grpc-message']], ['14', 'fault filter abort'])
    assert.equal(response.body, '')
  })
})

test('a response without trailers ends, in text too', () => {
  const answer = (): string =>
    `HTTP/1.1 200 OK\r\ncontent-type: application/grpc+proto\r\ncontent-length: 12\r\n\r\n${BODY}`
  return withGrpcWeb({ answer }, async stage => {
    assert.equal((await call(stage, 'application/grpc-web', BODY)).body, BODY)
    assert.equal((await call(stage, 'application/grpc-web-text', BASE64, TEXT_ANSWER)).body, BASE64)
  })
})
