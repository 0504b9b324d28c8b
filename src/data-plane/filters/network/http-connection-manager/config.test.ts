// What of Envoy's connection manager is taken, and what is refused by name.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { packAny } from '../../../../xds/any-pack.ts'
import { FilterConfigSchema } from '../../../../xds/generated/envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy_pb.ts'
import { RouterSchema } from '../../../../xds/generated/envoy/extensions/filters/http/router/v3/router_pb.ts'
import type { HttpConnectionManagerSchema } from '../../../../xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import { connectionManager, FakeStats, fakeHost } from '../../../http/testing/fake-proxy.ts'
import { HTTP_CONNECTION_MANAGER } from './factory.ts'

function problemsOf(config: MessageInitShape<typeof HttpConnectionManagerSchema>): string[] {
  const made = connectionManager(HTTP_CONNECTION_MANAGER, config, fakeHost({}, new FakeStats(), []))
  return 'problems' in made ? made.problems.map(problem => `${problem.code} ${problem.path}: ${problem.message}`) : []
}

const router = (fields: MessageInitShape<typeof RouterSchema> = {}) => ({
  name: 'envoy.filters.http.router',
  configType: { case: 'typedConfig' as const, value: packAny(RouterSchema, create(RouterSchema, fields)) },
})
const unknown = {
  name: 'envoy.filters.http.lua',
  configType: { case: 'typedConfig' as const, value: { typeUrl: 'x/lua' } },
}

test('takes what Istio sets', () => {
  const forwardProxy = {
    name: 'envoy.filters.http.dynamic_forward_proxy',
    configType: {
      case: 'typedConfig' as const,
      value: packAny(
        FilterConfigSchema,
        create(FilterConfigSchema, { implementationSpecifier: { case: 'dnsCacheConfig', value: { name: 'dns' } } }),
      ),
    },
  }
  assert.deepEqual(
    problemsOf({
      streamIdleTimeout: {},
      proxy100Continue: true,
      normalizePath: true,
      pathWithEscapedSlashesAction: 1,
      useRemoteAddress: true,
      forwardClientCertDetails: 3,
      setCurrentClientCertDetails: { subject: true, cert: true, dns: true, uri: true },
      httpProtocolOptions: { allowAbsoluteUrl: true },
      httpFilters: [forwardProxy, { ...unknown, isOptional: true }, router()],
    }),
    [],
  )
})

test('what it adds to headers may not end them', () => {
  assert.deepEqual(problemsOf({ via: '1.1 a\r\nx: y', serverName: 'a\n' }), [
    'WEFT-4002 hcm.server_name: must not hold control characters',
    'WEFT-4002 hcm.via: must not hold control characters',
  ])
})

test('a scheme is http or https, and set for all requests alike', () => {
  const overwrites = (value: string) => ({ case: 'schemeToOverwrite' as const, value })
  assert.deepEqual(problemsOf({ schemeHeaderTransformation: { transformation: overwrites('https') } }), [])
  assert.deepEqual(
    problemsOf({ schemeHeaderTransformation: { transformation: overwrites('ftp'), matchUpstream: true } }),
    [
      'WEFT-4001 hcm.scheme_header_transformation.match_upstream: is not supported',
      'WEFT-4002 hcm.scheme_header_transformation.scheme_to_overwrite: must be http or https',
    ],
  )
})

test('refuses all that it does not honour at once, by name', () => {
  assert.deepEqual(
    problemsOf({
      codecType: 3,
      addUserAgent: true,
      commonHttpProtocolOptions: { headersWithUnderscoresAction: 1, maxHeadersCount: 5000 },
      httpProtocolOptions: { allowCustomMethods: true, allowAbsoluteUrl: false },
      setCurrentClientCertDetails: { chain: true },
      httpFilters: [unknown, { ...router(), disabled: true }],
      accessLog: [{ name: 'a', filter: {} }],
      routeSpecifier: { case: undefined },
    }),
    [
      'WEFT-4001 hcm.add_user_agent: is not supported',
      'WEFT-4001 hcm.codec_type: HTTP3 is not supported',
      'WEFT-4001 hcm.http_protocol_options.allow_custom_methods: is not supported',
      'WEFT-4001 hcm.http_protocol_options.allow_absolute_url: only true is supported',
      'WEFT-4001 hcm.set_current_client_cert_details.chain: is not supported',
      'WEFT-4001 hcm.http_filters[0]: HTTP filter envoy.filters.http.lua (x/lua) is not supported',
      'WEFT-4002 hcm.http_filters[1].disabled: the filter that ends the chain cannot be disabled',
      'WEFT-4002 hcm.access_log[0].filter: needs a filter',
      'WEFT-4002 hcm.access_log[0].typed_config: is required',
      'WEFT-4002 hcm.route_specifier: is required',
      'WEFT-4002 hcm.common_http_protocol_options.max_headers_count: must be from 1 to 1024',
    ],
  )
})

test('the router, and nothing else, ends the chain', () => {
  assert.deepEqual(problemsOf({ httpFilters: [] }), ['WEFT-4002 hcm.http_filters: the router is missing'])
  assert.deepEqual(problemsOf({ httpFilters: [router(), router()] }), [
    'WEFT-4002 hcm.http_filters[0]: envoy.filters.http.router must be the last filter',
  ])
  assert.deepEqual(problemsOf({ httpFilters: [router({ strictCheckHeaders: ['x'] })] }), [
    'WEFT-4001 hcm.http_filters[0].typed_config.strict_check_headers: is not supported',
  ])
})

test('a span of time is not negative, by whatever way it has come', () => {
  const seconds = BigInt(-1)
  assert.deepEqual(
    problemsOf({ drainTimeout: { seconds }, commonHttpProtocolOptions: { idleTimeout: { nanos: -1 } } }),
    [
      'WEFT-4002 hcm.drain_timeout: must not be negative',
      'WEFT-4002 hcm.common_http_protocol_options.idle_timeout: must not be negative',
    ],
  )
  assert.deepEqual(problemsOf({ drainTimeout: {} }), [])
})
