// Routes by hand, where chance would seldom bring route and request together: one virtual host for each case.
import type { JsonObject } from '@bufbuild/protobuf'
import { ANSWER_FIELD, type Answer, answerField } from '../answer.ts'
import type { DifferentialCase } from '../case.ts'
import type { ListenerPlan } from '../plan.ts'

const LISTENER = 'routes'

interface RouteCase {
  readonly name: string
  readonly host: JsonObject
  readonly method?: string
  readonly path?: string
  readonly fields?: string
  readonly body?: string
  readonly answers?: readonly Answer[]
}

const forward = (route: JsonObject, more: JsonObject = {}): JsonObject => ({
  routes: [{ name: 'r', match: { prefix: '/' }, route: { cluster: 'alpha', ...route }, ...more }],
})
const matching = (match: JsonObject): JsonObject => ({
  routes: [
    { name: 'yes', match: { prefix: '/', ...match }, route: { cluster: 'beta' } },
    { name: 'no', match: { prefix: '/' }, route: { cluster: 'alpha' } },
  ],
})
const redirect = (action: JsonObject, match: JsonObject = { prefix: '/' }): JsonObject => ({
  routes: [{ name: 'r', match, redirect: action }],
})
const direct = (status: number, body = ''): JsonObject => ({
  routes: [
    {
      name: 'r',
      match: { prefix: '/' },
      direct_response: { status, ...(body === '' ? {} : { body: { inline_string: body } }) },
    },
  ],
})
const retry = (policy: JsonObject): JsonObject =>
  forward({ retry_policy: { retry_back_off: { base_interval: '0.001s', max_interval: '0.002s' }, ...policy } })

const BROKEN: readonly Answer[] = [{ cut: 'before' }]
/** Later than every time-out here: nobody waits for it. */
const LATE = 2_000
const SLOW: readonly Answer[] = [{ delayMs: LATE }]

const FORWARDING: readonly RouteCase[] = [
  { name: 'forward/dead', host: forward({ cluster: 'dead' }) },
  { name: 'forward/empty', host: forward({ cluster: 'empty' }) },
  { name: 'forward/post-to-dead', host: forward({ cluster: 'dead' }), method: 'POST', body: 'body' },
  { name: 'forward/broken', host: forward({}), answers: BROKEN },
  { name: 'forward/broken-post', host: forward({}), method: 'POST', body: 'body', answers: BROKEN },
  { name: 'forward/broken-in-body', host: forward({}), answers: [{ cut: 'body' }] },
  { name: 'forward/broken-in-head', host: forward({}), answers: [{ cut: 'head' }] },
  { name: 'timeout/route', host: forward({ timeout: '0.1s' }), answers: SLOW },
  { name: 'timeout/route-of-a-post', host: forward({ timeout: '0.1s' }), method: 'POST', body: 'body', answers: SLOW },
  { name: 'timeout/none', host: forward({ timeout: '0s' }), answers: [{ delayMs: 30 }] },
  {
    name: 'timeout/beside-stream-duration',
    host: forward({ timeout: '0.1s', max_stream_duration: {} }),
    answers: [{ delayMs: 250 }],
  },
  { name: 'timeout/said-for-grpc-too', host: forward({ timeout: '0.1s', max_grpc_timeout: '0.1s' }), answers: SLOW },
  {
    name: 'timeout/per-try',
    host: retry({ retry_on: '5xx', num_retries: 1, per_try_timeout: '0.1s' }),
    answers: SLOW,
  },
  {
    name: 'timeout/per-try-then-good',
    host: retry({ retry_on: '5xx', num_retries: 1, per_try_timeout: '0.1s' }),
    answers: [...SLOW, {}],
  },
  {
    name: 'timeout/per-try-without-retry-on',
    host: retry({ retry_on: 'retriable-4xx', per_try_timeout: '0.1s' }),
    answers: SLOW,
  },
  { name: 'timeout/idle', host: forward({ timeout: '0s', idle_timeout: '0.1s' }), answers: SLOW },
  {
    name: 'timeout/by-header',
    host: forward({ timeout: '1s' }),
    fields: 'x-envoy-upstream-rq-timeout-ms: 100\r\n',
    answers: SLOW,
  },
]

