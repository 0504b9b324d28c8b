// envoy.filters.network.sni_cluster
import { unpackAny } from '../../../../xds/any-pack.ts'
import { SniClusterSchema } from '../../../../xds/generated/envoy/extensions/filters/network/sni_cluster/v3/sni_cluster_pb.ts'
import { ResourceCheck } from '../../../../xds/resource-check.ts'
import type { ConnectionFilterFactory } from '../contract/connection-filter.ts'
import { SniClusterFilter } from './filter.ts'

export const SNI_CLUSTER: ConnectionFilterFactory = {
  name: 'envoy.filters.network.sni_cluster',
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.network.sni_cluster.v3.SniCluster',
  terminal: false,
  compile(typedConfig, path) {
    const check = new ResourceCheck('')
    const message = unpackAny(typedConfig, SniClusterSchema)
    if (message) check.honour(SniClusterSchema, message, path, new Set())
    else check.error(path, 'is not a SniCluster')
    return check.result(new SniClusterFilter())
  },
}
