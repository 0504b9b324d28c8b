// The config of the health check filter, compiled once for each listener.
import type { Any } from '@bufbuild/protobuf/wkt'
import type { Parsed } from '../../../../base/problem.ts'
import { unpackAny } from '../../../../xds/any-pack.ts'
import { HealthCheckSchema } from '../../../../xds/generated/envoy/extensions/filters/http/health_check/v3/health_check_pb.ts'
import { durationMs, ResourceCheck } from '../../../../xds/resource-check.ts'
import { type Criterion, compileHeaderMatcher } from '../../../route/criterion.ts'

export interface HealthCheckConfig {
  /** Requests for which all of them hold. */
  readonly headers: readonly Criterion[]
  /** The upstream answers, at times from memory; otherwise the proxy does. */
  readonly passThrough: boolean
  /** Milliseconds; 0: no memory. */
  readonly cacheMs: number
  /** Without pass-through: percent of each cluster's endpoints that must be usable. */
  readonly minHealthy: readonly { readonly cluster: string; readonly percent: number }[]
}

const FIELDS = new Set(['pass_through_mode', 'cache_time', 'cluster_min_healthy_percentages', 'headers'])

export function compileHealthCheck(typedConfig: Any): Parsed<HealthCheckConfig> {
  const check = new ResourceCheck('')
  const message = unpackAny(typedConfig, HealthCheckSchema)
  if (message === null) {
    check.error('', 'cannot be decoded', 'WEFT-4102')
    return { ok: false, problems: check.problems }
  }
  check.honour(HealthCheckSchema, message, '', FIELDS)
  if (message.passThroughMode === undefined) check.error('pass_through_mode', 'is required')
  const passThrough = message.passThroughMode === true
  if (message.cacheTime && !passThrough) check.error('cache_time', 'needs pass_through_mode')
  const percentages = Object.entries(message.clusterMinHealthyPercentages)
  return check.result({
    headers: message.headers.map((header, index) => compileHeaderMatcher(header, `headers[${index}]`, check)),
    passThrough,
    cacheMs: durationMs(message.cacheTime, 0),
    // Without effect where the upstream is asked, as in Envoy.
    minHealthy: passThrough ? [] : percentages.map(([cluster, { value }]) => ({ cluster, percent: value })),
  })
}
