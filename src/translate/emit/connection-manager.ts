// The HTTP connection manager as Istio sets it, for each of the three places where one stands.
import { create } from '@bufbuild/protobuf'
import type { MeshConfig } from '../../model/mesh-config.ts'
import type { ForwardClientCert as ForwardClientCertName, ProxyHeaders } from '../../model/proxy-config.ts'
import { packAny } from '../../xds/any-pack.ts'
import { Http2ProtocolOptionsSchema } from '../../xds/generated/envoy/config/core/v3/protocol_pb.ts'
import { type Filter, FilterSchema } from '../../xds/generated/envoy/config/listener/v3/listener_components_pb.ts'
import type { RouteConfiguration } from '../../xds/generated/envoy/config/route/v3/route_pb.ts'
import { CorsSchema } from '../../xds/generated/envoy/extensions/filters/http/cors/v3/cors_pb.ts'
import { FilterConfigSchema } from '../../xds/generated/envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy_pb.ts'
import { HTTPFaultSchema } from '../../xds/generated/envoy/extensions/filters/http/fault/v3/fault_pb.ts'
import { RouterSchema } from '../../xds/generated/envoy/extensions/filters/http/router/v3/router_pb.ts'
import {
  HttpConnectionManager_CodecType as CodecType,
  HttpConnectionManager_PathWithEscapedSlashesAction as EscapedSlashes,
  HttpConnectionManager_ForwardClientCertDetails as ForwardClientCert,
  type HttpConnectionManager,
  HttpConnectionManagerSchema,
  type HttpFilter,
  HttpFilterSchema,
  HttpConnectionManager_ServerHeaderTransformation as ServerTransformation,
} from '../../xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import { accessLogs } from './access-log.ts'
import { dnsCacheConfig } from './callers-address.ts'
import { adsSource } from './config-source.ts'
import { duration } from './durations.ts'
import { http1Options } from './http1-options.ts'
import { CORS_FILTER, FAULT_FILTER } from './route-filter-configs.ts'

const SERVER_NAME = 'istio-envoy'
/**
 * Istio sets none. A gateway listens for anybody, and who sends a head byte by byte should not hold a connection for ever;
 * as long as the TLS handshake before it may take.
 */
const GATEWAY_HEAD_TIMEOUT_MS = 15_000

/** What policies put before all other filters, and right before the router. */
export interface PolicyFilters {
  readonly first: readonly HttpFilter[]
  readonly last: readonly HttpFilter[]
}

/** A sidecar's, for what its application sends. `forwardProxy`: unknown hosts are resolved (HTTP proxy port). */
export function outboundManager(
  meshConfig: MeshConfig,
  statPrefix: string,
  routes: string,
  forwardProxy: boolean,
): Filter {
  const manager = baseManager(meshConfig, statPrefix, [
    ...routeFilters(),
    ...(forwardProxy ? [forwardProxyFilter()] : []),
    router(meshConfig),
  ])
  manager.routeSpecifier = routesByName(routes)
  manager.useRemoteAddress = false
  // In Istio a sidecar signs what it got from elsewhere as Envoy, and what its application said as istio-envoy.
  setServer(manager, meshConfig, '')
  if (forwardProxy) manager.httpProtocolOptions = http1Options(meshConfig, { allowAbsoluteUrl: true })
  return asFilter(manager)
}

/** A sidecar's, for what its application receives: the caller's identity goes on in x-forwarded-client-cert. */
export function inboundManager(
  meshConfig: MeshConfig,
  statPrefix: string,
  routes: RouteConfiguration,
  { first, last }: PolicyFilters,
): Filter {
  const manager = baseManager(meshConfig, statPrefix, [...first, ...last, router(meshConfig)])
  manager.routeSpecifier = { case: 'routeConfig', value: routes }
  manager.useRemoteAddress = false
  setServer(manager, meshConfig, SERVER_NAME)
  const { forwardedClientCert, clientCertDetails } = meshConfig.defaultConfig.proxyHeaders
  setClientCert(manager, forwardedClientCert, clientCertDetails)
  return asFilter(manager)
}

/** Where tunnels to a sidecar end. Its log has one line for each, and the only one for those that are refused. */
export function tunnelEndManager(meshConfig: MeshConfig, statPrefix: string, routes: RouteConfiguration): Filter {
  const manager = baseManager(meshConfig, statPrefix, [router(meshConfig)])
  manager.routeSpecifier = { case: 'routeConfig', value: routes }
  manager.codecType = CodecType.HTTP2
  manager.upgradeConfigs = []
  manager.useRemoteAddress = false
  setServer(manager, meshConfig, SERVER_NAME)
  manager.http2ProtocolOptions = create(Http2ProtocolOptionsSchema, { allowConnect: true })
  return asFilter(manager)
}

/**
 * A gateway's: the edge of the mesh, where the peer's address is the client's and nothing it claims is believed, unless the
 * mesh's topology has proxies of its own before it.
 */