const RETRIES: readonly RouteCase[] = [
  ...[
    '5xx',
    'gateway-error',
    'reset',
    'connect-failure',
    'refused-stream',
    'retriable-4xx',
    'envoy-ratelimited',
    'reset-before-request',
  ].flatMap((condition): RouteCase[] => [
    {
      name: `retry/${condition}-on-dead`,
      host: {
        routes: [
          {
            match: { prefix: '/' },
            route: {
              cluster: 'dead',
              retry_policy: { retry_on: condition, num_retries: 2, retry_back_off: { base_interval: '0.001s' } },
            },
          },
        ],
      },
    },
    {
      name: `retry/${condition}-on-broken-post`,
      host: retry({ retry_on: condition, num_retries: 2 }),
      method: 'POST',
      body: 'body',
      answers: [...BROKEN, {}],
    },
    {
      name: `retry/${condition}-on-broken-get`,
      host: retry({ retry_on: condition, num_retries: 2 }),
      answers: [...BROKEN, {}],
    },
    {
      name: `retry/${condition}-on-503`,
      host: retry({ retry_on: condition, num_retries: 2 }),
      answers: [{ status: 503 }, {}],
    },
    {
      name: `retry/${condition}-on-500-thrice`,
      host: retry({ retry_on: condition, num_retries: 2 }),
      answers: [{ status: 500 }],
    },
    {
      name: `retry/${condition}-on-409`,
      host: retry({ retry_on: condition, num_retries: 2 }),
      answers: [{ status: 409 }, {}],
    },
    {
      name: `retry/${condition}-on-limited`,
      host: retry({ retry_on: condition, num_retries: 2 }),
      answers: [{ status: 503, fields: [['x-envoy-ratelimited', 'true']] }, {}],
    },
    {
      name: `retry/${condition}-on-nonsense`,
      host: retry({ retry_on: condition, num_retries: 2 }),
      method: 'POST',
      answers: [{ raw: 'nonsense\r\n\r\n' }, {}],
    },
  ]),
  {
    name: 'retry/codes',
    host: retry({ retry_on: 'retriable-status-codes', retriable_status_codes: [418, 200] }),
    answers: [{ status: 418 }, {}],
  },
  ...(['yes', 'no', ''] as const).map(
    (value): RouteCase => ({
      name: `retry/of-requests-with-${value || 'none'}`,
      host: retry({
        retry_on: '5xx',
        retriable_request_headers: [
          { name: 'x-again', string_match: { exact: 'yes' } },
          { name: ':method', string_match: { exact: 'PUT' } },
        ],
      }),
      ...(value === '' ? {} : { fields: `x-again: ${value}\r\n` }),
      answers: [{ status: 503 }, {}],
    }),
  ),
  {
    name: 'retry/of-requests-by-method',
    host: retry({
      retry_on: '5xx',
      num_retries: 0,
      retriable_request_headers: [{ name: ':method', string_match: { exact: 'PUT' } }],
    }),
    answers: [{ status: 503 }, {}],
  },
  {
    name: 'retry/headers-with-status',
    host: retry({
      retry_on: 'retriable-headers',
      retriable_headers: [{ name: ':status', string_match: { exact: '404' } }],
    }),
    answers: [{ status: 404 }, {}],
  },
  { name: 'retry/none-left', host: retry({ retry_on: '5xx', num_retries: 0 }), answers: [{ status: 503 }, {}] },
  {
    name: 'retry/body-kept',
    host: retry({ retry_on: '5xx' }),
    method: 'PUT',
    body: 'x'.repeat(50_000),
    answers: [{ status: 503 }, {}],
  },
  {
    name: 'retry/attempts-counted',
    host: {
      ...retry({ retry_on: '5xx', num_retries: 3 }),
      include_request_attempt_count: true,
      include_attempt_count_in_response: true,
    },
    answers: [{ status: 503 }, { status: 500 }, {}],
  },
  {
    name: 'retry/of-the-virtual-host',
    host: { ...forward({}), retry_policy: { retry_on: '5xx', retry_back_off: { base_interval: '0.001s' } } },
    answers: [{ status: 503 }, {}],
  },
]

