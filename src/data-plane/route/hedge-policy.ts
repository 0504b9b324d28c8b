// Envoy's HedgePolicy: whether a try that takes too long gets company in place of being given up.
import { type HedgePolicy, HedgePolicySchema } from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'

/** `initial_requests` and `additional_request_chance` are fields that Envoy reads and does nothing with. */
const FIELDS = new Set(['hedge_on_per_try_timeout'])

export function compileHedgePolicy(policy: HedgePolicy, path: string, check: ResourceCheck): boolean {
  check.honour(HedgePolicySchema, policy, path, FIELDS)
  return policy.hedgeOnPerTryTimeout
}
