// The access log: every command operator, over every protocol and kind of end; and which streams its filters let through.
import type { JsonObject } from '@bufbuild/protobuf'
import { OPERATOR_SYNTAX } from '../../../src/xds/command-operator-table.ts'
import { ANSWER_FIELD, type Answer, answerField } from '../answer.ts'
import type { Dialogue, DifferentialCase } from '../case.ts'
import { AUTHORITY, CLIENT } from '../certificates.ts'
import type { Field } from '../message.ts'
import { type ClusterPlan, DEAD_CLUSTER, EMPTY_CLUSTER, HTTP2_UPSTREAM, type ListenerPlan } from '../plan.ts'
import { listenerFilter } from './listener-filter.ts'
import { downstreamTls } from './tls.ts'

/** Between the parentheses of those that need something there, or that say something else with it. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  REQ: ['X-A', ':SCHEME', 'X-NONE?:METHOD'],
  RESP: ['X-UP', ':STATUS', 'CONTENT-TYPE?X-UP'],
  TRAILER: ['GRPC-STATUS', 'X-NONE?X-TAIL'],
  REQ_WITHOUT_QUERY: [':PATH'],
  STREAM_INFO_REQ: [':PATH'],
  QUERY_PARAM: ['q', 'none', 'a b', 'a%20b', 'e'],
  QUERY_PARAMS: ['', 'ORIG', 'DECODED'],
  PATH: ['', 'WQ', 'NQ', 'NQ:ORIG', 'WQ:PATH', 'NQ:ORIG_OR_PATH'],
  REQUESTED_SERVER_NAME: ['', 'SNI_ONLY', 'SNI_FIRST', 'HOST_FIRST', 'HOST_FIRST:HOST', 'SNI_FIRST:ORIG'],
  DYNAMIC_METADATA: ['none', 'none:key', 'envoy.filters.http.rbac', 'envoy.filters.http.rbac:enforced_engine_result'],
  CLUSTER_METADATA: ['about', 'about:team', 'about:more:list', 'none:key'],
  METADATA: ['CLUSTER:about:team', 'DYNAMIC:envoy.filters.http.rbac:enforced_engine_result'],
  ENVIRONMENT: ['PATH', 'NO_SUCH_VARIABLE'],
  COALESCE: [
    '{"operators": ["REQUESTED_SERVER_NAME", {"command": "REQ", "param": "x-none"}, {"command": "REQ", "param": ":authority", "max_length": 3}]}',
  ],
  GRPC_STATUS: ['', 'CAMEL_STRING', 'SNAKE_STRING', 'NUMBER'],
  RESPONSE_CODE_DETAILS: ['', 'ALLOW_WHITESPACES'],
  START_TIME: ['', '%Y-%m-%dT%H:%M:%S%z %s %3f', '%a %A %b %B %d %e %j %y %p %I:%M %D %F %R %T %u %w %%'],
  START_TIME_LOCAL: ['', '%z %Z'],
  EMIT_TIME: ['', '%s'],
  EMIT_TIME_LOCAL: ['', '%z'],
  DOWNSTREAM_PEER_CERT_V_START: ['', '%b %d %H:%M:%S %Y %Z'],
  DOWNSTREAM_PEER_CERT_V_END: ['', '%s'],
  UPSTREAM_PEER_CERT_V_START: ['', '%s'],
  UPSTREAM_PEER_CERT_V_END: ['', '%D'],
  COMMON_DURATION: [
    'DS_RX_BEG:DS_RX_END',
    'DS_RX_BEG:US_CX_BEG:us',
    'US_CX_BEG:US_CX_END:us',
    'US_CX_END:US_HS_END:us',
    'US_TX_BEG:US_TX_END:ns',
    'US_TX_END:US_RX_BEG:us',
    'US_RX_BEG:US_RX_END:us',
    'DS_TX_BEG:DS_TX_END:us',
    'DS_TX_END:DS_RX_BEG:us',
    'DS_CX_BEG:DS_RX_BEG:us',
    'DS_CX_BEG:DS_CX_END:us',
    'DS_HS_BEG:DS_HS_END:us',
    'DS_RX_BEG:DS_RX_HDR_END:us',
    'US_RX_BEG:US_RX_BODY_BEG:us',
  ],
}

/** What is never the same in two runs is compared by its kind alone. */
const BY_SHAPE =
  /^(CONNECTION_ID|UPSTREAM_CONNECTION_|STREAM_ID|UNIQUE_ID|START_TIME|EMIT_TIME|DURATION|[A-Z_]+_DURATION|RESPONSE_HEADERS_BYTES|[A-Z_]*(ADDRESS|PORT|HOSTS?|HOST_NAMES?)(_|$))/

