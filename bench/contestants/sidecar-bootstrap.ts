// The bootstrap that Envoy and Weft both run by: the filters that Istio gives a sidecar, Istio's text access log to a
// file, a request id, Istio's default retries. Inlined certificates, because that is what SDS delivers.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ContestantRun } from './contestant.ts'
import { ISTIO_TEXT_LOG } from './istio-text-log.ts'
import { type Hop, routePrefix } from './scenario.ts'
import { CLIENT_ID, type PairFiles, SERVER_ID, SERVER_NAME } from './tls-files.ts'

export function sidecarBootstrap(run: ContestantRun): object {
  const { scenario, port } = run
  const tls = downstreamTransport(run)
  const chain = {
    filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: connectionManager(run) }],
    ...(tls === null ? {} : { transport_socket: tls }),
  }
  return {
    admin: { address: address(0) },
    static_resources: {
      listeners: [{ name: 'outbound', address: address(port), filter_chains: [chain] }],
      clusters: [cluster(run, scenario.upstream)],
    },
  }
}

function connectionManager({ scenario, directory }: ContestantRun): object {
  return typed('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
    stat_prefix: 'outbound',
    codec_type: scenario.downstream.protocol === 'http2' ? 'HTTP2' : 'AUTO',
    generate_request_id: true,
    normalize_path: true,
    access_log: [
      {
        name: 'envoy.access_loggers.file',
        typed_config: typed('envoy.extensions.access_loggers.file.v3.FileAccessLog', {
          path: join(directory, 'access.log'),
          log_format: { text_format_source: { inline_string: ISTIO_TEXT_LOG } },
        }),
      },
    ],
    route_config: {
      name: '9080',
      virtual_hosts: [
        {
          name: 'upstream',
          domains: ['*'],
          include_request_attempt_count: true,
          routes: Array.from({ length: scenario.routes }, (_, index) => route(index)),
        },
      ],
    },
    http_filters: [
      httpFilter('rbac', 'rbac.v3.RBAC', {
        rules: { policies: { all: { permissions: [{ any: true }], principals: [{ any: true }] } } },
      }),
      httpFilter('grpc_stats', 'grpc_stats.v3.FilterConfig', { emit_filter_state: true, stats_for_all_methods: false }),
      httpFilter('fault', 'fault.v3.HTTPFault', {}),
      httpFilter('cors', 'cors.v3.Cors', {}),
      httpFilter('router', 'router.v3.Router', {}),
    ],
  })
}

function route(index: number): object {
  const retries = { retry_on: 'connect-failure,refused-stream,unavailable,cancelled', num_retries: 2 }
  return {
    name: `route-${index}`,
    match: { prefix: routePrefix(index) },
    route: { cluster: 'upstream', timeout: '0s', retry_policy: retries },
  }
}

function cluster(run: ContestantRun, upstream: Hop): object {
  const tls = upstreamTransport(run)
  const options = typed('envoy.extensions.upstreams.http.v3.HttpProtocolOptions', {
    explicit_http_config:
      upstream.protocol === 'http2' ? { http2_protocol_options: {} } : { http_protocol_options: {} },
  })
  const endpoint = { endpoint: { address: address(run.upstreamPort) } }
  return {
    name: 'upstream',
    type: 'STATIC',
    connect_timeout: '10s',
    circuit_breakers: { thresholds: [{ max_connections: 20_000, max_pending_requests: 20_000, max_requests: 20_000 }] },
    typed_extension_protocol_options: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': options },
    load_assignment: { cluster_name: 'upstream', endpoints: [{ lb_endpoints: [endpoint] }] },
    ...(tls === null ? {} : { transport_socket: tls }),
  }
}

function downstreamTransport({ scenario: { downstream }, tls }: ContestantRun): object | null {
  if (downstream.tls === 'none') return null
  const mutual = downstream.tls === 'mutual'
  return transportSocket('DownstreamTlsContext', {
    require_client_certificate: mutual,
    common_tls_context: {
      ...common(downstream),
      tls_certificates: [certificate(tls.server)],
      ...(mutual ? { validation_context: validation(tls.roots, CLIENT_ID) } : {}),
    },
  })
}

function upstreamTransport({ scenario: { upstream }, tls }: ContestantRun): object | null {
  if (upstream.tls === 'none') return null
  return transportSocket('UpstreamTlsContext', {
    sni: SERVER_NAME,
    common_tls_context: {
      ...common(upstream),
      ...(upstream.tls === 'mutual' ? { tls_certificates: [certificate(tls.client)] } : {}),
      validation_context: validation(tls.roots, SERVER_ID),
    },
  })
}

function transportSocket(type: string, fields: object): object {
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: typed(`envoy.extensions.transport_sockets.tls.v3.${type}`, fields),
  }
}

const common = ({ protocol }: Hop): object => ({
  tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
  alpn_protocols: [protocol === 'http2' ? 'h2' : 'http/1.1'],
})

const inline = (file: string): object => ({ inline_string: readFileSync(file, 'utf8') })

const certificate = ({ chain, key }: PairFiles): object => ({
  certificate_chain: inline(chain),
  private_key: inline(key),
})

const validation = (roots: string, id: string): object => ({
  trusted_ca: inline(roots),
  match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: id } }],
})

const address = (port_value: number): object => ({ socket_address: { address: '127.0.0.1', port_value } })

const typed = (type: string, fields: object): object => ({ '@type': `type.googleapis.com/${type}`, ...fields })

const httpFilter = (name: string, type: string, fields: object): object => ({
  name: `envoy.filters.http.${name}`,
  typed_config: typed(`envoy.extensions.filters.http.${type}`, fields),
})