const hedged = (policy: JsonObject = {}, route: JsonObject = {}): JsonObject =>
  forward({
    hedge_policy: { hedge_on_per_try_timeout: true },
    retry_policy: {
      retry_on: '5xx',
      num_retries: 1,
      per_try_timeout: '0.1s',
      retry_back_off: { base_interval: '0.001s', max_interval: '0.002s' },
      ...policy,
    },
    ...route,
  })
const first = (delayMs: number, answer: Answer = {}): Answer => ({ body: 'first', delayMs, ...answer })
const second = (delayMs: number, answer: Answer = {}): Answer => ({ body: 'second', delayMs, ...answer })

const HEDGES: readonly RouteCase[] = [
  { name: 'hedge/second-wins', host: hedged(), answers: [first(LATE), second(0)] },
  { name: 'hedge/first-wins', host: hedged(), answers: [first(300), second(LATE)] },
  { name: 'hedge/bad-first', host: hedged(), answers: [first(300, { status: 503 }), second(600)] },
  { name: 'hedge/bad-second', host: hedged(), answers: [first(500), second(0, { status: 503 })] },
  {
    name: 'hedge/all-bad',
    host: hedged(),
    answers: [first(300, { status: 503 }), second(500, { status: 502 })],
  },
  { name: 'hedge/good-but-late', host: hedged({}, { timeout: '0.4s' }), answers: [first(LATE), second(LATE)] },
  { name: 'hedge/none-left', host: hedged({ num_retries: 0 }), answers: [first(300)] },
  { name: 'hedge/last-too-slow', host: hedged(), answers: [first(LATE), second(300)] },
  { name: 'hedge/without-condition', host: hedged({ retry_on: '' }), answers: [first(300), second(0)] },
  { name: 'hedge/other-condition', host: hedged({ retry_on: 'retriable-4xx' }), answers: [first(LATE), second(0)] },
  {
    name: 'hedge/post',
    host: hedged(),
    method: 'POST',
    body: 'x'.repeat(50_000),
    answers: [first(LATE), second(0)],
  },
  {
    name: 'hedge/idle',
    host: hedged({ per_try_timeout: '5s', per_try_idle_timeout: '0.1s' }),
    answers: [first(LATE), second(0)],
  },
  {
    name: 'hedge/of-the-virtual-host',
    host: {
      ...forward({ retry_policy: { retry_on: '5xx', per_try_timeout: '0.1s' } }),
      hedge_policy: { hedge_on_per_try_timeout: true },
      include_request_attempt_count: true,
      include_attempt_count_in_response: true,
    },
    answers: [first(LATE), second(0)],
  },
  {
    name: 'hedge/not-by-this-route',
    host: {
      ...forward({ hedge_policy: {}, retry_policy: { retry_on: '5xx', per_try_timeout: '0.1s' } }),
      hedge_policy: { hedge_on_per_try_timeout: true },
    },
    answers: [first(LATE), second(LATE)],
  },
]

