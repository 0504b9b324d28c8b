// How the answers of a route's mirrors are compared with the client's.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import type { ResourceCheck } from '../../xds/resource-check.ts'

export interface ComparisonPolicy {
  /** Null: all but those ignored. */
  readonly headers: ReadonlySet<string> | null
  readonly ignored: ReadonlySet<string>
  /** 0: no body is compared. */
  readonly maxBodyBytes: number
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

function readNames(said: JsonValue, at: string, check: ResourceCheck): readonly string[] {
  if (Array.isArray(said) && said.every(name => typeof name === 'string')) return said as readonly string[]
  check.error(at, 'must be a list of header names')
  return []
}
