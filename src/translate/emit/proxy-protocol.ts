// Puts a PROXY header before all that a cluster sends, whatever its transport sockets are.
import { create } from '@bufbuild/protobuf'
import type { ProxyProtocolVersion } from '../../model/upstream-policy.ts'
import { packAny } from '../../xds/any-pack.ts'
import type { Cluster } from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { type TransportSocket, TransportSocketSchema } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import { ProxyProtocolConfig_Version } from '../../xds/generated/envoy/config/core/v3/proxy_protocol_pb.ts'
import { ProxyProtocolUpstreamTransportSchema } from '../../xds/generated/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol_pb.ts'
import { rawBuffer } from './mutual-tls.ts'

export function applyProxyProtocol(cluster: Cluster, version: ProxyProtocolVersion | undefined): void {
  if (!version) return
  if (cluster.transportSocketMatches.length === 0 || cluster.transportSocket)
    cluster.transportSocket = announced(cluster.transportSocket ?? rawBuffer(), version)
  for (const match of cluster.transportSocketMatches)
    if (match.transportSocket) match.transportSocket = announced(match.transportSocket, version)
}

function announced(transportSocket: TransportSocket, version: ProxyProtocolVersion): TransportSocket {
  const config = create(ProxyProtocolUpstreamTransportSchema, {
    config: { version: ProxyProtocolConfig_Version[version] },
    transportSocket,
  })
  return create(TransportSocketSchema, {
    name: 'envoy.transport_sockets.upstream_proxy_protocol',
    configType: { case: 'typedConfig', value: packAny(ProxyProtocolUpstreamTransportSchema, config) },
  })
}
