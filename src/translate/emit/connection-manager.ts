// The HTTP connection manager as Istio sets it, for each of the three places where one stands.
import { create } from '@bufbuild/protobuf'
import type { MeshConfig } from '../../model/mesh-config.ts'
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
} from '../../xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import { accessLogs } from './access-log.ts'
import { dnsCacheConfig } from './callers-address.ts'
import { adsSource } from './config-source.ts'
import { duration } from './durations.ts'
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
    router(),
  ])
  manager.routeSpecifier = routesByName(routes)
  manager.useRemoteAddress = false
  if (forwardProxy)
    manager.httpProtocolOptions = create(HttpConnectionManagerSchema, {
      httpProtocolOptions: { allowAbsoluteUrl: true },
    }).httpProtocolOptions!
  return asFilter(manager)
}

/** A sidecar's, for what its application receives: the caller's identity goes on in x-forwarded-client-cert. */
export function inboundManager(
  meshConfig: MeshConfig,
  statPrefix: string,
  routes: RouteConfiguration,
  { first, last }: PolicyFilters,
): Filter {
  const manager = baseManager(meshConfig, statPrefix, [...first, ...last, router()])
  manager.routeSpecifier = { case: 'routeConfig', value: routes }
  manager.useRemoteAddress = false
  manager.serverName = SERVER_NAME
  manager.forwardClientCertDetails = ForwardClientCert.APPEND_FORWARD
  manager.setCurrentClientCertDetails = create(HttpConnectionManagerSchema, {
    setCurrentClientCertDetails: { subject: true, dns: true, uri: true },
  }).setCurrentClientCertDetails!
  return asFilter(manager)
}

/** Where tunnels to a sidecar end. Its log has one line for each, and the only one for those that are refused. */
export function tunnelEndManager(meshConfig: MeshConfig, statPrefix: string, routes: RouteConfiguration): Filter {
  const manager = baseManager(meshConfig, statPrefix, [router()])
  manager.routeSpecifier = { case: 'routeConfig', value: routes }
  manager.codecType = CodecType.HTTP2
  manager.upgradeConfigs = []
  manager.useRemoteAddress = false
  manager.serverName = SERVER_NAME
  manager.http2ProtocolOptions = create(Http2ProtocolOptionsSchema, { allowConnect: true })
  return asFilter(manager)
}

/** A gateway's: the edge of the mesh, where the peer's address is the client's and nothing it claims is believed. */
export function gatewayManager(
  meshConfig: MeshConfig,
  statPrefix: string,
  routes: string,
  { first, last }: PolicyFilters,
  forwardProxy: boolean,
): Filter {
  const resolver = forwardProxy ? [forwardProxyFilter()] : []
  const manager = baseManager(meshConfig, statPrefix, [...first, ...routeFilters(), ...last, ...resolver, router()])
  manager.routeSpecifier = routesByName(routes)
  manager.useRemoteAddress = true
  manager.requestHeadersTimeout = duration(GATEWAY_HEAD_TIMEOUT_MS)
  manager.serverName = SERVER_NAME
  manager.forwardClientCertDetails = ForwardClientCert.SANITIZE_SET
  const settings = create(HttpConnectionManagerSchema, {
    setCurrentClientCertDetails: { subject: true, cert: true, dns: true, uri: true },
    httpProtocolOptions: {},
  })
  manager.setCurrentClientCertDetails = settings.setCurrentClientCertDetails!
  manager.httpProtocolOptions = settings.httpProtocolOptions!
  return asFilter(manager)
}

function baseManager(meshConfig: MeshConfig, statPrefix: string, httpFilters: HttpFilter[]): HttpConnectionManager {
  const normalization = meshConfig.pathNormalization
  return create(HttpConnectionManagerSchema, {
    statPrefix,
    httpFilters,
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

function router(): HttpFilter {
  return create(HttpFilterSchema, {
    name: 'envoy.filters.http.router',
    configType: { case: 'typedConfig', value: packAny(RouterSchema, create(RouterSchema)) },
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
