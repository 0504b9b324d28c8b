// What Weft's control plane says of a route beyond Envoy's fields: `weft.dev` in its metadata, which an Envoy passes over.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import type { Metadata } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import { type ComparisonPolicy, compileComparison } from './comparison-policy.ts'
import { compileFallback } from './compile-fallback.ts'
import type { Fallback } from './route-entry.ts'

export interface WeftRoute {
  readonly fallback: Fallback | null
  /** Null: what mirrors answer is not looked at. */
  readonly comparison: ComparisonPolicy | null
}

const KEY = 'weft.dev'
const FIELDS = new Set(['fallback', 'mirror_comparison'])
const NOTHING: WeftRoute = { fallback: null, comparison: null }

export function compileWeftRoute(metadata: Metadata | undefined, path: string, check: ResourceCheck): WeftRoute {
  const said = metadata?.filterMetadata[KEY]
  if (said === undefined) return NOTHING
  const at = `${path}.metadata.filter_metadata[${KEY}]`
  for (const key of Object.keys(said)) if (!FIELDS.has(key)) check.unsupported(`${at}.${key}`)
  const compile = <T>(key: string, read: (said: JsonObject, at: string, check: ResourceCheck) => T): T | null => {
    const value = said[key]
    if (value === undefined) return null
    if (isObject(value)) return read(value, `${at}.${key}`, check)
    check.error(`${at}.${key}`, 'must be an object')
    return null
  }
  return {
    fallback: compile('fallback', compileFallback),
    comparison: compile('mirror_comparison', compileComparison),
  }
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
