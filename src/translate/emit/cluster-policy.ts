// Which traffic policy holds for one cluster: override is per block, and a port's entry replaces every block.
import type { TrafficPolicy, TrafficPolicyBlocks } from '../../model/traffic-policy.ts'

export function policyFor(port: number, rule: TrafficPolicy | null, subset: TrafficPolicy | null): TrafficPolicyBlocks {
  return override(port, override(port, {}, rule), subset)
}

function override(port: number, base: TrafficPolicyBlocks, policy: TrafficPolicy | null): TrafficPolicyBlocks {
  if (!policy) return base
  const forPort = policy.portLevelSettings.find(setting => setting.port === port)
  // What the port's entry leaves out falls to the defaults, not to the level above (Istio, DestinationRule, PortTrafficPolicy).
  if (forPort) return blocksOf(forPort)
  return { ...base, ...blocksOf(policy) }
}

function blocksOf({ loadBalancer, connectionPool, tls }: TrafficPolicyBlocks): TrafficPolicyBlocks {
  return {
    ...(loadBalancer === undefined ? {} : { loadBalancer }),
    ...(connectionPool === undefined ? {} : { connectionPool }),
    ...(tls === undefined ? {} : { tls }),
  }
}
