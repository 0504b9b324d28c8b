// How a cluster balances, out of a DestinationRule's load balancer.

import { create } from '@bufbuild/protobuf'
import type { HashAlgorithm, LoadBalancerSettings, Warmup } from '../../model/load-balancer.ts'
import {
  type Cluster,
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  type Cluster_SlowStartConfig,
  Cluster_SlowStartConfigSchema,
  ClusterSchema,
} from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { duration } from './durations.ts'
import { addWeftMetadata } from './weft-metadata.ts'

const DEFAULT_RING_SIZE = 1024
/** Of runtime overrides, which there are none of; Envoy asks for a name all the same. */
const RUNTIME_KEY = 'weft.warmup_aggression'

/** `peakEwmaDecayMs`: above 0 for a rule whose Weft proxies are to balance by response time in place of LEAST_REQUEST. */
export function applyBalancing(
  cluster: Cluster,
  settings: LoadBalancerSettings | undefined,
  peakEwmaDecayMs: number,
): void {
  if (settings?.consistentHash) {
    applyHashing(cluster, settings.consistentHash.algorithm)
    return
  }
  switch (settings?.simple) {
    case 'PASSTHROUGH':
      // To wherever the connection was headed: no endpoint is chosen.
      cluster.lbPolicy = Cluster_LbPolicy.CLUSTER_PROVIDED
      cluster.clusterDiscoveryType = { case: 'type', value: Cluster_DiscoveryType.ORIGINAL_DST }
      break
    case 'RANDOM':
      cluster.lbPolicy = Cluster_LbPolicy.RANDOM
      break
    case 'ROUND_ROBIN':
      cluster.lbPolicy = Cluster_LbPolicy.ROUND_ROBIN
      cluster.lbConfig = lbConfig(settings.warmup, 'roundRobinLbConfig')
      break
    default:
      cluster.lbPolicy = Cluster_LbPolicy.LEAST_REQUEST
      if (peakEwmaDecayMs > 0) addWeftMetadata(cluster, { peak_ewma_decay_ms: peakEwmaDecayMs })
      cluster.lbConfig = lbConfig(settings?.warmup, 'leastRequestLbConfig')
  }
}

function applyHashing(cluster: Cluster, algorithm: HashAlgorithm): void {
  if (algorithm.kind === 'maglev') {
    cluster.lbPolicy = Cluster_LbPolicy.MAGLEV
    const value = { tableSize: BigInt(algorithm.tableSize) }
    cluster.lbConfig = create(ClusterSchema, { lbConfig: { case: 'maglevLbConfig', value } }).lbConfig
    return
  }
  cluster.lbPolicy = Cluster_LbPolicy.RING_HASH
  const value = { minimumRingSize: BigInt(algorithm.minimumRingSize ?? DEFAULT_RING_SIZE) }
  cluster.lbConfig = create(ClusterSchema, { lbConfig: { case: 'ringHashLbConfig', value } }).lbConfig
}

function lbConfig(
  warmup: Warmup | undefined,
  kind: 'roundRobinLbConfig' | 'leastRequestLbConfig',
): Cluster['lbConfig'] {
  if (!warmup) return { case: undefined }
  const value = { slowStartConfig: slowStart(warmup) }
  return create(ClusterSchema, { lbConfig: { case: kind, value } }).lbConfig
}

function slowStart({ durationMs, aggression, minimumPercent }: Warmup): Cluster_SlowStartConfig {
  return create(Cluster_SlowStartConfigSchema, {
    slowStartWindow: duration(durationMs),
    aggression: { defaultValue: aggression, runtimeKey: RUNTIME_KEY },
    minWeightPercent: { value: minimumPercent },
  })
}
