// Under which keys of its dynamic metadata the filter says how it judged.

export const NAMESPACE = 'envoy.filters.http.rbac'

/** Of the rules that are enforced, or of those that only would be. */
export interface MetadataKeys {
  readonly policy: string
  readonly result: string
}

export function enforcedKeys(prefix: string): MetadataKeys {
  return { policy: `${prefix}enforced_effective_policy_id`, result: `${prefix}enforced_engine_result` }
}

export function shadowKeys(prefix: string): MetadataKeys {
  return { policy: `${prefix}shadow_effective_policy_id`, result: `${prefix}shadow_engine_result` }
}
