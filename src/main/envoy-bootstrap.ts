// The bootstrap of a real Envoy in the place of a Weft proxy: ADS over mutual TLS, secrets by SDS from the agent beside it.

import type { HostPort } from '../cli/contract/process-starters.ts'
import { CONTROL_PLANE_SERVER_NAME } from '../data-plane/xds-client/control-plane-channel.ts'
import { type NodeFacts, nodeCluster, nodeId, nodeMetadata } from '../data-plane/xds-client/proxy-node.ts'

export interface EnvoyBootstrapOptions extends NodeFacts {
  readonly controlPlane: HostPort
  /** Where the agent serves SDS: a unix socket (its path at most 107 bytes), or a loopback port. */
  readonly sds: { readonly path: string } | HostPort
  /** 0: any free one. */
  readonly adminPort: number
  readonly version: string
}

type Json = { readonly [key: string]: unknown }

/** Names that the control plane's resources refer to, as Istio's. */
const XDS_CLUSTER = 'xds-grpc'
const SDS_CLUSTER = 'sds-grpc'

export function envoyBootstrapConfig(options: EnvoyBootstrapOptions): Json {
  return {
    node: {
      id: nodeId(options),
      cluster: nodeCluster(options),
      metadata: { ...nodeMetadata(options), ISTIO_VERSION: '1.24.0', WEFT_VERSION: options.version },
    },
    admin: { address: socketAddress({ host: '127.0.0.1', port: options.adminPort }) },
    dynamic_resources: {
      ads_config: {
        api_type: 'DELTA_GRPC',
        transport_api_version: 'V3',
        set_node_on_first_message_only: true,
        grpc_services: [{ envoy_grpc: { cluster_name: XDS_CLUSTER } }],
      },
      lds_config: { ads: {}, resource_api_version: 'V3', initial_fetch_timeout: '0s' },
      cds_config: { ads: {}, resource_api_version: 'V3', initial_fetch_timeout: '0s' },
    },
    // By it Envoy has internal listeners: what HBONE's tunnels lead to.
    bootstrap_extensions: [
      {
        name: 'envoy.bootstrap.internal_listener',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener',
        },
      },
    ],
    // Rollouts ask what became of requests; how long they took the agent reads off the statistics, which are to be fresh.
    stats_flush_on_admin: true,
    cluster_manager: {
      load_stats_config: {
        api_type: 'GRPC',
        transport_api_version: 'V3',
        grpc_services: [{ envoy_grpc: { cluster_name: XDS_CLUSTER } }],
      },
    },
    static_resources: {
      clusters: [xdsCluster(options.controlPlane), sdsCluster(options.sds)],
    },
    layered_runtime: {
      layers: [
        {
          name: 'weft',
          static_layer: {
            // As Istio's bootstrap: deprecated fields that Istio's config still carries are no fault of the user.
            'envoy.features.enable_all_deprecated_features': true,
            // As Istio's bootstrap, too: Envoy's own limit of 100 refuses regexes that people do write.
            're2.max_program_size.error_level': 32_768,
          },
        },
      ],
    },
  }
}

function xdsCluster(controlPlane: HostPort): Json {
  const isIp = /^[\d.]+$/.test(controlPlane.host) || controlPlane.host.includes(':')
  return {
    ...grpcCluster(XDS_CLUSTER, socketAddress(controlPlane)),
    type: isIp ? 'STATIC' : 'STRICT_DNS',
    transport_socket: {
      name: 'envoy.transport_sockets.tls',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
        sni: CONTROL_PLANE_SERVER_NAME,
        common_tls_context: {
          alpn_protocols: ['h2'],
          tls_params: { tls_minimum_protocol_version: 'TLSv1_2', tls_maximum_protocol_version: 'TLSv1_3' },
          tls_certificate_sds_secret_configs: [{ name: 'default', sds_config: sdsConfig() }],
          combined_validation_context: {
            default_validation_context: {
              match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: CONTROL_PLANE_SERVER_NAME } }],
            },
            validation_context_sds_secret_config: { name: 'ROOTCA', sds_config: sdsConfig() },
          },
        },
      },
    },
    upstream_connection_options: { tcp_keepalive: { keepalive_time: 30 } },
  }
}

function sdsCluster(sds: EnvoyBootstrapOptions['sds']): Json {
  return {
    ...grpcCluster(SDS_CLUSTER, 'path' in sds ? { pipe: { path: sds.path } } : socketAddress(sds)),
    type: 'STATIC',
  }
}

function grpcCluster(name: string, address: Json): Json {
  return {
    name,
    connect_timeout: '1s',
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
  }
}

function sdsConfig(): Json {
  return {
    resource_api_version: 'V3',
    initial_fetch_timeout: '0s',
    api_config_source: {
      api_type: 'GRPC',
      transport_api_version: 'V3',
      set_node_on_first_message_only: true,
      grpc_services: [{ envoy_grpc: { cluster_name: SDS_CLUSTER } }],
    },
  }
}

function socketAddress({ host, port }: HostPort): Json {
  return { socket_address: { address: host, port_value: port } }
}
