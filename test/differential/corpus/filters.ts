// HTTP filters, each on a listener of its own, with the requests that it is about.
import type { JsonObject } from '@bufbuild/protobuf'
import { ANSWER_FIELD, type Answer, answerField } from '../answer.ts'
import type { DifferentialCase } from '../case.ts'
import type { Field } from '../message.ts'
import type { ListenerPlan } from '../plan.ts'
import type { PlainRequest } from './both-protocols.ts'

const TYPE = 'type.googleapis.com/envoy.extensions.filters.http'
const ROUTER: JsonObject = { name: 'router', typed_config: { '@type': `${TYPE}.router.v3.Router` } }

type Asked = Partial<PlainRequest> & { readonly answer?: Answer }

interface FilterPlan {
  readonly name: string
  /** The name under which routes speak to it, and its message. */
  readonly filter: string
  readonly type: string
  readonly config: JsonObject
  /** Of routes at `/route/NAME`, each with what it says to the filter. */
  readonly routes?: Readonly<Record<string, JsonObject>>
  readonly virtualHost?: JsonObject
  readonly asked: Readonly<Record<string, Asked>>
}

const percent = (numerator: number): JsonObject => ({ numerator, denominator: 'HUNDRED' })
const enabled = (numerator: number): JsonObject => ({ default_value: percent(numerator) })
const origin = (value: string): Field => ['origin', value]
const PREFLIGHT: readonly Field[] = [['access-control-request-method', 'PUT']]
const anyone: JsonObject[] = [{ any: true }]
const rule = (...permissions: JsonObject[]): JsonObject => ({ permissions, principals: anyone })
const by = (...principals: JsonObject[]): JsonObject => ({ permissions: anyone, principals })
const header = (name: string, match: JsonObject): JsonObject => ({ header: { name, ...match } })
const bucket = (tokens: number): JsonObject => ({ max_tokens: tokens, tokens_per_fill: tokens, fill_interval: '3600s' })

const shadowed: JsonObject = { action: 'ALLOW', policies: { p: rule({ any: true }) } }

const RBAC_ASKED: Readonly<Record<string, Asked>> = {
  plain: {},
  'path-secret': { path: '/secret' },
  'path-secret-query': { path: '/secret?x' },
  'path-Secret': { path: '/Secret' },
  'header-a': { fields: [['x-a', 'a']] },
  'header-b': { fields: [['x-a', 'b']] },
  'header-two': {
    fields: [
      ['x-a', 'b'],
      ['x-a', 'a'],
    ],
  },
  'method-put': { method: 'PUT' },
  'from-elsewhere': { fields: [['x-forwarded-for', '10.1.2.3']] },
  grpc: {
    fields: [
      ['content-type', 'application/grpc'],
      ['x-a', 'b'],
    ],
  },
}

const rbac = (name: string, rules: JsonObject, more: JsonObject = {}): FilterPlan => ({
  name,
  filter: 'rbac',
  type: 'rbac.v3.RBAC',
  config: { rules, ...more },
  asked: RBAC_ASKED,
})