const REDIRECTS: readonly RouteCase[] = [
  { name: 'redirect/path-without-slash', host: redirect({ path_redirect: 'new' }), path: '/a?b' },
  { name: 'redirect/path-with-query', host: redirect({ path_redirect: '/new?c' }), path: '/a?b' },
  { name: 'redirect/path-with-fragment', host: redirect({ path_redirect: '/new#c' }), path: '/a?b' },
  {
    name: 'redirect/prefix-without-slash',
    host: redirect({ prefix_rewrite: 'new' }, { prefix: '/a' }),
    path: '/a/b?c',
  },
  { name: 'redirect/port-of-scheme', host: redirect({ https_redirect: true, port_redirect: 443 }), path: '/a' },
  { name: 'redirect/host-with-port', host: redirect({ host_redirect: 'b.test:81', port_redirect: 82 }), path: '/a' },
  { name: 'redirect/strip-only', host: redirect({ strip_query: true }), path: '/a?b' },
  { name: 'redirect/nothing', host: redirect({}), path: '/a?b' },
  {
    name: 'redirect/forwarded-proto',
    host: redirect({ host_redirect: 'b.test' }),
    path: '/a',
    fields: 'x-forwarded-proto: https\r\n',
  },
  {
    name: 'redirect/forwarded-proto-odd',
    host: redirect({ host_redirect: 'b.test' }),
    path: '/a',
    fields: 'x-forwarded-proto: ftp\r\n',
  },
  { name: 'redirect/absolute-form', host: redirect({ path_redirect: '/b' }), path: 'https://a.test/a' },
  { name: 'redirect/post', host: redirect({ https_redirect: true }), method: 'POST', body: 'body' },
]

const DIRECT: readonly RouteCase[] = [
  ...[200, 201, 202, 204, 205, 300, 301, 302, 304, 307, 400, 418, 426, 451, 500, 503, 511].map(
    (status): RouteCase => ({ name: `direct/${status}`, host: direct(status), path: '/a?b' }),
  ),
  { name: 'direct/204-with-body', host: direct(204, 'body') },
  { name: 'direct/304-with-body', host: direct(304, 'body') },
  { name: 'direct/head', host: direct(200, 'body'), method: 'HEAD' },
  { name: 'direct/post', host: direct(200, 'body'), method: 'POST', body: 'sent' },
  { name: 'direct/large', host: direct(200, 'x'.repeat(4096)) },
]

const MATCHES: readonly RouteCase[] = [
  ...['0', '5', '-5', '+5', '05', '5 ', '5a', '', '0x5', '9223372036854775807', '9223372036854775808', '1e1'].map(
    (value): RouteCase => ({
      name: `match/range-${value || 'empty'}`,
      host: matching({ headers: [{ name: 'x-a', range_match: { start: '-9', end: '9223372036854775807' } }] }),
      fields: `x-a: ${value}\r\n`,
    }),
  ),
  {
    name: 'match/several-values',
    host: matching({ headers: [{ name: 'x-a', exact_match: 'b' }] }),
    fields: 'x-a: a\r\nx-a: b\r\n',
  },
  {
    name: 'match/several-values-joined',
    host: matching({ headers: [{ name: 'x-a', exact_match: 'a,b' }] }),
    fields: 'x-a: a\r\nx-a: b\r\n',
  },
  {
    name: 'match/several-values-inverted',
    host: matching({ headers: [{ name: 'x-a', exact_match: 'b', invert_match: true }] }),
    fields: 'x-a: a\r\nx-a: b\r\n',
  },
  {
    name: 'match/regex-over-bytes',
    host: matching({ headers: [{ name: 'x-a', safe_regex_match: { regex: '.' } }] }),
    fields: 'x-a: \xc3\xbc\r\n',
  },
  {
    name: 'match/non-ascii-value',
    host: matching({ headers: [{ name: 'x-a', exact_match: 'ü' }] }),
    fields: 'x-a: \xc3\xbc\r\n',
  },
  {
    name: 'match/fold-non-ascii',
    host: matching({ headers: [{ name: 'x-a', string_match: { exact: 'Ü', ignore_case: true } }] }),
    fields: 'x-a: \xc3\xbc\r\n',
  },
  { name: 'match/method', host: matching({ headers: [{ name: ':method', exact_match: 'PUT' }] }), method: 'PUT' },
  { name: 'match/scheme', host: matching({ headers: [{ name: ':scheme', exact_match: 'http' }] }) },
  { name: 'match/host', host: matching({ headers: [{ name: 'host', prefix_match: 'match' }] }) },
  {
    name: 'match/content-type-twice',
    host: matching({ headers: [{ name: 'content-type', exact_match: 'b' }] }),
    fields: 'content-type: a\r\ncontent-type: b\r\n',
  },
  {
    name: 'match/cookie',
    host: matching({ headers: [{ name: 'cookie', contains_match: 'b=2' }] }),
    fields: 'cookie: a=1\r\ncookie: b=2\r\n',
  },
  { name: 'match/grpc', host: matching({ grpc: {} }), fields: 'content-type: application/grpc\r\n' },
  { name: 'match/grpc-json', host: matching({ grpc: {} }), fields: 'content-type: application/grpc+json\r\n' },
  { name: 'match/grpc-web', host: matching({ grpc: {} }), fields: 'content-type: application/grpc-web\r\n' },
  ...['?p', '?p=', '?p=a', '?q&p=a', '?p=b&p=a', '?P=a', '?p%3da', '?p=a#p=b', '?=a', '?&&p=a', '?p=a=b', '?p=%61'].map(
    (query): RouteCase => ({
      name: `match/query-${query.slice(1)}`,
      host: matching({ query_parameters: [{ name: 'p', string_match: { exact: 'a' } }] }),
      path: `/a${query}`,
    }),
  ),
  ...['/a', '/a/', '/a/b', '/ab', '/A', '/a?b', '/a%2Fb', '//a'].map(
    (path): RouteCase => ({
      name: `match/separated-${path}`,
      host: {
        routes: [
          { name: 'yes', match: { path_separated_prefix: '/a' }, route: { cluster: 'beta', prefix_rewrite: '/new' } },
        ],
      },
      path,
    }),
  ),
]

