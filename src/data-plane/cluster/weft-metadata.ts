// What Weft's control plane says of a cluster beyond Envoy's fields: `weft.dev` in its metadata, which an Envoy passes over.
import type { JsonValue } from '@bufbuild/protobuf'
import type { Metadata } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'

export interface WeftMetadata {
  /** Requests at a time that an endpoint must serve well after its ejection before it is fully back. */
  readonly halfOpenProbes: number
  /** How quickly response times are forgotten by which endpoints are balanced; 0: they are not. */
  readonly peakEwmaDecayMs: number
}

const KEY = 'weft.dev'
const AT = `metadata.filter_metadata[${KEY}]`
const FIELDS = new Set(['half_open_probes', 'peak_ewma_decay_ms'])
const MAX_PROBES = 1_000_000
const MAX_DECAY_MS = 86_400_000

export function readWeftMetadata(metadata: Metadata | undefined, check: ResourceCheck): WeftMetadata {
  const said = metadata?.filterMetadata[KEY] ?? {}
  for (const key of Object.keys(said)) if (!FIELDS.has(key)) check.unsupported(`${AT}.${key}`)
  return {
    halfOpenProbes: readCount(said['half_open_probes'], MAX_PROBES, `${AT}.half_open_probes`, check),
    peakEwmaDecayMs: readCount(said['peak_ewma_decay_ms'], MAX_DECAY_MS, `${AT}.peak_ewma_decay_ms`, check),
  }
}

function readCount(value: JsonValue | undefined, max: number, path: string, check: ResourceCheck): number {
  const count = value ?? 0
  if (typeof count === 'number' && Number.isInteger(count) && count >= 0 && count <= max) return count
  check.error(path, `must be a whole number from 0 to ${max}`)
  return 0
}
