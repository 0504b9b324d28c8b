// What Weft's control plane says of a cluster beyond Envoy's fields: `weft.dev` in its metadata, which an Envoy passes over.
import type { Metadata } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'

export interface WeftMetadata {
  /** Requests at a time that an endpoint must serve well after its ejection before it is fully back. */
  readonly halfOpenProbes: number
}

const KEY = 'weft.dev'
const AT = `metadata.filter_metadata[${KEY}]`
const MAX_PROBES = 1_000_000

export function readWeftMetadata(metadata: Metadata | undefined, check: ResourceCheck): WeftMetadata {
  const said = metadata?.filterMetadata[KEY] ?? {}
  for (const key of Object.keys(said)) if (key !== 'half_open_probes') check.unsupported(`${AT}.${key}`)
  const probes = said['half_open_probes'] ?? 0
  const isCount = typeof probes === 'number' && Number.isInteger(probes) && probes >= 0 && probes <= MAX_PROBES
  if (!isCount) check.error(`${AT}.half_open_probes`, `must be a whole number from 0 to ${MAX_PROBES}`)
  return { halfOpenProbes: isCount ? probes : 0 }
}
