// Clusters without endpoints of their own: they connect to where the caller wanted to.
import { create } from '@bufbuild/protobuf'
import type { ProxyNode } from '../../model/proxy-node.ts'
import { packAny } from '../../xds/any-pack.ts'
import {
  type Cluster,
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  Cluster_LbPolicy,
} from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { ClusterConfigSchema } from '../../xds/generated/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster_pb.ts'
import {
  type DnsCacheConfig,
  DnsCacheConfigSchema,
} from '../../xds/generated/envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache_pb.ts'

/** A sidecar by whose HTTP proxy port applications call says more of what they mean than one with a listener per port. */
export type ClientKind = ProxyNode['kind'] | 'http-proxy'

/** An HTTP proxy finds the address in the authority; elsewhere it is where the connection was going before interception. */
export function callersAddress(client: ClientKind): Pick<Cluster, 'clusterDiscoveryType' | 'lbPolicy'> {
  const lbPolicy = Cluster_LbPolicy.CLUSTER_PROVIDED
  if (client !== 'http-proxy')
    return { clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.ORIGINAL_DST }, lbPolicy }
  const config = create(ClusterConfigSchema, {
    clusterImplementationSpecifier: { case: 'dnsCacheConfig', value: dnsCacheConfig() },
    // Envoy demands checks of a server's name where the protocol options are spelt out; here is no TLS to check.
    allowInsecureClusterOptions: true,
  })
  const name = 'envoy.clusters.dynamic_forward_proxy'
  const typedConfig = packAny(ClusterConfigSchema, config)
  return {
    clusterDiscoveryType: {
      case: 'clusterType',
      value: { $typeName: 'envoy.config.cluster.v3.Cluster.CustomClusterType', name, typedConfig },
    },
    lbPolicy,
  }
}

/** Envoy demands the very same cache config of the filter and of every cluster. */
export function dnsCacheConfig(): DnsCacheConfig {
  return create(DnsCacheConfigSchema, {
    name: 'weft_passthrough',
    dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED,
  })
}
