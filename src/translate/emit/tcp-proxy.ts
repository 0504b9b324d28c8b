// Relays a connection's bytes to a cluster.
import { create } from '@bufbuild/protobuf'
import type { MeshConfig } from '../../model/mesh-config.ts'
import { packAny } from '../../xds/any-pack.ts'
import { type Filter, FilterSchema } from '../../xds/generated/envoy/config/listener/v3/listener_components_pb.ts'
import { TcpProxySchema } from '../../xds/generated/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts'
import { accessLogs } from './access-log.ts'
import { duration } from './durations.ts'

/** Envoy closes it after an idle hour, unless told otherwise. */
export function tcpProxy(
  meshConfig: MeshConfig,
  cluster: string,
  idleTimeoutMs?: number,
  hashesSourceIp = false,
): Filter {
  const config = create(TcpProxySchema, {
    statPrefix: cluster,
    clusterSpecifier: { case: 'cluster', value: cluster },
    accessLog: accessLogs(meshConfig),
    ...(hashesSourceIp ? { hashPolicy: [{ policySpecifier: { case: 'sourceIp', value: {} } }] } : {}),
    ...(idleTimeoutMs === undefined ? {} : { idleTimeout: duration(idleTimeoutMs) }),
  })
  return create(FilterSchema, {
    name: 'envoy.filters.network.tcp_proxy',
    configType: { case: 'typedConfig', value: packAny(TcpProxySchema, config) },
  })
}