const HEADERS: readonly RouteCase[] = [
  ...['APPEND_IF_EXISTS_OR_ADD', 'ADD_IF_ABSENT', 'OVERWRITE_IF_EXISTS_OR_ADD', 'OVERWRITE_IF_EXISTS'].flatMap(action =>
    ['x-a', 'user-agent', 'cookie', 'x-forwarded-for', 'x-request-id', 'te'].map(
      (key): RouteCase => ({
        name: `headers/${action}-${key}`,
        host: forward({}, { request_headers_to_add: [{ header: { key, value: 'added' }, append_action: action }] }),
        fields: `${key}: ${key === 'te' ? 'trailers' : 'here'}\r\n`,
      }),
    ),
  ),
  ...['server', 'date', 'content-type', 'x-envoy-upstream-service-time', 'set-cookie', 'location'].map(
    (key): RouteCase => ({
      name: `headers/response-${key}`,
      host: forward({}, { response_headers_to_add: [{ header: { key, value: 'added' } }] }),
      answers: [
        {
          fields: [
            ['set-cookie', 'a=1'],
            ['content-type', 'text/html'],
            ['location', '/x'],
          ],
        },
      ],
    }),
  ),
  ...['server', 'date', 'x-envoy-upstream-service-time', 'x-request-id', 'content-type'].map(
    (name): RouteCase => ({
      name: `headers/response-without-${name}`,
      host: forward({}, { response_headers_to_remove: [name] }),
      answers: [{ fields: [['content-type', 'text/html']] }],
    }),
  ),
  ...['x-forwarded-proto', 'x-request-id', 'user-agent', 'x-envoy-expected-rq-timeout-ms', 'te'].map(
    (name): RouteCase => ({
      name: `headers/request-without-${name}`,
      host: forward({}, { request_headers_to_remove: [name] }),
      fields: 'user-agent: me\r\nte: trailers\r\n',
    }),
  ),
  {
    name: 'headers/host-and-mutation',
    host: forward(
      { host_rewrite_header: 'x-host', append_x_forwarded_host: true },
      { request_headers_to_add: [{ header: { key: 'x-host', value: 'made.test' } }] },
    ),
    fields: 'x-forwarded-host: before.test\r\n',
  },
]

