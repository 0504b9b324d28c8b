// How much of a request is kept for another try: what the route, its virtual host and the listener say of it.
import type { JsonObject } from '@bufbuild/protobuf'
import { ANSWER_FIELD, answerField } from '../answer.ts'
import type { DifferentialCase } from '../case.ts'
import type { Field } from '../message.ts'
import type { ListenerPlan } from '../plan.ts'

const LISTENER = 'request-buffer'
const TYPE = 'type.googleapis.com/envoy.extensions.filters.http'

const limit = (bytes: number): JsonObject => ({ per_request_buffer_limit_bytes: bytes })
const RETRIES: JsonObject = {
  retry_policy: {
    retry_on: '5xx',
    num_retries: 1,
    retry_back_off: { base_interval: '0.001s', max_interval: '0.002s' },
  },
}

const route = (path: string, more: JsonObject = {}): JsonObject => ({
  name: path,
  match: { path },
  route: { cluster: 'alpha', ...RETRIES },
  ...more,
})

const host = (name: string, more: JsonObject): JsonObject => ({
  name,
  domains: [`${name}.test`],
  routes: [
    route('/none'),
    route('/zero', limit(0)),
    route('/ten', limit(10)),
    route('/thousand', limit(1000)),
    route('/mega', limit(1_000_000)),
    route('/direct', { ...limit(10), route: { cluster: 'alpha' } }),
  ],
  ...more,
})

const HOSTS = { plain: {}, hundred: limit(100) }
const FILTERS: JsonObject = {
  http_filters: [
    { name: 'buffer', typed_config: { '@type': `${TYPE}.buffer.v3.Buffer`, max_request_bytes: 500 } },
    { name: 'router', typed_config: { '@type': `${TYPE}.router.v3.Router` } },
  ],
}

const plan = (name: string, codec: 'HTTP1' | 'HTTP2', manager: JsonObject, listener: JsonObject): ListenerPlan => ({
  name: `${name}-${codec}`,
  virtualHosts: Object.entries(HOSTS).map(([domain, more]) => host(domain, more)),
  connectionManager: { codec_type: codec, ...manager },
  listener,
})

export const REQUEST_BUFFER_LISTENERS: readonly ListenerPlan[] = (['HTTP1', 'HTTP2'] as const).flatMap(codec => [
  plan(LISTENER, codec, {}, {}),
  plan(`${LISTENER}-small`, codec, {}, { per_connection_buffer_limit_bytes: 5000 }),
  plan(`${LISTENER}-filtered`, codec, FILTERS, {}),
])

interface Asked {
  readonly listener: string
  readonly host: keyof typeof HOSTS
  readonly path: string
  readonly bytes: number
}

const each = (listener: string, host: Asked['host'], paths: readonly string[], sizes: readonly number[]): Asked[] =>
  paths.flatMap(path => sizes.map(bytes => ({ listener, host, path, bytes })))

const ASKED: readonly Asked[] = [
  ...each(LISTENER, 'plain', ['/none', '/zero', '/ten', '/thousand', '/direct'], [10, 11, 1000, 1001]),
  ...each(LISTENER, 'hundred', ['/none', '/ten', '/thousand'], [100, 101]),
  ...each(`${LISTENER}-small`, 'plain', ['/mega'], [4000, 6000]),
  ...each(`${LISTENER}-filtered`, 'plain', ['/ten', '/thousand'], [10, 11, 101]),
]

export const REQUEST_BUFFERS: readonly DifferentialCase[] = ASKED.flatMap(
  ({ listener, host: domain, path, bytes }): DifferentialCase[] => {
    const body = 'b'.repeat(bytes)
    const answer: Field = [ANSWER_FIELD, answerField([{ status: 503 }, {}])]
    const name = `${listener}/${domain}${path}-${bytes}`
    const head = `POST ${path} HTTP/1.1\r\nhost: ${domain}.test\r\n${answer.join(': ')}\r\ncontent-length: ${bytes}\r\n\r\n`
    const fields: Field[] = [
      [':method', 'POST'],
      [':scheme', 'http'],
      [':authority', `${domain}.test`],
      [':path', path],
      answer,
    ]
    return [
      {
        name: `${name}-h1`,
        listener: `${listener}-HTTP1`,
        dialogue: { protocol: 'http1', writes: [head + body], methods: ['POST'] },
      },
      {
        name: `${name}-h2`,
        listener: `${listener}-HTTP2`,
        dialogue: { protocol: 'http2', fields, body, trailers: [] },
      },
    ]
  },
)
