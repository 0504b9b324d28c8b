// Outlier detection of a cluster, as Istio configures it.
import { create } from '@bufbuild/protobuf'
import type { OutlierDetection } from '../../model/outlier-detection.ts'
import type { Cluster } from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { OutlierDetectionSchema } from '../../xds/generated/envoy/config/cluster/v3/outlier_detection_pb.ts'
import { PercentSchema } from '../../xds/generated/envoy/type/v3/percent_pb.ts'
import { duration } from './durations.ts'
import { addWeftMetadata } from './weft-metadata.ts'

/**
 * `probes`: asked of an endpoint that comes back, by a Weft proxy, which finds them in the metadata; an Envoy does not look.
 * Also sets the panic threshold, which is Envoy's 50 percent only where no outlier detection is asked for.
 */
export function applyOutlierDetection(cluster: Cluster, asked: OutlierDetection | undefined, probes: number): void {
  if (!asked) return
  const { consecutive5xxErrors, consecutiveGatewayErrors, intervalMs, baseEjectionMs, maxEjectionPercent } = asked
  const detection = create(OutlierDetectionSchema, {
    // Istio never compares endpoints.
    enforcingSuccessRate: 0,
    ...(consecutive5xxErrors === undefined
      ? {}
      : { consecutive5xx: consecutive5xxErrors, enforcingConsecutive5xx: enforced(consecutive5xxErrors) }),
    ...(consecutiveGatewayErrors === undefined
      ? {}
      : {
          consecutiveGatewayFailure: consecutiveGatewayErrors,
          enforcingConsecutiveGatewayFailure: enforced(consecutiveGatewayErrors),
        }),
    ...(intervalMs === undefined ? {} : { interval: duration(intervalMs) }),
    ...(baseEjectionMs === undefined ? {} : { baseEjectionTime: duration(baseEjectionMs) }),
    // 0 stands for unset.
    ...(maxEjectionPercent ? { maxEjectionPercent } : {}),
    ...(asked.splitExternalLocalOriginErrors ? localOrigin(asked.consecutiveLocalOriginFailures) : {}),
  })
  cluster.outlierDetection = detection
  if (probes > 0) addWeftMetadata(cluster, { half_open_probes: probes })
  if (cluster.commonLbConfig)
    cluster.commonLbConfig.healthyPanicThreshold = create(PercentSchema, { value: asked.minHealthPercent ?? 0 })
}

function localOrigin(failures: number | undefined) {
  return {
    splitExternalLocalOriginErrors: true,
    enforcingLocalOriginSuccessRate: 0,
    ...(failures ? { consecutiveLocalOriginFailure: failures, enforcingConsecutiveLocalOriginFailure: 100 } : {}),
  }
}

function enforced(count: number): number {
  return count > 0 ? 100 : 0
}