/** By a name for each: in JSON with its type, and within a text. */
function everyOperator(): JsonObject {
  const format: Record<string, string> = {}
  for (const [name, { argument }] of OPERATOR_SYNTAX) {
    const kind = BY_SHAPE.test(name) ? 'shape' : 'operator'
    const calls = argument === 'none' ? [''] : (ARGUMENTS[name] ?? ['']).map(text => (text === '' ? '' : `(${text})`))
    for (const call of calls) {
      format[`${kind} ${name}${call}`] = `%${name}${call}%`
      format[`${kind} text ${name}${call}`] = `<%${name}${call}%>`
    }
  }
  return format
}

/** For every operator. */
export const FORMAT = everyOperator()
const ROUTER: JsonObject = {
  name: 'router',
  typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
}
const RBAC: JsonObject = {
  name: 'envoy.filters.http.rbac',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC',
    rules: {
      action: 'DENY',
      policies: {
        'no denials: ü': {
          permissions: [{ header: { name: 'x-deny', present_match: true } }],
          principals: [{ any: true }],
        },
      },
    },
  },
}
const HEALTH: JsonObject = {
  name: 'health',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.health_check.v3.HealthCheck',
    pass_through_mode: false,
    headers: [{ name: ':path', exact_match: '/healthz' }],
  },
}

const to = (path: string, cluster: string, more: JsonObject = {}): JsonObject => ({
  name: `to${path}`,
  match: { prefix: path },
  route: { cluster, ...more },
})

/** The cluster beside it whose endpoints are spoken to in HTTP/2. */
const http2Of = (cluster: string): string => `${cluster}-streams`

const host = (cluster: string, short = '0.3s'): JsonObject => ({
  name: 'all',
  domains: ['*'],
  virtual_clusters: [
    { name: 'short', headers: [{ name: ':path', string_match: { prefix: '/short' } }] },
    {
      name: 'posts',
      headers: [
        { name: ':method', string_match: { exact: 'POST' } },
        { name: 'x-none', present_match: false },
      ],
    },
  ],
  routes: [
    to('/dead', DEAD_CLUSTER),
    to('/empty', EMPTY_CLUSTER),
    to('/rewritten', cluster, {
      prefix_rewrite: '/else',
      host_rewrite_literal: 'else.test',
      append_x_forwarded_host: true,
    }),
    to('/short', cluster, { timeout: short }),
    to('/retried', cluster, { retry_policy: { retry_on: '5xx', num_retries: 2 } }),
    to('/h2', http2Of(cluster)),
    { name: 'direct', match: { prefix: '/direct' }, direct_response: { status: 403, body: { inline_string: 'no' } } },
    { name: 'moved', match: { prefix: '/moved' }, redirect: { path_redirect: '/to' } },
    { match: { prefix: '/unnamed' }, route: { cluster } },
    to('/to', cluster),
  ],
})

interface Asked {
  readonly method?: string
  readonly path: string
  readonly fields?: readonly Field[]
  readonly body?: string
  readonly answers?: readonly Answer[]
}

const GRPC: readonly Field[] = [
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
]

const ASKED: Readonly<Record<string, Asked>> = {
  plain: {
    path: '/to/a?q=1&a%20b=2%203&e&%26%7E%7f=%3D%c3',
    fields: [['x-a', 'b']],
    answers: [{ fields: [['x-up', 'u']] }],
  },
  'scheme-told': { path: '/to', fields: [['x-forwarded-proto', 'https']] },
  post: { method: 'POST', path: '/to', body: 'abcdef' },
  head: { method: 'HEAD', path: '/to' },
  unnamed: { path: '/unnamed' },
  chunked: { path: '/to', answers: [{ chunked: true, body: 'abc' }] },
  trailers: { path: '/to', answers: [{ body: 'abc', trailers: [['x-tail', 't']] }] },
  rewritten: { path: '/rewritten/a?q=1' },
  'no-route': { path: '/none' },
  dead: { path: '/dead' },
  empty: { path: '/empty' },
  short: { path: '/short', answers: [{ delayMs: 2_500 }] },
  retried: { path: '/retried', answers: [{ status: 500 }, { status: 503 }, { status: 200 }] },
  'retried-in-vain': { path: '/retried', answers: [{ status: 500 }] },
  'post-cut': { method: 'POST', path: '/to', body: 'a', answers: [{ cut: 'before' }] },
  'cut-in-body': { path: '/to', answers: [{ cut: 'body', body: 'abcdef' }] },
  direct: { path: '/direct' },
  moved: { path: '/moved' },
  denied: { path: '/to', fields: [['x-deny', '1']] },
  healthz: { path: '/healthz' },
  error: { path: '/to', answers: [{ status: 500 }] },
  'not-found': { path: '/to', answers: [{ status: 404 }] },
  'over-http2': { path: '/h2/a' },
  'grpc-in-head': { method: 'POST', path: '/h2/s/m', fields: GRPC, answers: [{ fields: [['grpc-status', '5']] }] },
  'grpc-in-trailers': {
    method: 'POST',
    path: '/h2/s/m',
    fields: GRPC,
    answers: [{ body: 'abc', trailers: [['grpc-status', '0']] }],
  },
  'grpc-odd': {
    method: 'POST',
    path: '/h2/s/m',
    fields: GRPC,
    answers: [{ body: 'abc', trailers: [['grpc-status', '99']] }],
  },
  'grpc-no-number': {
    method: 'POST',
    path: '/h2/s/m',
    fields: GRPC,
    answers: [{ body: 'abc', trailers: [['grpc-status', 'x']] }],
  },
  'grpc-none': { method: 'POST', path: '/h2/s/m', fields: GRPC, answers: [{ body: 'abc' }] },
  'grpc-refused': { method: 'POST', path: '/dead', fields: GRPC },
  'grpc-no-route': { method: 'POST', path: '/none', fields: GRPC },
}

