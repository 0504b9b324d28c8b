// RouteAction.request_mirror_policies: where copies of a request go besides.
import {
  type RouteAction_RequestMirrorPolicy,
  RouteAction_RequestMirrorPolicySchema,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import type { ComparisonPolicy } from './comparison-policy.ts'
import { runtimeFraction } from './fraction.ts'

export interface MirrorPolicy {
  readonly cluster: string
  /** Share of 1. */
  readonly fraction: number
  /** The copy's host says that it is one: `reviews-shadow`. */
  readonly appendsShadow: boolean
  /** Absent: what they are answered is not looked at. */
  readonly comparison?: ComparisonPolicy
}

/** `trace_sampled` is of the spans of copies, of which there are none. */
const FIELDS = new Set(['cluster', 'runtime_fraction', 'trace_sampled', 'disable_shadow_host_suffix_append'])

export function compileMirrorPolicies(
  policies: readonly RouteAction_RequestMirrorPolicy[],
  comparison: ComparisonPolicy | null,
  path: string,
  check: ResourceCheck,
): readonly MirrorPolicy[] {
  return policies.map((policy, index) => {
    const at = `${path}[${index}]`
    check.honour(RouteAction_RequestMirrorPolicySchema, policy, at, FIELDS)
    if (policy.cluster === '' && policy.clusterHeader === '') check.error(`${at}.cluster`, 'must not be empty')
    return {
      cluster: policy.cluster,
      fraction: runtimeFraction(policy.runtimeFraction, 1),
      appendsShadow: !policy.disableShadowHostSuffixAppend,
      ...(comparison && { comparison }),
    }
  })
}
