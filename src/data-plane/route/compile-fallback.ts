// What Weft's control plane says of a route beyond Envoy's fields: `weft.dev` in its metadata, which an Envoy passes over.
// A fallback: who answers in the place of a destination that is down or too slow.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import type { Metadata } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import { hasControl } from './control-character.ts'
import type { Fallback } from './route-entry.ts'

const KEY = 'weft.dev'
const FIELDS = new Set(['cluster', 'status', 'body', 'content_type'])

/** Null: none. */
export function compileFallback(metadata: Metadata | undefined, path: string, check: ResourceCheck): Fallback | null {
  const said = metadata?.filterMetadata[KEY]
  if (said === undefined) return null
  const at = `${path}.metadata.filter_metadata[${KEY}]`
  for (const key of Object.keys(said)) if (key !== 'fallback') check.unsupported(`${at}.${key}`)
  const fallback = said['fallback']
  if (fallback === undefined) return null
  if (!isObject(fallback)) {
    check.error(`${at}.fallback`, 'must be an object')
    return null
  }
  for (const key of Object.keys(fallback)) if (!FIELDS.has(key)) check.unsupported(`${at}.fallback.${key}`)
  const { cluster, status, body = '', content_type: contentType = 'text/plain' } = fallback
  if ((cluster === undefined) === (status === undefined))
    check.error(`${at}.fallback`, 'needs a cluster, or the status of an answer')
  if (typeof cluster === 'string' && cluster !== '') return { kind: 'cluster', cluster }
  if (cluster !== undefined) check.error(`${at}.fallback.cluster`, 'must be the name of a cluster')
  const isStatus = typeof status === 'number' && Number.isInteger(status) && status >= 200 && status <= 599
  if (status !== undefined && !isStatus) check.error(`${at}.fallback.status`, 'must be from 200 to 599')
  if (typeof body !== 'string') check.error(`${at}.fallback.body`, 'must be text')
  if (typeof contentType !== 'string' || hasControl(contentType))
    check.error(`${at}.fallback.content_type`, 'must be text without control characters')
  const headers = body === '' ? [] : ['content-type', String(contentType)]
  return { kind: 'answer', status: Number(status), body: Buffer.from(String(body)), headers }
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