const fieldsOf = ({ fields = [], answers }: Asked): readonly Field[] =>
  answers ? [...fields, [ANSWER_FIELD, answerField(answers)]] : fields

function overHttp1(asked: Asked, tls = false): Dialogue {
  const { method = 'GET', path, body = '' } = asked
  const length: readonly Field[] = method === 'POST' ? [['content-length', String(body.length)]] : []
  const lines = [...fieldsOf(asked), ...length].map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const writes = [`${method} ${path} HTTP/1.1\r\nhost: a.test\r\n${lines}\r\n${body}`]
  const dialogue = { protocol: 'http1', writes, methods: [method] } as const
  return tls ? { ...dialogue, tls: { ca: AUTHORITY.bundle, serverName: 'a.test', certificate: CLIENT } } : dialogue
}

function overHttp2(asked: Asked): Dialogue {
  const { method = 'GET', path, body = '' } = asked
  const pseudo: Field[] = [
    [':method', method],
    [':scheme', 'http'],
    [':authority', 'a.test'],
    [':path', path],
  ]
  return { protocol: 'http2', fields: [...pseudo, ...fieldsOf(asked)], body, trailers: [] }
}

const TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3'
const inline = (inline_string: string): JsonObject => ({ inline_string })
/** Without it Envoy knows no server name. */
const INSPECTED: JsonObject = { listener_filters: [listenerFilter('tls_inspector.v3.TlsInspector')] }
const mutual = downstreamTls(
  { validation_context: { trusted_ca: inline(AUTHORITY.bundle) } },
  { require_client_certificate: true },
)
const upstreamTls = (more: JsonObject = {}): JsonObject => ({
  transport_socket: {
    name: 'tls',
    typed_config: {
      '@type': `${TLS}.UpstreamTlsContext`,
      sni: 'a.test',
      common_tls_context: {
        // Envoy speaks 1.2 upstream unless it is told otherwise.
        tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
        tls_certificates: [
          { certificate_chain: inline(CLIENT.certificateChain), private_key: inline(CLIENT.privateKey) },
        ],
        validation_context: { trusted_ca: inline(AUTHORITY.bundle) },
      },
    },
  },
  ...more,
})

/** What operators tell of a cluster besides its name. */
const KNOWN_BY: JsonObject = {
  alt_stat_name: 'log_tls_a',
  metadata: { filter_metadata: { about: { team: 'ü', more: { list: [1.5, 'x"y', true, null] } } } },
}

/** Whether a connection is there already is told by the log: nobody else may have left one. */
const own = (cluster: string, more: Partial<ClusterPlan> = {}): readonly ClusterPlan[] => [
  { name: cluster, endpoint: 'alpha', fields: {}, ...more },
  { name: http2Of(cluster), endpoint: 'delta', fields: HTTP2_UPSTREAM },
]

const http = (name: string, cluster: string, codec_type: string, more: Partial<ListenerPlan> = {}): ListenerPlan => ({
  name: `log-${name}`,
  virtualHosts: [host(cluster)],
  connectionManager: { codec_type, http_filters: [RBAC, HEALTH, ROUTER] },
  log: { format: FORMAT },
  ...more,
})

