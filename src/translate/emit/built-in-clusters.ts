// Clusters that every proxy has, whatever the config says.
import { create } from '@bufbuild/protobuf'
import type { XdsResource } from '../../model/proxy-resources.ts'
import {
  type Cluster,
  Cluster_DiscoveryType,
  ClusterSchema,
} from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import { type ClientKind, callersAddress } from './callers-address.ts'
import { circuitBreakers } from './cluster-limits.ts'
import { duration } from './durations.ts'
import { BLACK_HOLE_CLUSTER, PASSTHROUGH_CLUSTER } from './resource-names.ts'
import { applyTcpKeepalive } from './tcp-keepalive.ts'
import { httpProtocolOptions } from './upstream-version.ts'

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

/** Unknown hosts under ALLOW_ANY. Without interception and without an HTTP proxy port, they get 503. */
export function passthrough(mesh: LinkedMesh, client: ClientKind): XdsResource<Cluster> {
  return mesh.memo.get(`cluster|passthrough|${client}`, () => {
    const { meshConfig } = mesh.input
    const message = create(ClusterSchema, {
      name: PASSTHROUGH_CLUSTER,
      ...callersAddress(client),
      connectTimeout: duration(meshConfig.connectTimeoutMs),
      circuitBreakers: circuitBreakers(undefined),
      // Nobody knows what a stranger speaks, but its client.
      typedExtensionProtocolOptions: httpProtocolOptions(meshConfig, undefined, 'client')!,
    })
    applyTcpKeepalive(message, meshConfig, undefined)
    return { name: PASSTHROUGH_CLUSTER, message, origins: [] }
  })
}
