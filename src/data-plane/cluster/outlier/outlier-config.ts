// Envoy's OutlierDetection, compiled: when an endpoint's results condemn it, and for how long.
import {
  type OutlierDetection,
  OutlierDetectionSchema,
} from '../../../xds/generated/envoy/config/cluster/v3/outlier_detection_pb.ts'
import { durationMs, type ResourceCheck } from '../../../xds/resource-check.ts'
import type { ResponseCriterion } from '../../route/response-criterion.ts'
import type { EjectionCause } from './ejection-cause.ts'

export interface OutlierConfig {
  /** Results in a row; 0 detects nothing. */
  readonly consecutive5xx: number
  readonly consecutiveGatewayFailures: number
  readonly consecutiveLocalOriginFailures: number
  /** What happens on this side (no connection, no answer in time) is counted apart from what the endpoint answers. */
  readonly splitsLocalOrigin: boolean
  readonly intervalMs: number
  readonly baseEjectionMs: number
  readonly maxEjectionMs: number
  readonly maxJitterMs: number
  readonly maxEjectionPercent: number
  /** Where the percentage would allow none. */
  readonly alwaysEjectsOne: boolean
  /** In percent, how often what was detected is acted upon. */
  readonly enforcing: Readonly<Record<EjectionCause, number>>
  readonly successRate: {
    readonly minimumHosts: number
    readonly requestVolume: number
    readonly deviations: number
  }
  readonly failurePercentage: {
    readonly minimumHosts: number
    readonly requestVolume: number
    readonly threshold: number
  }
  /** Requests at a time that an endpoint must serve well after its ejection before it is fully back; 0: it is at once. */
  readonly probes: number
  /** An endpoint comes back as soon as an active health check finds it well. */
  readonly readmitsChecked: boolean
  /** Responses that count as errors, and no others do; null: 5xx. */
  readonly errors: ResponseCriterion | null
}

const DEFAULT_MAX_EJECTION_MS = 300_000
const MAX_PERCENT = 100

const FIELDS = new Set([
  'consecutive_5xx',
  'interval',
  'base_ejection_time',
  'max_ejection_percent',
  'enforcing_consecutive_5xx',
  'enforcing_success_rate',
  'success_rate_minimum_hosts',
  'success_rate_request_volume',
  'success_rate_stdev_factor',
  'consecutive_gateway_failure',
  'enforcing_consecutive_gateway_failure',
  'split_external_local_origin_errors',
  'consecutive_local_origin_failure',
  'enforcing_consecutive_local_origin_failure',
  'enforcing_local_origin_success_rate',
  'failure_percentage_threshold',
  'enforcing_failure_percentage',
  'enforcing_failure_percentage_local_origin',
  'failure_percentage_minimum_hosts',
  'failure_percentage_request_volume',
  'max_ejection_time',
  'max_ejection_time_jitter',
  'successful_active_health_check_uneject_host',
  'always_eject_one_host',
])

const AT = 'outlier_detection'

export function readOutlierDetection(
  message: OutlierDetection,
  probes: number,
  check: ResourceCheck,
  errors: ResponseCriterion | null = null,
): OutlierConfig {
  check.honour(OutlierDetectionSchema, message, AT, FIELDS)
  const percent = (field: string, value: number | undefined, otherwise: number): number => {
    if (value !== undefined && value > MAX_PERCENT) check.error(`${AT}.${field}`, 'must be at most 100')
    return value ?? otherwise
  }
  const positive = (field: string, value: OutlierDetection['interval'], otherwise: number): number => {
    const ms = durationMs(value, otherwise)
    if (ms <= 0) check.error(`${AT}.${field}`, 'must be above 0s')
    return ms
  }
  const baseEjectionMs = positive('base_ejection_time', message.baseEjectionTime, 30_000)
  const maxJitterMs = durationMs(message.maxEjectionTimeJitter, 0)
  if (maxJitterMs < 0) check.error(`${AT}.max_ejection_time_jitter`, 'must not be below 0s')
  return {
    consecutive5xx: message.consecutive5xx ?? 5,
    consecutiveGatewayFailures: message.consecutiveGatewayFailure ?? 5,
    consecutiveLocalOriginFailures: message.consecutiveLocalOriginFailure ?? 5,
    splitsLocalOrigin: message.splitExternalLocalOriginErrors,
    intervalMs: positive('interval', message.interval, 10_000),
    baseEjectionMs,
    maxEjectionMs: positive(
      'max_ejection_time',
      message.maxEjectionTime,
      Math.max(DEFAULT_MAX_EJECTION_MS, baseEjectionMs),
    ),
    maxJitterMs,
    maxEjectionPercent: percent('max_ejection_percent', message.maxEjectionPercent, 10),
    alwaysEjectsOne: message.alwaysEjectOneHost ?? false,
    enforcing: {
      consecutive_5xx: percent('enforcing_consecutive_5xx', message.enforcingConsecutive5xx, 100),
      consecutive_gateway_failure: percent(
        'enforcing_consecutive_gateway_failure',
        message.enforcingConsecutiveGatewayFailure,
        0,
      ),
      consecutive_local_origin_failure: percent(
        'enforcing_consecutive_local_origin_failure',
        message.enforcingConsecutiveLocalOriginFailure,
        100,
      ),
      success_rate: percent('enforcing_success_rate', message.enforcingSuccessRate, 100),
      local_origin_success_rate: percent(
        'enforcing_local_origin_success_rate',
        message.enforcingLocalOriginSuccessRate,
        100,
      ),
      failure_percentage: percent('enforcing_failure_percentage', message.enforcingFailurePercentage, 0),
      local_origin_failure_percentage: percent(
        'enforcing_failure_percentage_local_origin',
        message.enforcingFailurePercentageLocalOrigin,
        0,
      ),
      // A failed probe needs no second opinion.
      failed_probe: MAX_PERCENT,
    },
    successRate: {
      minimumHosts: message.successRateMinimumHosts ?? 5,
      requestVolume: message.successRateRequestVolume ?? 100,
      deviations: (message.successRateStdevFactor ?? 1900) / 1000,
    },
    failurePercentage: {
      minimumHosts: message.failurePercentageMinimumHosts ?? 5,
      requestVolume: message.failurePercentageRequestVolume ?? 50,
      threshold: percent('failure_percentage_threshold', message.failurePercentageThreshold, 85),
    },
    probes,
    readmitsChecked: message.successfulActiveHealthCheckUnejectHost ?? true,
    errors,
  }
}