/** Their operators stand in for every protocol; `chains` have names of their own. */
const OPERATOR_LISTENERS: readonly ListenerPlan[] = [
  http('http1', 'log-http1-a', 'HTTP1', { chains: [{ name: 'the chain' }], clusters: own('log-http1-a') }),
  http('http2', 'log-http2-a', 'HTTP2', { clusters: own('log-http2-a') }),
  http('tls', 'log-tls-a', 'HTTP1', {
    chains: [mutual],
    listener: INSPECTED,
    clusters: own('log-tls-a', { endpoint: 'tls-a', fields: upstreamTls(KNOWN_BY) }),
  }),
  http('tls-http2', 'log-tls-a-http2', 'HTTP1', {
    chains: [mutual],
    listener: INSPECTED,
    clusters: own('log-tls-a-http2', { endpoint: 'tls-a', fields: upstreamTls(HTTP2_UPSTREAM) }),
  }),
  {
    name: 'log-early',
    virtualHosts: [host('log-early-a')],
    clusters: own('log-early-a'),
    connectionManager: {
      codec_type: 'HTTP1',
      http_filters: [RBAC, ROUTER],
      access_log_options: { flush_access_log_on_new_request: true, flush_log_on_tunnel_successfully_established: true },
    },
    log: { format: FORMAT },
  },
]

/** Each try has a line of its own. */
const TRIES: ListenerPlan = {
  name: 'log-tries',
  virtualHosts: [host('log-tries-a')],
  clusters: own('log-tries-a'),
  log: {
    format: Object.fromEntries(Object.entries(FORMAT).filter(([, call]) => !isLogOnly(String(call)))),
    ofTries: true,
  },
}

function isLogOnly(call: string): boolean {
  return OPERATOR_SYNTAX.get(/%([A-Z0-9_]+)/.exec(call)?.[1] ?? '')?.logOnly === true
}

/** For the end of a handshake with a plaintext endpoint Envoy takes the client's, but not each time. */
const FORMAT_TO_PLAINTEXT = Object.fromEntries(Object.entries(FORMAT).filter(([name]) => !name.includes('US_HS_END')))

const TCP_LISTENERS: readonly ListenerPlan[] = [
  { name: 'log-tcp', virtualHosts: [], tcpProxy: { cluster: 'bytes' }, log: { format: FORMAT } },
  { name: 'log-tcp-dead', virtualHosts: [], tcpProxy: { cluster: DEAD_CLUSTER }, log: { format: FORMAT } },
  { name: 'log-tcp-empty', virtualHosts: [], tcpProxy: { cluster: EMPTY_CLUSTER }, log: { format: FORMAT } },
  {
    name: 'log-tcp-early',
    virtualHosts: [],
    tcpProxy: { cluster: 'bytes', access_log_options: { flush_access_log_on_connected: true } },
    log: { format: FORMAT },
  },
  {
    name: 'log-tcp-tls',
    virtualHosts: [],
    tcpProxy: { cluster: 'bytes' },
    chains: [mutual],
    listener: INSPECTED,
    log: { format: FORMAT_TO_PLAINTEXT },
  },
]

const tcp = (listener: string): DifferentialCase => ({
  name: `${listener}/bytes`,
  listener,
  dialogue: {
    protocol: 'script',
    client: 'bytes',
    ...(listener === 'log-tcp-tls' ? { tls: { ca: AUTHORITY.bundle, serverName: 'a.test', certificate: CLIENT } } : {}),
    steps: [
      { by: 'client', send: 'hello' },
      { by: 'upstream', send: 'hi' },
      { by: 'client', does: 'end' },
      { by: 'upstream', does: 'end' },
    ],
  },
})

