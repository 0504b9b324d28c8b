// Redirects that the proxy follows itself, and those that it passes on: which it may, and what the next request is like.
import type { JsonObject } from '@bufbuild/protobuf'
import { ANSWER_FIELD, type Answer, answerField } from '../answer.ts'
import type { DifferentialCase } from '../case.ts'
import type { Field } from '../message.ts'
import type { ListenerPlan } from '../plan.ts'
import { inHttp1, inHttp2 } from './both-protocols.ts'

const LISTENER = 'internal-redirect'
const TYPE = 'type.googleapis.com/envoy.extensions'

const predicate = (name: string, type: string, config: JsonObject = {}): JsonObject => ({
  name,
  typed_config: { '@type': `${TYPE}.internal_redirect.${name}.v3.${type}`, ...config },
})
const PREVIOUS = predicate('previous_routes', 'PreviousRoutesConfig')
const SAFE = predicate('safe_cross_scheme', 'SafeCrossSchemeConfig')
const only = (...names: string[]): JsonObject =>
  predicate('allow_listed_routes', 'AllowListedRoutesConfig', { allowed_route_names: names })

const add = (key: string, value: string): JsonObject => ({ header: { key, value } })

const route = (
  name: string,
  policy: JsonObject | null,
  action: JsonObject = {},
  more: JsonObject = {},
): JsonObject => ({
  name,
  match: { prefix: `/${name}` },
  route: { cluster: 'alpha', ...action, ...(policy && { internal_redirect_policy: policy }) },
  ...more,
})

/** Of one hop, or of a proxy's own. */
const HOP_BY_HOP: readonly Field[] = [
  ['te', 'trailers, deflate'],
  ['trailer', 'x-t'],
  ['http2-settings', 'AAAA'],
  ['x-forwarded-for', '9.9.9.9'],
  ['x-envoy-original-url', 'lie'],
  ['content-type', 'application/grpc'],
]

const ALL = [301, 302, 303, 307, 308]
const HOST: JsonObject = {
  name: 'first',
  domains: ['a.test', 'a.test:81'],
  routes: [
    route('off', null),
    route('one', {}),
    route('none', { max_internal_redirects: 0 }),
    route('three', { max_internal_redirects: 3 }),
    route('codes', { redirect_response_codes: ALL, max_internal_redirects: 5 }),
    route('307', { redirect_response_codes: [307, 200] }),
    route('cross', { allow_cross_scheme_redirect: true }),
    route('safe', { allow_cross_scheme_redirect: true, predicates: [SAFE] }),
    route('previous', { max_internal_redirects: 4, predicates: [PREVIOUS] }),
    route('listed', { predicates: [only('one', 'target')] }),
    route('copy', { response_headers_to_copy: ['x-a', 'X-B', 'set-cookie'] }),
    route('hops', { response_headers_to_copy: HOP_BY_HOP.map(([name]) => name) }),
    route(
      'rewritten',
      {},
      { prefix_rewrite: '/r', host_rewrite_literal: 'r.test' },
      { request_headers_to_add: [add('x-added', 'first')] },
    ),
    route(
      'retried',
      {},
      { retry_policy: { retry_on: 'retriable-status-codes', retriable_status_codes: [302], num_retries: 1 } },
    ),
    route('limited', {}, {}, { per_request_buffer_limit_bytes: 10 }),
    { name: 'direct', match: { prefix: '/direct' }, direct_response: { status: 418, body: { inline_string: 'tea' } } },
    { name: 'redirect', match: { prefix: '/redirect' }, redirect: { path_redirect: '/x' } },
  ],
}
const OTHER: JsonObject = {
  name: 'second',
  domains: ['b.test', 'b.test:81'],
  routes: [
    route('target', null, {}, { request_headers_to_add: [add('x-added', 'second')] }),
    route('again', { max_internal_redirects: 1 }),
    route('persistent', null, { retry_policy: { retry_on: '5xx', num_retries: 1 } }),
    route('unnamed', null, { timeout: '0s' }),
  ],
}

/** `with-filter`: streams through HTTP filters, each of which sees both requests. */
const FILTERS: JsonObject = {
  http_filters: [
    {
      name: 'mutation',
      typed_config: {
        '@type': `${TYPE}.filters.http.header_mutation.v3.HeaderMutation`,
        mutations: { request_mutations: [{ append: add('x-seen', '%REQ(:PATH)%') }] },
      },
    },
    { name: 'router', typed_config: { '@type': `${TYPE}.filters.http.router.v3.Router` } },
  ],
}
const MANAGERS: Readonly<Record<string, JsonObject>> = {
  [LISTENER]: { normalize_path: true, strip_any_host_port: true },
  [`${LISTENER}-filtered`]: FILTERS,
  [`${LISTENER}-edge`]: { use_remote_address: true },
}

