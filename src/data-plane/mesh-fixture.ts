// For tests: two sidecars' config in Envoy's JSON, proxies on real sockets of loopback. Nothing of production imports it.
import { createRegistry, type DescMessage, fromJson, type JsonValue, type MessageShape } from '@bufbuild/protobuf'
import { StringValueSchema } from '@bufbuild/protobuf/wkt'
import { type Clock, systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { systemRandom } from '../base/random.ts'
import type { Network } from '../transport/net/network.ts'
import { systemNetwork } from '../transport/net/system-network.ts'
import type { KeyPair } from '../transport/tls/secure-context.ts'
import { ClusterSchema } from '../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { ListenerSchema } from '../xds/generated/envoy/config/listener/v3/listener_pb.ts'
import { RouteConfigurationSchema } from '../xds/generated/envoy/config/route/v3/route_pb.ts'
import { MESSAGE_REGISTRY } from '../xds/message-registry.ts'
import type { ProcessLimits } from './process-limits/process-limits.ts'
import { Proxy as DataPlaneProxy, type ProxyIdentity } from './proxy.ts'
import type { CertificateFolder } from './transport-socket/certificate-files.ts'

const TYPE = 'type.googleapis.com/envoy'
/** StringValue: the config of filters that tests make up. */
const REGISTRY = createRegistry(MESSAGE_REGISTRY, StringValueSchema)

export class TestIdentity implements ProxyIdentity {
  keyPair: KeyPair
  trustBundle: string
  readonly #listeners: (() => void)[] = []

  constructor(keyPair: KeyPair, trustBundle: string) {
    this.keyPair = keyPair
    this.trustBundle = trustBundle
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  takeTrustBundle(pem: string): void {
    this.replace(this.keyPair, pem)
  }

  replace(keyPair: KeyPair, trustBundle = this.trustBundle): void {
    this.keyPair = keyPair
    this.trustBundle = trustBundle
    for (const listener of this.#listeners) listener()
  }
}

export function openProxy(
  options: {
    clock?: Clock
    network?: Network
    certificates?: CertificateFolder
    gradualDrainMs?: number
    limits?: ProcessLimits
    maxConnections?: number
    onLogLine?: (line: string) => void
  } = {},
): DataPlaneProxy {
  return new DataPlaneProxy({
    clock: options.clock ?? systemClock,
    random: systemRandom,
    log: silentLog,
    network: options.network ?? systemNetwork,
    ...(options.certificates ? { certificates: options.certificates } : {}),
    gradualDrainMs: options.gradualDrainMs ?? 0,
    ...(options.limits ? { limits: options.limits } : {}),
    ...(options.maxConnections ? { maxConnections: options.maxConnections } : {}),
    logFiles: {
      open: () => ({ write: bytes => options.onLogLine?.(bytes.toString('latin1')), close: async () => {} }),
    },
  })
}

export function parse<D extends DescMessage>(schema: D, json: JsonValue): MessageShape<D> {
  return fromJson(schema, json, { registry: REGISTRY })
}

const socketAddress = (port: number): JsonValue => ({ socket_address: { address: '127.0.0.1', port_value: port } })
const tlsContext = (sans: readonly string[], alpn: readonly string[]): JsonValue => ({
  tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
  alpn_protocols: [...alpn],
  tls_certificate_sds_secret_configs: [{ name: 'default' }],
  combined_validation_context: {
    default_validation_context: {
      match_typed_subject_alt_names: sans.map(exact => ({ san_type: 'URI', matcher: { exact } })),
    },
    validation_context_sds_secret_config: { name: 'ROOTCA' },
  },
})

export function downstreamTls(sans: readonly string[] = []): JsonValue {
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${TYPE}.extensions.transport_sockets.tls.v3.DownstreamTlsContext`,
      common_tls_context: tlsContext(sans, ['istio', 'http/1.1']),
      require_client_certificate: true,
    },
  }
}

export function upstreamTls(sans: readonly string[]): JsonValue {
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${TYPE}.extensions.transport_sockets.tls.v3.UpstreamTlsContext`,
      sni: 'outbound_.9080_._.reviews.default.svc.cluster.local',
      common_tls_context: tlsContext(sans, ['istio']),
    },
  }
}

const ROUTER: JsonValue = {
  name: 'envoy.filters.http.router',
  typed_config: { '@type': `${TYPE}.extensions.filters.http.router.v3.Router` },
}

export function connectionManager(fields: { readonly [key: string]: JsonValue }): JsonValue {
  return {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: {
      '@type': `${TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
      stat_prefix: 'test',
      http_filters: [ROUTER],
      ...fields,
    },
  }
}

export function tcpProxy(cluster: string, fields: { readonly [key: string]: JsonValue } = {}): JsonValue {
  return {
    name: 'envoy.filters.network.tcp_proxy',
    typed_config: {
      '@type': `${TYPE}.extensions.filters.network.tcp_proxy.v3.TcpProxy`,
      stat_prefix: 'test',
      cluster,
      ...fields,
    },
  }
}

/** `tls_inspector`, `http_inspector`, `proxy_protocol`. */
export function listenerFilter(name: string, fields: { readonly [key: string]: JsonValue } = {}): JsonValue {
  const message = name.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())
  const typedConfig = { '@type': `${TYPE}.extensions.filters.listener.${name}.v3.${message}`, ...fields }
  return { name: `envoy.filters.listener.${name}`, typed_config: typedConfig }
}

export function routes(name: string, cluster: string): { [key: string]: JsonValue } {
  return {
    name,
    virtual_hosts: [
      { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster, timeout: '0s' } }] },
    ],
  }
}

export function rds(name: string): { [key: string]: JsonValue } {
  return { rds: { route_config_name: name, config_source: { ads: {}, resource_api_version: 'V3' } } }
}

export function listener(
  name: string,
  chains: readonly JsonValue[],
  more: { [key: string]: JsonValue } = {},
  port = 0,
) {
  return parse(ListenerSchema, { name, address: socketAddress(port), filter_chains: [...chains], ...more })
}

export function routeConfiguration(name: string, cluster: string) {
  return parse(RouteConfigurationSchema, routes(name, cluster))
}

export function staticCluster(name: string, port: number, transportSocket?: JsonValue) {
  return parse(ClusterSchema, {
    name,
    type: 'STATIC',
    connect_timeout: '60s',
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(port) } }] }],
    },
    ...(transportSocket === undefined ? {} : { transport_socket: transportSocket }),
  })
}

/** The port that a listener has been bound to. */
export async function boundPort(proxy: DataPlaneProxy, name: string): Promise<number> {
  await proxy.listeners.settled()
  return proxy.listeners.status().find(status => status.name === name)?.port ?? 0
}
