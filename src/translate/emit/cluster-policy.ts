// Which traffic policy holds for one cluster: override is per block, and a port's entry replaces every block.
import type { EffectivePolicy, TrafficPolicy, TrafficPolicyBlocks } from '../../model/traffic-policy.ts'

/** `fallback`: blocks for where neither has one. */
export function policyFor(
  port: number,
  rule: TrafficPolicy | null,
  subset: TrafficPolicy | null,
  fallback: EffectivePolicy,
): EffectivePolicy {
  return { ...fallback, ...override(port, override(port, {}, rule), subset) }
}

function override(port: number, base: EffectivePolicy, policy: TrafficPolicy | null): EffectivePolicy {
  if (!policy) return base
  const forPort = policy.portLevelSettings.find(setting => setting.port === port)
  const tunnel = policy.tunnel ?? base.tunnel
  // What the port's entry leaves out falls to the defaults, not to the level above (Istio, DestinationRule,
  // PortTrafficPolicy): so do a PROXY header and a budget of retries, which it cannot have. Only a tunnel is not asked for
  // by port.
  const blocks = forPort ? blocksOf(forPort) : { ...base, ...blocksOf(policy), ...unportedOf(policy) }
  return { ...blocks, ...(tunnel === undefined ? {} : { tunnel }) }
}

function unportedOf({ proxyProtocol, retryBudget }: EffectivePolicy): EffectivePolicy {
  return {
    ...(proxyProtocol === undefined ? {} : { proxyProtocol }),
    ...(retryBudget === undefined ? {} : { retryBudget }),
  }
}

function blocksOf({ loadBalancer, connectionPool, outlierDetection, tls }: TrafficPolicyBlocks): TrafficPolicyBlocks {
  return {
    ...(loadBalancer === undefined ? {} : { loadBalancer }),
    ...(connectionPool === undefined ? {} : { connectionPool }),
    ...(outlierDetection === undefined ? {} : { outlierDetection }),
    ...(tls === undefined ? {} : { tls }),
  }
}
