// How a cluster's connections are kept alive.
import { create } from '@bufbuild/protobuf'
import type { TcpKeepalive } from '../../model/upstream-policy.ts'
import {
  type Cluster,
  UpstreamConnectionOptionsSchema,
} from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'

export function applyTcpKeepalive(cluster: Cluster, keepalive: TcpKeepalive | undefined): void {
  if (!keepalive) return
  const { probes, time, interval } = keepalive
  cluster.upstreamConnectionOptions = create(UpstreamConnectionOptionsSchema, {
    tcpKeepalive: {
      ...(probes === undefined ? {} : { keepaliveProbes: probes }),
      ...(time === undefined ? {} : { keepaliveTime: time }),
      ...(interval === undefined ? {} : { keepaliveInterval: interval }),
    },
  })
}
