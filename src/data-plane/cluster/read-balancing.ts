// How a Cluster resource wants its endpoints balanced, compiled.
import {
  Cluster_CommonLbConfigSchema,
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  type Cluster as ClusterMessage,
} from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import type { LoadBalancer } from '../load-balancers/contract/load-balancer.ts'
import { balanceByResponseTime, LOAD_BALANCERS } from '../load-balancers/registry.ts'
import type { Balancing } from './cluster-picker.ts'
import type { WeftMetadata } from './weft-metadata.ts'

const ENVOY_PANIC_THRESHOLD = 50
// ignore_new_hosts_until_first_hc is for health checks to honour.
const COMMON_FIELDS = new Set([
  'healthy_panic_threshold',
  'locality_weighted_lb_config',
  'ignore_new_hosts_until_first_hc',
])

/** What the members of `lb_config` are called in the .proto. */
const CONFIG_NAMES: Readonly<Record<string, string>> = {
  roundRobinLbConfig: 'round_robin_lb_config',
  leastRequestLbConfig: 'least_request_lb_config',
  ringHashLbConfig: 'ring_hash_lb_config',
  maglevLbConfig: 'maglev_lb_config',
}

export function readBalancing(message: ClusterMessage, own: WeftMetadata, check: ResourceCheck): Balancing {
  const config = message.commonLbConfig
  if (config) check.honour(Cluster_CommonLbConfigSchema, config, 'common_lb_config', COMMON_FIELDS)
  const threshold = config?.healthyPanicThreshold?.value ?? ENVOY_PANIC_THRESHOLD
  if (!(threshold >= 0 && threshold <= 100))
    check.error('common_lb_config.healthy_panic_threshold', 'must be from 0 to 100')
  return {
    loadBalancer: own.peakEwmaDecayMs > 0 ? readPeakEwma(message, own, check) : readLoadBalancer(message, check),
    // Envoy rounds to whole percents.
    panicThreshold: Math.round(threshold),
    weighsLocalities: config?.localityConfigSpecifier.case === 'localityWeightedLbConfig',
  }
}

/** An Envoy that is told the same balances by LEAST_REQUEST; what that is asked for besides is not for response times. */
function readPeakEwma(message: ClusterMessage, { peakEwmaDecayMs }: WeftMetadata, check: ResourceCheck): LoadBalancer {
  if (message.lbPolicy !== Cluster_LbPolicy.LEAST_REQUEST)
    check.error('lb_policy', 'must be LEAST_REQUEST where metadata ask for peak_ewma_decay_ms')
  const config = message.lbConfig.case && CONFIG_NAMES[message.lbConfig.case]
  if (config) check.unsupported(config, 'is not supported with peak_ewma_decay_ms')
  return balanceByResponseTime(peakEwmaDecayMs)
}

function readLoadBalancer(message: ClusterMessage, check: ResourceCheck): LoadBalancer {
  const { lbConfig } = message
  // Forward proxies and original destinations choose by the request: any policy will do for the name.
  const policy =
    message.lbPolicy === Cluster_LbPolicy.CLUSTER_PROVIDED ? Cluster_LbPolicy.ROUND_ROBIN : message.lbPolicy
  const providesOne =
    message.clusterDiscoveryType.case === 'clusterType' ||
    message.clusterDiscoveryType.value === Cluster_DiscoveryType.ORIGINAL_DST
  if (message.lbPolicy === Cluster_LbPolicy.CLUSTER_PROVIDED && !providesOne)
    check.error('lb_policy', 'the cluster provides none')
  const factory = LOAD_BALANCERS.find(balancer => balancer.policy === policy)
  if (factory === undefined) check.unsupported('lb_policy', `policy ${message.lbPolicy} is not supported`)
  else if (lbConfig.case !== undefined && lbConfig.case !== factory.config) {
    const name = CONFIG_NAMES[lbConfig.case]
    // Those that no policy reads are refused as fields nobody honours.
    if (name !== undefined) check.error(name, 'belongs to another lb_policy')
  }
  return (factory ?? LOAD_BALANCERS[0]!).compile(message, check)
}
