// How a cluster's connections are kept alive.
import { create } from '@bufbuild/protobuf'
import type { MeshConfig } from '../../model/mesh-config.ts'
import type { TcpKeepalive } from '../../model/upstream-policy.ts'
import {
  type Cluster,
  UpstreamConnectionOptionsSchema,
} from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'

/** The rule's, part by part, over the mesh's, as in Istio; a block that says nothing asks for the system's own. */
export function applyTcpKeepalive(
  cluster: Cluster,
  { tcpKeepalive: ofMesh }: MeshConfig,
  ofRule: TcpKeepalive | undefined,
): void {
  if (!ofMesh && !ofRule) return
  const probes = ofRule?.probes ?? ofMesh?.probes
  const time = ofRule?.time ?? ofMesh?.time
  const interval = ofRule?.interval ?? ofMesh?.interval
  cluster.upstreamConnectionOptions = create(UpstreamConnectionOptionsSchema, {
    tcpKeepalive: {
      ...(probes === undefined ? {} : { keepaliveProbes: probes }),
      ...(time === undefined ? {} : { keepaliveTime: time }),
      ...(interval === undefined ? {} : { keepaliveInterval: interval }),
    },
  })
}