export const INTERNAL_REDIRECT_LISTENERS: readonly ListenerPlan[] = Object.entries(MANAGERS).flatMap(
  ([name, connectionManager]) =>
    (['HTTP1', 'HTTP2'] as const).map(codec => ({
      name: `${name}-${codec}`,
      virtualHosts: [HOST, OTHER],
      connectionManager: { codec_type: codec, ...connectionManager },
    })),
)

interface Asked {
  readonly path: string
  readonly method?: string
  readonly fields?: readonly Field[]
  readonly body?: string
  readonly answers: readonly Answer[]
}

const to = (location: string, more: Partial<Answer> = {}): Answer => {
  const { fields = [], ...rest } = more
  return { status: 302, body: '', fields: [['location', location], ...fields], ...rest }
}
const TARGET = to('http://b.test/target?q=1')
const FINE: Answer = { body: 'fine' }

const LOCATIONS: Readonly<Record<string, string>> = {
  relative: '/target',
  empty: '',
  'no-scheme': '//b.test/target',
  'other-scheme': 'ftp://b.test/target',
  'upper-case': 'HTTP://B.TEST/target',
  fragment: 'http://b.test/target#f?x',
  'fragment-of-nothing': 'http://b.test#f',
  'no-path': 'http://b.test',
  'query-alone': 'http://b.test?q',
  port: 'http://b.test:81/target',
  'bad-port': 'http://b.test:x/target',
  'no-port': 'http://b.test:/target',
  'no-host': 'http:///target',
  user: 'http://u:p@b.test/target',
  ipv6: 'http://[::1]:81/target',
  dots: 'http://b.test/x/../target/./y',
  blank: 'http://b.test/tar get',
  quote: 'http://b.test/target"<>',
  high: 'http://b.test/target\u00fc',
  backslash: 'http://b.test\\target',
  'no-host-known': 'http://c.test/target',
  'no-route': 'http://b.test/nowhere',
  https: 'https://b.test/target',
  'escaped-slash': 'http://b.test/x%2f..%2ftarget',
  'bad-escape': 'http://b.test/target%zz',
  asterisk: 'http://b.test/*',
  'two-slashes': 'http://b.test//target',
  'above-the-root': 'http://b.test/../../target',
  'dot-host': 'http://b.test./target',
  'odd-host': 'http://b.test,c/target',
  'percent-host': 'http://b%2etest/target',
  'large-port': 'http://b.test:65536/target',
  direct: 'http://a.test/direct',
  redirect: 'http://a.test/redirect',
}

const post = (path: string, ...answers: readonly Answer[]): Asked => ({ path, method: 'POST', body: 'body', answers })
const GRPC: readonly Field[] = [
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
]

