// Why an endpoint is ejected, in the words of Envoy's counters; `failed_probe` is Weft's own.
export const EJECTION_CAUSES = [
  'consecutive_gateway_failure',
  'consecutive_5xx',
  'consecutive_local_origin_failure',
  'success_rate',
  'local_origin_success_rate',
  'failure_percentage',
  'local_origin_failure_percentage',
  'failed_probe',
] as const

export type EjectionCause = (typeof EJECTION_CAUSES)[number]