const PATH = 'type.googleapis.com/envoy.extensions.path'
const template = (path_template: string): JsonObject => ({
  path_match_policy: {
    name: 'template',
    typed_config: { '@type': `${PATH}.match.uri_template.v3.UriTemplateMatchConfig`, path_template },
  },
})
const rewritten = (path_template_rewrite: string): JsonObject => ({
  path_rewrite_policy: {
    name: 'template',
    typed_config: { '@type': `${PATH}.rewrite.uri_template.v3.UriTemplateRewriteConfig`, path_template_rewrite },
  },
})
const templated = (path_template: string, route: JsonObject = {}): JsonObject => ({
  routes: [
    { name: 'yes', match: template(path_template), route: { cluster: 'beta', ...route } },
    { name: 'no', match: { prefix: '/' }, route: { cluster: 'alpha' } },
  ],
})

const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  '/a/*': ['/a/b', '/a/', '/a/b/c', '/a/b?q=/c', '/a/b%2Fc', '/a/b=c', '/a/b*c', '/a/b"c'],
  '/a/**': ['/a/b/c', '/a/', '/a', '/A/b'],
  '/{x}/{y=**}.json': ['/a/b/c.json', '/a/.json', '/a/b'],
  '/v1/{x=a/*/c}/d': ['/v1/a/b/c/d', '/v1/a/c/d'],
  '/a.b/': ['/a.b/', '/a.b', '/axb/'],
}

const POLICIES: readonly RouteCase[] = [
  ...Object.entries(TEMPLATES).flatMap(([pattern, paths]) =>
    paths.map((path): RouteCase => ({ name: `template/${pattern}-${path}`, host: templated(pattern), path })),
  ),
  ...['/x/y?q=1', '/x/y#f', '/de/a/b'].map(
    (path): RouteCase => ({
      name: `template/rewritten-${path}`,
      host: templated('/{country}/{rest=**}', rewritten('/{rest}/in/{country}')),
      path,
    }),
  ),
  {
    name: 'host/of-path',
    host: forward({ host_rewrite_path_regex: { pattern: { regex: '^/([^/]+)/.*$' }, substitution: '\\1.test' } }),
    path: '/a/b?c',
  },
  {
    name: 'host/of-other-path',
    host: forward({ host_rewrite_path_regex: { pattern: { regex: '^/([^/]+)/.*$' }, substitution: '\\1.test' } }),
    path: '/a?c',
  },
  { name: 'host/of-endpoint', host: forward({ cluster: 'named', auto_host_rewrite: true }) },
  {
    name: 'host/of-endpoint-told',
    host: forward({ cluster: 'named', auto_host_rewrite: true, append_x_forwarded_host: true }),
    fields: 'x-forwarded-host: before.test\r\n',
  },
  {
    name: 'host/of-endpoint-retried',
    host: forward({
      cluster: 'named',
      auto_host_rewrite: true,
      append_x_forwarded_host: true,
      retry_policy: { retry_on: '5xx', num_retries: 1 },
    }),
    answers: [{ status: 503 }, {}],
  },
  { name: 'host/of-nameless-endpoint', host: forward({ auto_host_rewrite: true }) },
]

const ALL = [...FORWARDING, ...RETRIES, ...HEDGES, ...REDIRECTS, ...DIRECT, ...MATCHES, ...HEADERS, ...POLICIES]

export const ROUTE_LISTENER: ListenerPlan = {
  name: LISTENER,
  clusters: [{ name: 'named', endpoint: 'alpha', fields: { type: 'STRICT_DNS' } }],
  virtualHosts: ALL.map(({ host }, index) => ({ name: `h${index}`, domains: [`h${index}.test`], ...host })),
}

export const ROUTES: readonly DifferentialCase[] = ALL.map((one, index): DifferentialCase => {
  const { method = 'GET', path = '/', fields = '', body = '', answers } = one
  const length = body === '' ? '' : `content-length: ${body.length}\r\n`
  const answer = answers === undefined ? '' : `${ANSWER_FIELD}: ${answerField(answers)}\r\n`
  const head = `${method} ${path} HTTP/1.1\r\nhost: h${index}.test\r\n${fields}${length}${answer}\r\n`
  return {
    name: one.name,
    listener: LISTENER,
    dialogue: { protocol: 'http1', writes: [head + body], methods: [method] },
    config: one.host,
  }
})
