// DestinationRule trafficPolicy.outlierDetection. Undefined: Istio's, which is Envoy's, default.
export interface OutlierDetection {
  /** 0: none, as the next. */
  readonly consecutive5xxErrors: number | undefined
  readonly consecutiveGatewayErrors: number | undefined
  readonly splitExternalLocalOriginErrors: boolean
  readonly consecutiveLocalOriginFailures: number | undefined
  readonly intervalMs: number | undefined
  readonly baseEjectionMs: number | undefined
  readonly maxEjectionPercent: number | undefined
  /** Share of healthy endpoints below which health does not count; undefined is 0. */
  readonly minHealthPercent: number | undefined
  /** Statuses that count as errors, and no others do; empty: 5xx. */
  readonly httpErrorCodes: readonly number[]
}