const PLANS: readonly FilterPlan[] = [
  {
    name: 'cors',
    filter: 'cors',
    type: 'cors.v3.Cors',
    config: {},
    routes: {
      exact: {
        '@type': `${TYPE}.cors.v3.CorsPolicy`,
        allow_origin_string_match: [{ exact: 'http://a.test' }, { suffix: '.b.test' }],
        allow_methods: 'GET, PUT',
        allow_headers: 'x-a',
        expose_headers: 'x-b',
        max_age: '60',
        allow_credentials: true,
      },
      star: { '@type': `${TYPE}.cors.v3.CorsPolicy`, allow_origin_string_match: [{ safe_regex: { regex: '.*' } }] },
      off: {
        '@type': `${TYPE}.cors.v3.CorsPolicy`,
        allow_origin_string_match: [{ exact: 'http://a.test' }],
        filter_enabled: enabled(0),
      },
      shadow: {
        '@type': `${TYPE}.cors.v3.CorsPolicy`,
        allow_origin_string_match: [{ exact: 'http://a.test' }],
        filter_enabled: enabled(0),
        shadow_enabled: enabled(100),
      },
      strict: {
        '@type': `${TYPE}.cors.v3.CorsPolicy`,
        allow_origin_string_match: [{ exact: 'http://a.test' }],
        forward_not_matching_preflights: false,
      },
    },
    asked: Object.fromEntries(
      ['exact', 'star', 'off', 'shadow', 'strict', 'none'].flatMap(route =>
        [
          ['plain', {}],
          ['origin', { fields: [origin('http://a.test')] }],
          ['origin-foreign', { fields: [origin('http://c.test')] }],
          ['origin-twice', { fields: [origin('http://a.test'), origin('http://c.test')] }],
          ['origin-empty', { fields: [origin('')] }],
          ['preflight', { method: 'OPTIONS', fields: [origin('http://a.test'), ...PREFLIGHT] }],
          ['preflight-suffix', { method: 'OPTIONS', fields: [origin('http://x.b.test'), ...PREFLIGHT] }],
          ['preflight-foreign', { method: 'OPTIONS', fields: [origin('http://c.test'), ...PREFLIGHT] }],
          [
            'preflight-grpc',
            {
              method: 'OPTIONS',
              fields: [origin('http://a.test'), ...PREFLIGHT, ['content-type', 'application/grpc']],
            },
          ],
          ['preflight-without-method', { method: 'OPTIONS', fields: [origin('http://a.test')] }],
          [
            'preflight-private',
            {
              method: 'OPTIONS',
              fields: [origin('http://a.test'), ...PREFLIGHT, ['access-control-request-private-network', 'true']],
            },
          ],
          [
            'answered',
            {
              fields: [origin('http://a.test')],
              answer: {
                fields: [
                  ['access-control-allow-origin', 'theirs'],
                  ['access-control-expose-headers', 'x-theirs'],
                ],
              },
            },
          ],
        ].map(([name, asked]) => [`${route}-${name}`, { path: `/route/${route}`, ...(asked as Asked) }]),
      ),
    ),
  },
  {
    name: 'fault-abort',
    filter: 'fault',
    type: 'fault.v3.HTTPFault',
    config: { abort: { http_status: 418, percentage: percent(100) } },
    routes: {
      grpc: { '@type': `${TYPE}.fault.v3.HTTPFault`, abort: { grpc_status: 5, percentage: percent(100) } },
      never: { '@type': `${TYPE}.fault.v3.HTTPFault`, abort: { http_status: 418, percentage: percent(0) } },
      matching: {
        '@type': `${TYPE}.fault.v3.HTTPFault`,
        abort: { http_status: 503, percentage: percent(100) },
        headers: [{ name: 'x-a', exact_match: 'a' }],
      },
      cluster: {
        '@type': `${TYPE}.fault.v3.HTTPFault`,
        abort: { http_status: 503, percentage: percent(100) },
        upstream_cluster: 'beta',
      },
      'by-header': { '@type': `${TYPE}.fault.v3.HTTPFault`, abort: { header_abort: {}, percentage: percent(100) } },
      delay: { '@type': `${TYPE}.fault.v3.HTTPFault`, delay: { fixed_delay: '0.02s', percentage: percent(100) } },
      both: {
        '@type': `${TYPE}.fault.v3.HTTPFault`,
        delay: { fixed_delay: '0.02s', percentage: percent(100) },
        abort: { http_status: 503, percentage: percent(100) },
      },
      'delay-by-header': {
        '@type': `${TYPE}.fault.v3.HTTPFault`,
        delay: { header_delay: {}, percentage: percent(100) },
      },
    },
    asked: Object.fromEntries(
      ['none', 'grpc', 'never', 'matching', 'cluster', 'by-header', 'delay', 'both', 'delay-by-header'].flatMap(route =>
        [
          ['plain', {}],
          ['post', { method: 'POST', body: 'body' }],
          ['header-a', { fields: [['x-a', 'a']] }],
          ['abort-request', { fields: [['x-envoy-fault-abort-request', '429']] }],
          ['abort-request-odd', { fields: [['x-envoy-fault-abort-request', '99']] }],
          ['abort-grpc', { fields: [['x-envoy-fault-abort-grpc-request', '7']] }],
          [
            'abort-percentage',
            {
              fields: [
                ['x-envoy-fault-abort-request', '429'],
                ['x-envoy-fault-abort-request-percentage', '0'],
              ],
            },
          ],
          ['delay-request', { fields: [['x-envoy-fault-delay-request', '10']] }],
          ['grpc-client', { method: 'POST', fields: [['content-type', 'application/grpc']] }],
        ].map(([name, asked]) => [`${route}-${name}`, { path: `/route/${route}`, ...(asked as Asked) }]),
      ),
    ),
  },
  rbac('rbac-allow-path', { action: 'ALLOW', policies: { open: rule({ url_path: { path: { prefix: '/secret' } } }) } }),
  rbac('rbac-deny-path', { action: 'DENY', policies: { closed: rule({ url_path: { path: { exact: '/secret' } } }) } }),
  rbac('rbac-deny-fold', {
    action: 'DENY',
    policies: { closed: rule({ url_path: { path: { exact: '/secret', ignore_case: true } } }) },
  }),
  rbac('rbac-deny-header', { action: 'DENY', policies: { b: rule(header('x-a', { string_match: { exact: 'b' } })) } }),
  rbac('rbac-allow-not-header', {
    action: 'ALLOW',
    policies: { p: rule({ not_rule: header('x-a', { exact_match: 'b' }) }) },
  }),
  rbac('rbac-allow-method', { action: 'ALLOW', policies: { p: rule(header(':method', { exact_match: 'PUT' })) } }),
  rbac('rbac-allow-and', {
    action: 'ALLOW',
    policies: {
      p: rule({
        and_rules: {
          rules: [header(':method', { exact_match: 'GET' }), { not_rule: header('x-a', { present_match: true }) }],
        },
      }),
    },
  }),
  rbac('rbac-deny-remote', {
    action: 'DENY',
    policies: { far: by({ remote_ip: { address_prefix: '10.0.0.0', prefix_len: 8 } }) },
  }),
  rbac('rbac-deny-direct', {
    action: 'DENY',
    policies: { near: by({ direct_remote_ip: { address_prefix: '127.0.0.0', prefix_len: 8 } }) },
  }),
  rbac('rbac-deny-other-family', {
    action: 'DENY',
    policies: {
      far: by({ direct_remote_ip: { address_prefix: '::', prefix_len: 8 } }),
      'ü ber': rule(header('x-a', { string_match: { exact: 'b' } })),
    },
  }),
  {
    ...rbac('rbac-prefixes', shadowed, { shadow_rules: shadowed, shadow_rules_stat_prefix: 's_' }),
    routes: {
      none: { '@type': `${TYPE}.rbac.v3.RBACPerRoute`, rbac: { shadow_rules: shadowed } },
      own: {
        '@type': `${TYPE}.rbac.v3.RBACPerRoute`,
        rbac: { shadow_rules: shadowed, shadow_rules_stat_prefix: 't_' },
      },
      on: { '@type': 'type.googleapis.com/envoy.config.route.v3.FilterConfig', config: {} },
    },
    asked: {
      plain: {},
      none: { path: '/route/none' },
      own: { path: '/route/own' },
      on: { path: '/route/on' },
    },
  },
  rbac('rbac-deny-authenticated', { action: 'DENY', policies: { p: by({ authenticated: {} }) } }),
  rbac('rbac-none', { action: 'ALLOW', policies: {} }),
  rbac('rbac-log', { action: 'LOG', policies: { p: rule({ any: true }) } }),
  rbac(
    'rbac-shadow',
    { action: 'ALLOW', policies: { p: rule({ any: true }) } },
    { shadow_rules: { action: 'DENY', policies: { s: rule({ any: true }) } } },
  ),
  {
    name: 'header-mutation',
    filter: 'header_mutation',
    type: 'header_mutation.v3.HeaderMutation',
    config: {
      mutations: {
        request_mutations: [
          { append: { header: { key: 'x-a', value: 'chain %REQ(x-b)%' } } },
          { remove: 'x-b' },
          { append: { header: { key: 'x-c', value: 'set' }, append_action: 'OVERWRITE_IF_EXISTS' } },
          { append: { header: { key: 'x-to', value: '%UPSTREAM_CLUSTER% %ROUTE_NAME%' } } },
        ],
        response_mutations: [
          { append: { header: { key: 'x-made', value: '%RESPONSE_CODE%' }, append_action: 'ADD_IF_ABSENT' } },
          { remove: 'x-up' },
        ],
      },
    },
    routes: {
      own: {
        '@type': `${TYPE}.header_mutation.v3.HeaderMutationPerRoute`,
        mutations: {
          request_mutations: [
            { append: { header: { key: 'x-a', value: 'route' }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' } },
          ],
        },
      },
    },
    virtualHost: {
      '@type': `${TYPE}.header_mutation.v3.HeaderMutationPerRoute`,
      mutations: { request_mutations: [{ append: { header: { key: 'x-a', value: 'host' } } }] },
    },
    asked: Object.fromEntries(
      ['none', 'own'].flatMap(route =>
        [
          ['plain', {}],
          [
            'fields',
            {
              fields: [
                ['x-a', '1'],
                ['x-b', '2'],
                ['x-c', '3'],
              ],
            },
          ],
          [
            'failed-for-grpc',
            {
              method: 'POST',
              body: 'body',
              fields: [['content-type', 'application/grpc']],
              answer: { cut: 'before' },
            },
          ],
          [
            'answered',
            {
              answer: {
                status: 404,
                fields: [
                  ['x-up', '1'],
                  ['x-made', 'theirs'],
                ],
              },
            },
          ],
        ].map(([name, asked]) => [`${route}-${name}`, { path: `/route/${route}`, ...(asked as Asked) }]),
      ),
    ),
  },
  {
    name: 'buffer',
    filter: 'buffer',
    type: 'buffer.v3.Buffer',
    config: { max_request_bytes: 100 },
    routes: {
      more: { '@type': `${TYPE}.buffer.v3.BufferPerRoute`, buffer: { max_request_bytes: 1000 } },
      off: { '@type': `${TYPE}.buffer.v3.BufferPerRoute`, disabled: true },
    },
    asked: Object.fromEntries(
      ['none', 'more', 'off'].flatMap(route =>
        [
          ['plain', {}],
          ['small', { method: 'POST', body: 'body' }],
          ['full', { method: 'POST', body: 'x'.repeat(100) }],
          ['over', { method: 'POST', body: 'x'.repeat(101) }],
          ['chunked', { method: 'POST', fields: [['transfer-encoding', 'chunked']], body: '4\r\nbody\r\n0\r\n\r\n' }],
        ].map(([name, asked]) => [`${route}-${name}`, { path: `/route/${route}`, ...(asked as Asked) }]),
      ),
    ),
  },
  {
    name: 'ratelimit',
    filter: 'local_ratelimit',
    type: 'local_ratelimit.v3.LocalRateLimit',
    config: {
      stat_prefix: 'limit',
      token_bucket: bucket(3),
      filter_enabled: enabled(100),
      filter_enforced: enabled(100),
      response_headers_to_add: [{ header: { key: 'x-limited', value: 'yes' } }],
    },
    routes: {
      status: {
        '@type': `${TYPE}.local_ratelimit.v3.LocalRateLimit`,
        stat_prefix: 'route',
        status: { code: 'ServiceUnavailable' },
        token_bucket: bucket(1),
        filter_enabled: enabled(100),
        filter_enforced: enabled(100),
        enable_x_ratelimit_headers: 'DRAFT_VERSION_03',
      },
      told: {
        '@type': `${TYPE}.local_ratelimit.v3.LocalRateLimit`,
        stat_prefix: 'told',
        token_bucket: bucket(50),
        filter_enabled: enabled(100),
        enable_x_ratelimit_headers: 'DRAFT_VERSION_03',
      },
      watched: {
        '@type': `${TYPE}.local_ratelimit.v3.LocalRateLimit`,
        stat_prefix: 'watched',
        token_bucket: bucket(1),
        filter_enabled: enabled(100),
        filter_enforced: enabled(0),
        request_headers_to_add_when_not_enforced: [{ header: { key: 'x-would', value: 'limit' } }],
      },
      values: {
        '@type': `${TYPE}.local_ratelimit.v3.LocalRateLimit`,
        stat_prefix: 'values',
        filter_enabled: enabled(100),
        filter_enforced: enabled(100),
        enable_x_ratelimit_headers: 'DRAFT_VERSION_03',
        token_bucket: bucket(99),
        max_dynamic_descriptors: 2,
        rate_limits: [
          {
            actions: [
              { masked_remote_address: { v4_prefix_mask_len: 8 } },
              { request_headers: { header_name: 'x-user', descriptor_key: 'user' } },
            ],
          },
        ],
        descriptors: [
          {
            entries: [{ key: 'masked_remote_address', value: '127.0.0.0/8' }, { key: 'user' }],
            token_bucket: bucket(1),
          },
          {
            entries: [
              { key: 'masked_remote_address', value: '127.0.0.0/8' },
              { key: 'user', value: 'named' },
            ],
            token_bucket: bucket(2),
          },
        ],
      },
    },
    asked: Object.fromEntries([
      ...['none', 'status', 'watched'].flatMap(route =>
        [1, 2, 3, 4, 5].map(turn => [`${route}-${turn}`, { path: `/route/${route}` } as Asked]),
      ),
      ['told', { path: '/route/told', answer: { fields: [['x-ratelimit-limit', '5']] } }],
      ...['a', 'a', 'named', 'named', 'named', 'b', 'b', 'c', 'a', 'c', ''].map((user, turn) => [
        `values-${turn}-${user}`,
        { path: '/route/values', fields: [['x-user', user]] } as Asked,
      ]),
    ]),
  },
  {
    name: 'health-check',
    filter: 'health_check',
    type: 'health_check.v3.HealthCheck',
    config: { pass_through_mode: false, headers: [{ name: ':path', exact_match: '/healthz' }] },
    asked: {
      healthz: { path: '/healthz' },
      'healthz-post': { path: '/healthz', method: 'POST', body: 'body' },
      other: {},
      'healthz-query': { path: '/healthz?x' },
    },
  },
  {
    name: 'health-check-clusters',
    filter: 'health_check',
    type: 'health_check.v3.HealthCheck',
    config: {
      pass_through_mode: false,
      headers: [{ name: ':path', exact_match: '/healthz' }],
      cluster_min_healthy_percentages: { alpha: { value: 50 }, empty: { value: 1 } },
    },
    asked: { healthz: { path: '/healthz' }, other: {} },
  },
]

export const FILTER_LISTENERS: readonly ListenerPlan[] = PLANS.flatMap(plan =>
  (['HTTP1', 'HTTP2'] as const).map((codec): ListenerPlan => {
    const speaks = (config: JsonObject): JsonObject => ({ typed_per_filter_config: { [plan.filter]: config } })
    const routes = Object.entries(plan.routes ?? {}).map(
      ([name, config]): JsonObject => ({
        name,
        match: { prefix: `/route/${name}` },
        route: { cluster: 'alpha' },
        ...speaks(config),
      }),
    )
    const host: JsonObject = {
      name: 'all',
      domains: ['*'],
      routes: [...routes, { name: 'rest', match: { prefix: '/' }, route: { cluster: 'alpha' } }],
      ...(plan.virtualHost ? speaks(plan.virtualHost) : {}),
    }
    const filter: JsonObject = { name: plan.filter, typed_config: { '@type': `${TYPE}.${plan.type}`, ...plan.config } }
    const connectionManager = { codec_type: codec, http_filters: [filter, ROUTER] }
    return { name: `${plan.name}-${codec}`, virtualHosts: [host], connectionManager }
  }),
)

export const FILTERS: readonly DifferentialCase[] = PLANS.flatMap(plan =>
  Object.entries(plan.asked).flatMap(([asked, request]): DifferentialCase[] => {
    const { method = 'GET', path = '/', fields = [], body = '', answer } = request
    const all: Field[] = [...fields, ...(answer ? [[ANSWER_FIELD, answerField([answer])] as const] : [])]
    const chunked = all.some(([name]) => name === 'transfer-encoding')
    const length: Field[] = body === '' || chunked ? [] : [['content-length', String(body.length)]]
    const lines = [...all, ...length].map(([name, value]) => `${name}: ${value}\r\n`).join('')
    const bytes = `${method} ${path} HTTP/1.1\r\nhost: a.test\r\n${lines}\r\n${body}`
    const pseudo: Field[] = [
      [':method', method],
      [':scheme', 'http'],
      [':authority', 'a.test'],
      [':path', path],
    ]
    const name = `${plan.name}/${asked}`
    return [
      {
        name: `${name}-h1`,
        listener: `${plan.name}-HTTP1`,
        dialogue: { protocol: 'http1', writes: [bytes], methods: [method] },
        config: plan.config,
      },
      ...(chunked
        ? []
        : [
            {
              name: `${name}-h2`,
              listener: `${plan.name}-HTTP2`,
              dialogue: { protocol: 'http2', fields: [...pseudo, ...all], body, trailers: [] } as const,
              config: plan.config,
            },
          ]),
    ]
  }),
)
