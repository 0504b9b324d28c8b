// Cluster.SlowStartConfig, compiled.
import {
  type Cluster_SlowStartConfig,
  Cluster_SlowStartConfigSchema,
} from '../../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { durationMs, type ResourceCheck } from '../../../xds/resource-check.ts'
import { SlowStart } from './slow-start.ts'

const FIELDS = new Set(['slow_start_window', 'aggression', 'min_weight_percent'])
const ENVOY_MIN_WEIGHT_PERCENT = 10

/** Null: endpoints get their whole share at once. */
export function compileSlowStart(
  message: Cluster_SlowStartConfig | undefined,
  path: string,
  check: ResourceCheck,
): SlowStart | null {
  if (message === undefined) return null
  check.honour(Cluster_SlowStartConfigSchema, message, path, FIELDS)
  const windowMs = durationMs(message.slowStartWindow, 0)
  const aggression = message.aggression?.defaultValue ?? 1
  const percent = message.minWeightPercent?.value ?? ENVOY_MIN_WEIGHT_PERCENT
  if (!(aggression > 0)) check.error(`${path}.aggression`, 'must be above 0')
  if (!(percent >= 0 && percent <= 100)) check.error(`${path}.min_weight_percent`, 'must be 0 to 100')
  return windowMs > 0 ? new SlowStart(windowMs, aggression, percent / 100) : null
}
