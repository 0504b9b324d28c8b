// Relays a connection's bytes to a cluster, or to one of several by weight.
import { create } from '@bufbuild/protobuf'
import type { MeshConfig } from '../../model/mesh-config.ts'
import type { UpstreamTunnel } from '../../model/upstream-policy.ts'
import { packAny } from '../../xds/any-pack.ts'
import { type Filter, FilterSchema } from '../../xds/generated/envoy/config/listener/v3/listener_components_pb.ts'
import { TcpProxySchema } from '../../xds/generated/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts'
import { accessLogs } from './access-log.ts'
import { duration } from './durations.ts'
import type { Tunnel } from './tunnel.ts'

/** Envoy closes it after an idle hour, unless told otherwise. */
export function tcpProxy(meshConfig: MeshConfig, { name, clusters, policy }: Tunnel): Filter {
  const { idleTimeoutMs, maxDurationMs, tunnel, hashesSourceIp } = policy
  const [only] = clusters
  const config = create(TcpProxySchema, {
    statPrefix: name,
    clusterSpecifier:
      clusters.length === 1
        ? { case: 'cluster', value: only!.name }
        : {
            case: 'weightedClusters',
            value: { clusters: clusters.map(cluster => ({ name: cluster.name, weight: cluster.weight })) },
          },
    accessLog: accessLogs(meshConfig),
    ...(hashesSourceIp ? { hashPolicy: [{ policySpecifier: { case: 'sourceIp', value: {} } }] } : {}),
    ...(idleTimeoutMs === undefined ? {} : { idleTimeout: duration(idleTimeoutMs) }),
    ...(maxDurationMs === undefined ? {} : { maxDownstreamConnectionDuration: duration(maxDurationMs) }),
    ...(tunnel === undefined ? {} : { tunnelingConfig: tunnelingConfig(tunnel) }),
  })
  return create(FilterSchema, {
    name: 'envoy.filters.network.tcp_proxy',
    configType: { case: 'typedConfig', value: packAny(TcpProxySchema, config) },
  })
}

function tunnelingConfig({ method, targetHost, targetPort }: UpstreamTunnel) {
  return { hostname: `${targetHost}:${targetPort}`, usePost: method === 'POST' }
}