const ASKED: Readonly<Record<string, Asked>> = {
  'post-303-then-another': post('/codes', to('http://a.test/codes/x', { status: 303 }), TARGET, FINE),
  'post-303-then-retry': post('/codes', to('http://b.test/persistent', { status: 303 }), { status: 503 }, FINE),
  'post-307-then-another': post('/codes', to('http://a.test/codes/x', { status: 307 }), TARGET, FINE),
  'post-307-then-retry': post('/codes', to('http://b.test/persistent', { status: 307 }), { status: 503 }, FINE),
  'post-to-direct': post('/one', to('http://a.test/direct')),
  'post-to-redirect': post('/one', to('http://a.test/redirect')),
  'post-that-fails': post('/one', TARGET, { cut: 'before' }),
  'one-with-interim': {
    path: '/one',
    answers: [
      { ...TARGET, interim: [103] },
      { ...FINE, interim: [103] },
    ],
  },
  'one-cut': { path: '/one', answers: [{ ...TARGET, body: 'abc', cut: 'body' }, FINE] },
  'one-with-trailers': { path: '/one', answers: [{ ...TARGET, body: 'abc', trailers: [['x-t', '1']] }, FINE] },
  hops: { path: '/hops', answers: [to('http://b.test/target', { fields: HOP_BY_HOP }), FINE] },
  'hops-of-none': { path: '/hops', fields: [['x-forwarded-for', '1.1.1.1']], answers: [TARGET, FINE] },
  grpc: { ...post('/one', TARGET, FINE), fields: GRPC },
  'grpc-to-nowhere': { ...post('/one', to('http://a.test/direct')), fields: GRPC },
  off: { path: '/off', answers: [TARGET, FINE] },
  one: { path: '/one', answers: [TARGET, FINE] },
  'one-with-body': { path: '/one', answers: [{ ...TARGET, body: 'go there' }, FINE] },
  'one-in-chunks': { path: '/one', answers: [{ ...TARGET, chunked: true, body: 'go' }, FINE] },
  'one-that-fails': { path: '/one', answers: [TARGET, { status: 503 }] },
  'one-to-head': { path: '/one', method: 'HEAD', answers: [TARGET, FINE] },
  'one-post': post('/one', TARGET, FINE),
  'one-301': { path: '/one', answers: [{ ...TARGET, status: 301 }, FINE] },
  'one-then-another': { path: '/one', answers: [to('http://b.test/again'), TARGET, FINE] },
  none: { path: '/none', answers: [TARGET, FINE] },
  'no-location': { path: '/one', answers: [{ status: 302 }, FINE] },
  three: {
    path: '/three',
    answers: [to('http://a.test/three/1'), to('http://a.test/three/2'), to('http://a.test/three/3'), FINE],
  },
  four: {
    path: '/three',
    answers: [
      to('http://a.test/three/1'),
      to('http://a.test/three/2'),
      to('http://a.test/three/3'),
      to('http://a.test/three/4'),
      FINE,
    ],
  },
  '307': { path: '/307', answers: [{ ...TARGET, status: 307 }, FINE] },
  '307-of-302': { path: '/307', answers: [TARGET, FINE] },
  '307-of-200': { path: '/307', answers: [{ ...TARGET, status: 200 }, FINE] },
  cross: { path: '/cross', answers: [to('https://b.test/target'), FINE] },
  safe: { path: '/safe', answers: [to('https://b.test/target'), FINE] },
  'safe-same': { path: '/safe', answers: [TARGET, FINE] },
  previous: { path: '/previous', answers: [to('http://a.test/previous/1'), to('http://a.test/previous/2'), FINE] },
  listed: { path: '/listed', answers: [TARGET, FINE] },
  unlisted: { path: '/listed', answers: [to('http://b.test/again'), FINE] },
  copy: {
    path: '/copy',
    fields: [
      ['x-a', 'old'],
      ['x-b', 'old'],
      ['set-cookie', 'old'],
    ],
    answers: [
      to('http://b.test/target', {
        fields: [
          ['x-a', 'new'],
          ['set-cookie', 'c=1'],
          ['set-cookie', 'd=2'],
        ],
      }),
      FINE,
    ],
  },
  'copy-in-vain': {
    path: '/copy',
    fields: [['x-a', 'old']],
    answers: [to('http://b.test/nowhere', { fields: [['x-a', 'new']] })],
  },
  rewritten: { path: '/rewritten/x', answers: [TARGET, FINE] },
  retried: { path: '/retried', answers: [TARGET, TARGET, FINE] },
  'limited-within': { path: '/limited', method: 'POST', body: '0123456789', answers: [TARGET, FINE] },
  'limited-above': { path: '/limited', method: 'POST', body: '0123456789a', answers: [TARGET, FINE] },
  forwarded: {
    path: '/one',
    fields: [
      ['x-forwarded-proto', 'https'],
      ['x-forwarded-for', '1.1.1.1'],
    ],
    answers: [TARGET, FINE],
  },
  'forwarded-https': {
    path: '/one',
    fields: [['x-forwarded-proto', 'https']],
    answers: [to('https://b.test/target'), FINE],
  },
  'original-url': { path: '/one', fields: [['x-envoy-original-url', 'lie']], answers: [TARGET, FINE] },
  ...Object.fromEntries(
    ALL.flatMap(status =>
      (['GET', 'POST', 'PUT', 'HEAD'] as const).map(method => [
        `codes-${status}-${method}`,
        { path: '/codes', method, answers: [{ ...TARGET, status }, FINE], body: method.startsWith('P') ? 'body' : '' },
      ]),
    ),
  ),
  ...Object.fromEntries(
    Object.entries(LOCATIONS).map(([name, location]) => [
      `to-${name}`,
      { path: '/one', answers: [to(location), FINE] },
    ]),
  ),
}

function casesOf(listener: string, asked: string, request: Asked): DifferentialCase[] {
  const { method = 'GET', path, body = '', answers } = request
  const fields: Field[] = [...(request.fields ?? []), [ANSWER_FIELD, answerField(answers)]]
  const plain = { method, path, fields, body }
  return [
    { name: `${listener}/${asked}-h1`, listener: `${listener}-HTTP1`, dialogue: inHttp1(plain) },
    { name: `${listener}/${asked}-h2`, listener: `${listener}-HTTP2`, dialogue: inHttp2(plain) },
  ]
}

/** Of the other listeners. */
const SOME = ['one', 'one-post', 'one-then-another', 'rewritten', 'forwarded', 'original-url', 'to-no-route']

export const INTERNAL_REDIRECTS: readonly DifferentialCase[] = Object.keys(MANAGERS).flatMap(listener =>
  Object.entries(ASKED)
    .filter(([asked]) => listener === LISTENER || SOME.includes(asked))
    .flatMap(([asked, request]) => casesOf(listener, asked, request)),
)