export function gatewayManager(
  meshConfig: MeshConfig,
  statPrefix: string,
  routes: string,
  { first, last }: PolicyFilters,
  forwardProxy: boolean,
): Filter {
  const resolver = forwardProxy ? [forwardProxyFilter()] : []
  const manager = baseManager(meshConfig, statPrefix, [
    ...first,
    ...routeFilters(),
    ...last,
    ...resolver,
    router(meshConfig),
  ])
  manager.routeSpecifier = routesByName(routes)
  manager.useRemoteAddress = true
  manager.requestHeadersTimeout = duration(GATEWAY_HEAD_TIMEOUT_MS)
  setServer(manager, meshConfig, SERVER_NAME)
  const { numTrustedProxies, forwardClientCert } = meshConfig.defaultConfig.gatewayTopology
  manager.xffNumTrustedHops = numTrustedProxies
  setClientCert(manager, forwardClientCert, { subject: true, cert: true, dns: true, uri: true })
  manager.httpProtocolOptions = http1Options(meshConfig, {})
  return asFilter(manager)
}

function setServer(
  manager: HttpConnectionManager,
  { defaultConfig: { proxyHeaders } }: MeshConfig,
  name: string,
): void {
  if (proxyHeaders.server === null) manager.serverHeaderTransformation = ServerTransformation.PASS_THROUGH
  else manager.serverName = proxyHeaders.server || name
}

/** Envoy adds to what is forwarded in these two modes alone. */
function setClientCert(
  manager: HttpConnectionManager,
  forward: ForwardClientCertName,
  setCurrentClientCertDetails: ProxyHeaders['clientCertDetails'],
): void {
  manager.forwardClientCertDetails = ForwardClientCert[forward]
  if (forward !== 'APPEND_FORWARD' && forward !== 'SANITIZE_SET') return
  manager.setCurrentClientCertDetails = create(HttpConnectionManagerSchema, {
    setCurrentClientCertDetails,
  }).setCurrentClientCertDetails!
}

function baseManager(meshConfig: MeshConfig, statPrefix: string, httpFilters: HttpFilter[]): HttpConnectionManager {
  const normalization = meshConfig.pathNormalization
  const { requestId, preserveHttp1HeaderCase, xForwardedPort } = meshConfig.defaultConfig.proxyHeaders
  return create(HttpConnectionManagerSchema, {
    statPrefix,
    httpFilters,
    ...(requestId ? {} : { generateRequestId: false }),
    ...(preserveHttp1HeaderCase ? { httpProtocolOptions: http1Options(meshConfig, {}) } : {}),
    appendXForwardedPort: xForwardedPort,
    accessLog: accessLogs(meshConfig),
    proxy100Continue: true,
    upgradeConfigs: [{ upgradeType: 'websocket' }],
    streamIdleTimeout: duration(0),
    normalizePath: normalization !== 'NONE',
    mergeSlashes: normalization === 'MERGE_SLASHES' || normalization === 'DECODE_AND_MERGE_SLASHES',
    pathWithEscapedSlashesAction:
      normalization === 'DECODE_AND_MERGE_SLASHES'
        ? EscapedSlashes.UNESCAPE_AND_FORWARD
        : EscapedSlashes.KEEP_UNCHANGED,
  })
}

function routesByName(routeConfigName: string): HttpConnectionManager['routeSpecifier'] {
  return create(HttpConnectionManagerSchema, {
    routeSpecifier: { case: 'rds', value: { configSource: adsSource(), routeConfigName } },
  }).routeSpecifier
}

function asFilter(manager: HttpConnectionManager): Filter {
  return create(FilterSchema, {
    name: 'envoy.filters.network.http_connection_manager',
    configType: { case: 'typedConfig', value: packAny(HttpConnectionManagerSchema, manager) },
  })
}

/** In Istio's order. Off where a route says nothing to them, so that other requests do not pay for them. */
function routeFilters(): HttpFilter[] {
  const fault = packAny(HTTPFaultSchema, create(HTTPFaultSchema))
  const cors = packAny(CorsSchema, create(CorsSchema))
  return [
    create(HttpFilterSchema, {
      name: FAULT_FILTER,
      disabled: true,
      configType: { case: 'typedConfig', value: fault },
    }),
    create(HttpFilterSchema, {
      name: CORS_FILTER,
      disabled: true,
      configType: { case: 'typedConfig', value: cors },
    }),
  ]
}

function router({ defaultConfig: { proxyHeaders } }: MeshConfig): HttpFilter {
  const config = create(RouterSchema, { suppressEnvoyHeaders: !proxyHeaders.envoyDebugHeaders })
  return create(HttpFilterSchema, {
    name: 'envoy.filters.http.router',
    configType: { case: 'typedConfig', value: packAny(RouterSchema, config) },
  })
}

/** Envoy resolves the authority here, before the router sends to the cluster of the same cache. */
function forwardProxyFilter(): HttpFilter {
  const config = create(FilterConfigSchema, {
    implementationSpecifier: { case: 'dnsCacheConfig', value: dnsCacheConfig() },
  })
  return create(HttpFilterSchema, {
    name: 'envoy.filters.http.dynamic_forward_proxy',
    configType: { case: 'typedConfig', value: packAny(FilterConfigSchema, config) },
  })
}
