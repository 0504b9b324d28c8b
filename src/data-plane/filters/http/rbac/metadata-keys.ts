// Under which keys of its dynamic metadata the filter says how it judged.

export const NAMESPACE = 'envoy.filters.http.rbac'

export interface MetadataKeys {
  readonly enforcedPolicy: string
  readonly enforcedResult: string
  readonly shadowPolicy: string
  readonly shadowResult: string
}

export function metadataKeys(enforcedPrefix: string, shadowPrefix: string): MetadataKeys {
  return {
    enforcedPolicy: `${enforcedPrefix}enforced_effective_policy_id`,
    enforcedResult: `${enforcedPrefix}enforced_engine_result`,
    shadowPolicy: `${shadowPrefix}shadow_effective_policy_id`,
    shadowResult: `${shadowPrefix}shadow_engine_result`,
  }
}
