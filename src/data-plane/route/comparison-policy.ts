// How the answers of a route's mirrors are compared with the client's.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import type { Counter, StatsScope } from '../stats/stats-scope.ts'

export interface ComparisonPolicy {
  /** Null: all but those ignored. */
  readonly headers: ReadonlySet<string> | null
  readonly ignored: ReadonlySet<string>
  /** 0: no body is compared. */
  readonly maxBodyBytes: number
}

/** Weft's own, below `cluster.<mirror>.mirror_comparison.`. An answer may differ in several ways. */
export interface ComparisonStats {
  readonly match: Counter
  readonly statusDiffers: Counter
  readonly headersDiffer: Counter
  readonly bodyDiffers: Counter
  /** One of the two never came, or not whole, or is longer than what is looked at. */
  readonly notComparable: Counter
}

const FIELDS = new Set(['headers', 'ignored_headers', 'max_body_bytes'])
const MAX_BODY_BYTES = 1024 * 1024 * 1024
/** They differ from answer to answer, or from hop to hop, or say of the body what its bytes say themselves. */
const VOLATILE = [
  'age',
  'connection',
  'content-length',
  'date',
  'expires',
  'keep-alive',
  'server',
  'set-cookie',
  'traceparent',
  'tracestate',
  'trailer',
  'transfer-encoding',
  'via',
  'x-envoy-attempt-count',
  'x-envoy-decorator-operation',
  'x-envoy-upstream-service-time',
  'x-request-id',
  'x-weft-reason',
]

export function compileComparison(said: JsonObject, at: string, check: ResourceCheck): ComparisonPolicy {
  for (const key of Object.keys(said)) if (!FIELDS.has(key)) check.unsupported(`${at}.${key}`)
  const headers = said['headers'] === undefined ? null : readNames(said['headers'], `${at}.headers`, check)
  const ignored = readNames(said['ignored_headers'] ?? [], `${at}.ignored_headers`, check)
  const maxBodyBytes = said['max_body_bytes'] ?? 0
  const isCount = typeof maxBodyBytes === 'number' && Number.isInteger(maxBodyBytes) && maxBodyBytes >= 0
  if (!isCount || maxBodyBytes > MAX_BODY_BYTES)
    check.error(`${at}.max_body_bytes`, `must be a whole number from 0 to ${MAX_BODY_BYTES}`)
  return {
    headers: headers && new Set(headers),
    ignored: new Set([...VOLATILE, ...ignored]),
    maxBodyBytes: Number(maxBodyBytes),
  }
}

export function comparisonStats(root: StatsScope, mirror: string): ComparisonStats {
  const scope = root.scope('cluster', { envoy_cluster_name: mirror }).scope('mirror_comparison')
  return {
    match: scope.counter('match'),
    statusDiffers: scope.counter('status_differs'),
    headersDiffer: scope.counter('headers_differ'),
    bodyDiffers: scope.counter('body_differs'),
    notComparable: scope.counter('not_comparable'),
  }
}

function readNames(said: JsonValue, at: string, check: ResourceCheck): readonly string[] {
  if (Array.isArray(said) && said.every(name => typeof name === 'string')) return said as readonly string[]
  check.error(at, 'must be a list of header names')
  return []
}
