// DestinationRule trafficPolicy.loadBalancer.
import type { LoadBalancerSettings, Warmup } from '../../../model/load-balancer.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { readLocalityLoadBalancing, readZoneAwareLoadBalancing } from '../contract/locality-load-balancing.ts'
import { readConsistentHash } from './consistent-hash.ts'

const ISTIO_MINIMUM_PERCENT = 10

export function readLoadBalancer(reader: ObjectReader): LoadBalancerSettings {
  const simple = reader.enumeration('simple', [
    'ROUND_ROBIN',
    'RANDOM',
    'LEAST_REQUEST',
    'LEAST_CONN',
    'UNSPECIFIED',
    'PASSTHROUGH',
  ])
  const hash = reader.object('consistentHash')
  if (hash && reader.has('simple'))
    reader.sink.contradiction(reader.place('simple'), 'simple does not go with consistentHash')
  const locality = reader.object('localityLbSetting')
  const zoneAware = reader.object('zoneAwareLbSetting')
  if (locality && zoneAware)
    reader.sink.contradiction(
      reader.place('zoneAwareLbSetting'),
      'zoneAwareLbSetting does not go with localityLbSetting',
    )
  const warmup = readWarmup(reader)
  if (warmup && (hash || simple === 'RANDOM' || simple === 'PASSTHROUGH')) {
    const field = reader.has('warmup') ? 'warmup' : 'warmupDurationSecs'
    reader.sink.report(
      'WEFT-1012',
      'warning',
      reader.place(field),
      `${field} is for ROUND_ROBIN and LEAST_REQUEST only`,
    )
  }
  const settings: LoadBalancerSettings = {
    // Istio's default, and what the deprecated LEAST_CONN has come to mean.
    simple: simple === 'ROUND_ROBIN' || simple === 'RANDOM' || simple === 'PASSTHROUGH' ? simple : 'LEAST_REQUEST',
    ...(hash ? { consistentHash: readConsistentHash(hash) } : {}),
    ...(warmup ? { warmup } : {}),
    ...(locality ? { locality: readLocalityLoadBalancing(locality) } : {}),
    ...(zoneAware ? { zoneAware: readZoneAwareLoadBalancing(zoneAware) } : {}),
  }
  reader.done()
  return settings
}

/** warmupDurationSecs is the older form; beside `warmup` it counts for nothing. */
function readWarmup(reader: ObjectReader): Warmup | undefined {
  const warmup = reader.object('warmup')
  const olderMs = reader.duration('warmupDurationSecs', 1)
  if (!warmup) {
    if (olderMs === undefined) return undefined
    return { durationMs: olderMs, minimumPercent: ISTIO_MINIMUM_PERCENT, aggression: 1 }
  }
  if (olderMs !== undefined)
    reader.sink.report(
      'WEFT-1012',
      'warning',
      reader.place('warmupDurationSecs'),
      'warmupDurationSecs has no effect beside warmup',
    )
  if (!warmup.has('duration')) warmup.missing('duration')
  const read: Warmup = {
    durationMs: warmup.duration('duration', 1) ?? 0,
    minimumPercent: warmup.number('minimumPercent', 0, 100) ?? ISTIO_MINIMUM_PERCENT,
    aggression: warmup.number('aggression', 1, Number.MAX_VALUE) ?? 1,
  }
  warmup.done()
  return read
}
