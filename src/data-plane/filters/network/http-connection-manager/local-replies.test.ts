// local_reply_config: what clients get in place of the proxy's own replies. Envoy's word on each: test/differential.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type IncomingHttpHeaders } from 'node:http2'
import { describe, test } from 'node:test'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type {
  LocalReplyConfigSchema,
  ResponseMapperSchema,
} from '../../../../xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import {
  connectionManager,
  FakeCluster,
  type FakeProxy,
  FakeStats,
  fakeHost,
  forwardRoute,
  startFakeProxy,
} from '../../../http/testing/fake-proxy.ts'
import { exchange } from '../../../http/testing/raw-client.ts'
import { HTTP_CONNECTION_MANAGER } from './factory.ts'

type Config = MessageInitShape<typeof LocalReplyConfigSchema>
type Mapper = MessageInitShape<typeof ResponseMapperSchema>

const text = (value: string, contentType = '') => ({ format: { case: 'textFormat' as const, value }, contentType })
const MESSAGE = { format: { case: 'jsonFormat' as const, value: { m: '%LOCAL_REPLY_BODY%', code: '%RESPONSE_CODE%' } } }
const inline = (value: string) => ({ specifier: { case: 'inlineString' as const, value } })
const statusIs = (defaultValue: number): NonNullable<Mapper['filter']> => ({
  filterSpecifier: { case: 'statusCodeFilter', value: { comparison: { value: { defaultValue, runtimeKey: 'k' } } } },
})
const flagged = (...flags: string[]): NonNullable<Mapper['filter']> => ({
  filterSpecifier: { case: 'responseFlagFilter', value: { flags } },
})

/** `/none` has no route, and to anything else there is no endpoint. */
async function withReplies(localReplyConfig: Config, use: (proxy: FakeProxy) => Promise<void>): Promise<void> {
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, {
    clusters: [new FakeCluster('c')],
    route: ({ head }) => (head.path.startsWith('/none') ? null : forwardRoute('c')),
    config: { localReplyConfig },
  })
  try {
    await use(proxy)
    assert.equal(proxy.stats.value('http.test.downstream_rq_active'), 0)
  } finally {
    await proxy.close()
  }
}

const ask = (path: string, fields = '', method = 'GET'): string =>
  `${method} ${path} HTTP/1.1\r\nhost: a\r\n${fields}\r\n`

async function askHttp2(port: number, fields: Readonly<Record<string, string>>) {
  const session = connect(`http://127.0.0.1:${port}`)
  try {
    const stream = session.request(fields)
    const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
    let body = ''
    for await (const chunk of stream.setEncoding('utf8')) body += chunk
    return { headers, body }
  } finally {
    session.destroy()
  }
}

