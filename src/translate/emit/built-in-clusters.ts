// Clusters that every proxy has, whatever the config says.
import { create } from '@bufbuild/protobuf'
import type { XdsResource } from '../../model/proxy-resources.ts'
import { packAny } from '../../xds/any-pack.ts'
import {
  type Cluster,
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  Cluster_LbPolicy,
  ClusterSchema,
} from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { ClusterConfigSchema } from '../../xds/generated/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster_pb.ts'
import {
  type DnsCacheConfig,
  DnsCacheConfigSchema,
} from '../../xds/generated/envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache_pb.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import { circuitBreakers } from './cluster-limits.ts'
import { duration } from './durations.ts'
import { BLACK_HOLE_CLUSTER, PASSTHROUGH_CLUSTER } from './resource-names.ts'
import { httpProtocolOptions } from './upstream-version.ts'

/** Envoy demands the very same cache config of the filter and the cluster. */
export function dnsCacheConfig(): DnsCacheConfig {
  return create(DnsCacheConfigSchema, {
    name: 'weft_passthrough',
    dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED,
  })
}

/** Nobody knows what a stranger speaks, but its client. */
function speaksAsClient() {
  return { typedExtensionProtocolOptions: httpProtocolOptions(undefined, 'client')! }
}

export function blackHole(mesh: LinkedMesh): XdsResource<Cluster> {
  return mesh.memo.get('cluster|black-hole', () => ({
    name: BLACK_HOLE_CLUSTER,
    message: create(ClusterSchema, {
      name: BLACK_HOLE_CLUSTER,
      clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STATIC },
      connectTimeout: duration(mesh.input.meshConfig.connectTimeoutMs),
    }),
    origins: [],
  }))
}

/** Unknown hosts under ALLOW_ANY: where the request asked for, which an HTTP proxy finds in the authority. */
export function forwardProxyPassthrough(mesh: LinkedMesh): XdsResource<Cluster> {
  return mesh.memo.get('cluster|passthrough-forward-proxy', () => {
    const config = create(ClusterConfigSchema, {
      clusterImplementationSpecifier: { case: 'dnsCacheConfig', value: dnsCacheConfig() },
      // Envoy demands checks of a server's name where the protocol options are spelt out; here is no TLS to check.
      allowInsecureClusterOptions: true,
    })
    return {
      name: PASSTHROUGH_CLUSTER,
      message: create(ClusterSchema, {
        name: PASSTHROUGH_CLUSTER,
        clusterDiscoveryType: {
          case: 'clusterType',
          value: {
            name: 'envoy.clusters.dynamic_forward_proxy',
            typedConfig: packAny(ClusterConfigSchema, config),
          },
        },
        connectTimeout: duration(mesh.input.meshConfig.connectTimeoutMs),
        lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
        circuitBreakers: circuitBreakers(undefined),
        ...speaksAsClient(),
      }),
      origins: [],
    }
  })
}

/** Without interception and without an HTTP proxy port there is no original destination: such requests get 503. */
export function originalDestinationPassthrough(mesh: LinkedMesh): XdsResource<Cluster> {
  return mesh.memo.get('cluster|passthrough-original-destination', () => ({
    name: PASSTHROUGH_CLUSTER,
    message: create(ClusterSchema, {
      name: PASSTHROUGH_CLUSTER,
      clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.ORIGINAL_DST },
      connectTimeout: duration(mesh.input.meshConfig.connectTimeoutMs),
      lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
      circuitBreakers: circuitBreakers(undefined),
      ...speaksAsClient(),
    }),
    origins: [],
  }))
}