const compare = (op: string, default_value: number): JsonObject => ({
  comparison: { op, value: { default_value, runtime_key: 'none' } },
})
const status = (op: string, value: number): JsonObject => ({ status_code_filter: compare(op, value) })
/** By how long a stream takes: a time-out is above the threshold, and whatever is answered at once far below it. */
const LASTING = 'duration'
const FILTERS: Readonly<Record<string, JsonObject>> = {
  'status-eq': status('EQ', 404),
  'status-ge': status('GE', 500),
  'status-le': status('LE', 200),
  'status-zero': status('EQ', 0),
  [LASTING]: { duration_filter: compare('GE', 1_000) },
  'duration-none': { duration_filter: compare('GE', 100_000) },
  'not-health': { not_health_check_filter: {} },
  'header-present': { header_filter: { header: { name: 'x-a', present_match: true } } },
  'header-absent': { header_filter: { header: { name: 'x-a', present_match: true, invert_match: true } } },
  'header-path': { header_filter: { header: { name: ':path', string_match: { prefix: '/to' } } } },
  'flags-any': { response_flag_filter: {} },
  'flags-some': { response_flag_filter: { flags: ['UF', 'NR', 'DO'] } },
  'grpc-ok': { grpc_status_filter: { statuses: ['OK', 'NOT_FOUND'] } },
  'grpc-not-ok': { grpc_status_filter: { statuses: ['OK', 'UNAVAILABLE'], exclude: true } },
  'grpc-unknown': { grpc_status_filter: { statuses: ['UNKNOWN'] } },
  and: { and_filter: { filters: [status('GE', 400), { response_flag_filter: {} }] } },
  or: { or_filter: { filters: [status('EQ', 404), { header_filter: { header: { name: 'x-a', exact_match: 'b' } } }] } },
  'runtime-none': { runtime_filter: { runtime_key: 'k', percent_sampled: { numerator: 0 } } },
  'runtime-unset': { runtime_filter: { runtime_key: 'k' } },
  'runtime-all': { runtime_filter: { runtime_key: 'k', percent_sampled: { numerator: 100 } } },
  'runtime-by-id': { runtime_filter: { runtime_key: 'k', percent_sampled: { numerator: 50 } } },
  'runtime-of-million': {
    runtime_filter: { runtime_key: 'k', percent_sampled: { numerator: 500_000, denominator: 'MILLION' } },
  },
  metadata: {
    metadata_filter: {
      matcher: {
        filter: 'envoy.filters.http.rbac',
        path: [{ key: 'enforced_engine_result' }],
        value: { string_match: { exact: 'denied' } },
      },
      match_if_key_not_found: false,
    },
  },
  'metadata-absent': {
    metadata_filter: {
      matcher: { filter: 'none', path: [{ key: 'k' }], value: { string_match: { exact: 'x' } } },
    },
  },
  'type-end': { log_type_filter: { types: ['DownstreamEnd'] } },
  'type-not-end': { log_type_filter: { types: ['DownstreamEnd'], exclude: true } },
}

const FILTER_LISTENERS: readonly ListenerPlan[] = Object.entries(FILTERS).map(([name, filter]) => ({
  name: `log-filter-${name}`,
  virtualHosts: [name === LASTING ? host(`log-filter-${name}`, '1.5s') : host(`log-filter-${name}`)],
  clusters: own(`log-filter-${name}`),
  connectionManager: { codec_type: 'HTTP1', http_filters: [RBAC, HEALTH, ROUTER] },
  log: { filter },
}))

const FILTERED = ['plain', 'post', 'no-route', 'dead', 'short', 'denied', 'healthz', 'error', 'not-found'] as const
const GRPC_FILTERED = ['grpc-in-head', 'grpc-in-trailers', 'grpc-none', 'grpc-refused'] as const
/** Its first eight digits are what Envoy draws by. */
const IDS = ['00000000', '00000031', '00000032', 'ffffffff', '0007a11f', '0007a120'].map(
  (first, index): [string, Asked] => [
    `id-${index}`,
    { path: '/to', fields: [['x-request-id', `${first}-93d6-4a5c-9d6c-0d6b5bb7f3a1`]] },
  ],
)

const filtered = (listener: string): readonly (readonly [string, Asked])[] => {
  if (listener.includes('runtime')) return IDS
  const names = listener.includes('grpc') ? [...FILTERED, ...GRPC_FILTERED] : FILTERED
  return names.map(name => [name, ASKED[name]!])
}

export const ACCESS_LOG_LISTENERS: readonly ListenerPlan[] = [
  ...OPERATOR_LISTENERS,
  TRIES,
  ...TCP_LISTENERS,
  ...FILTER_LISTENERS,
]

export const ACCESS_LOG_CASES: readonly DifferentialCase[] = [
  ...[...OPERATOR_LISTENERS, TRIES].flatMap(({ name: listener }) =>
    Object.entries(ASKED).map(([name, asked]): DifferentialCase => {
      const isTls = listener.startsWith('log-tls')
      const dialogue = listener === 'log-http2' ? overHttp2(asked) : overHttp1(asked, isTls)
      return { name: `${listener}/${name}`, listener, dialogue }
    }),
  ),
  ...TCP_LISTENERS.map(({ name }) => tcp(name)),
  ...FILTER_LISTENERS.flatMap(({ name: listener }) =>
    filtered(listener).map(
      ([name, asked]): DifferentialCase => ({
        name: `${listener}/${name}`,
        listener,
        dialogue: overHttp1(asked),
        ...(listener === `log-filter-${LASTING}` ? { timed: true } : {}),
      }),
    ),
  ),
]