describe('local_reply_config', () => {
  test('one format makes the bodies of all replies, of values as they came', () =>
    withReplies({ bodyFormat: text('<%REQ(:PATH)%|%LOCAL_REPLY_BODY%>\n', 'text/html') }, async proxy => {
      const { status, body, headers } = await exchange(proxy.port, ask('/none"'))
      assert.deepEqual([status, body], [404, '</none"|>\n'])
      assert.deepEqual([headers['content-type'], headers['content-length']], ['text/html', '10'])
      assert.equal(headers['x-weft-reason'], 'route_not_found')
      assert.equal((await exchange(proxy.port, ask('/'))).body, '</|no healthy upstream>\n')
      assert.equal((await exchange(proxy.port, 'no HTTP\r\n\r\n')).body, '<-|Bad Request>\n')
    }))

  test('the first mapper whose filter admits the stream has its say, and the log tells what was sent', () =>
    withReplies(
      {
        mappers: [
          { filter: flagged('UT'), statusCode: 299 },
          {
            filter: flagged('UH'),
            statusCode: 509,
            body: inline('busy'),
            headersToAdd: [{ header: { key: 'x-was', value: '%RESPONSE_CODE%%LOCAL_REPLY_BODY%' } }],
            bodyFormatOverride: MESSAGE,
          },
          { filter: statusIs(503), statusCode: 298 },
        ],
      },
      async proxy => {
        const { status, body, headers } = await exchange(proxy.port, ask('/'))
        assert.deepEqual([status, headers['x-was']], [509, '503'])
        assert.deepEqual([headers['content-type'], body], ['application/json', '{"code":509,"m":"busy"}\n'])
        assert.deepEqual([proxy.logs[0]?.responseCode, proxy.logs[0]?.bytesSent], [509, body.length])
        assert.equal(proxy.stats.value('http.test.downstream_rq_5xx'), 1)
        assert.equal((await exchange(proxy.port, ask('/none'))).status, 404)
      },
    ))

  test('HEAD gets the length of the body, 204 gets none', () =>
    withReplies({ mappers: [{ filter: statusIs(404), statusCode: 204 }], bodyFormat: text('four') }, async proxy => {
      const toHead = await exchange(proxy.port, ask('/', 'connection: close\r\n', 'HEAD'))
      assert.deepEqual([toHead.status, toHead.headers['content-length'], toHead.body], [503, '4', ''])
      const { status, headers, body } = await exchange(proxy.port, ask('/none'))
      assert.deepEqual(
        [status, headers['content-length'], headers['content-type'], body],
        [204, undefined, undefined, ''],
      )
    }))

  test('gRPC is told in its message, over HTTP/2', () =>
    withReplies({ mappers: [{ filter: statusIs(503), statusCode: 429 }], bodyFormat: MESSAGE }, async proxy => {
      const { headers } = await askHttp2(proxy.port, { ':path': '/', 'content-type': 'application/grpc' })
      assert.deepEqual([headers[':status'], headers['content-type']], [200, 'application/grpc'])
      assert.deepEqual(
        [headers['grpc-status'], headers['grpc-message']],
        ['14', '{"code":429,"m":"no healthy upstream"}'],
      )
      const plain = await askHttp2(proxy.port, { ':path': '/none' })
      assert.deepEqual([plain.headers[':status'], plain.body], [404, '{"code":404,"m":""}\n'])
    }))

  test('a format that asks for times of the stream is told them', () =>
    withReplies({ bodyFormat: text('%REQUEST_DURATION%') }, async proxy => {
      const { body } = await exchange(proxy.port, ask('/none'))
      assert.ok(Number(body) >= 0, body)
    }))

  test('what is wrong with it is told, all of it, by name', () => {
    const localReplyConfig: Config = {
      mappers: [
        { statusCode: 600, body: {} },
        {
          filter: flagged('XX'),
          body: { specifier: { case: 'filename', value: '/f' } },
          headersToAdd: [{ header: { key: ':status', value: '1' } }],
          bodyFormatOverride: { contentType: 'a\nb' },
        },
      ],
      bodyFormat: { ...text('%NONE%'), jsonFormatOptions: {} },
    }
    const made = connectionManager(HTTP_CONNECTION_MANAGER, { localReplyConfig }, fakeHost({}, new FakeStats(), []))
    assert.deepEqual(
      'problems' in made &&
        made.problems.map(({ path, message }) => `${path?.slice('hcm.local_reply_config.'.length)}: ${message}`),
      [
        'mappers[0].filter: is required',
        'mappers[0].status_code: must be from 200 to 599',
        'mappers[0].body: is empty',
        'mappers[1].headers_to_add[0].header.key: :-prefixed or host headers may not be modified',
        'mappers[1].filter.response_flag_filter.flags[0]: "XX" is no response flag',
        'mappers[1].body.filename: only inline_string and inline_bytes are supported',
        'mappers[1].body_format_override: needs a format',
        'mappers[1].body_format_override.content_type: must not hold control characters',
        'body_format.json_format_options: is not supported',
        'body_format.text_format: %NONE% is not known',
      ],
    )
  })
})
