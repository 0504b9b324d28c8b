// A fallback: who answers in the place of a destination that is down or too slow.
import type { JsonObject } from '@bufbuild/protobuf'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import { hasControl } from './control-character.ts'
import type { Fallback } from './route-entry.ts'

const FIELDS = new Set(['cluster', 'status', 'body', 'content_type'])

export function compileFallback(fallback: JsonObject, at: string, check: ResourceCheck): Fallback {
  for (const key of Object.keys(fallback)) if (!FIELDS.has(key)) check.unsupported(`${at}.${key}`)
  const { cluster, status, body = '', content_type: contentType = 'text/plain' } = fallback
  if ((cluster === undefined) === (status === undefined)) check.error(at, 'needs a cluster, or the status of an answer')
  if (typeof cluster === 'string' && cluster !== '') return { kind: 'cluster', cluster }
  if (cluster !== undefined) check.error(`${at}.cluster`, 'must be the name of a cluster')
  const isStatus = typeof status === 'number' && Number.isInteger(status) && status >= 200 && status <= 599
  if (status !== undefined && !isStatus) check.error(`${at}.status`, 'must be from 200 to 599')
  if (typeof body !== 'string') check.error(`${at}.body`, 'must be text')
  if (typeof contentType !== 'string' || hasControl(contentType))
    check.error(`${at}.content_type`, 'must be text without control characters')
  const headers = body === '' ? [] : ['content-type', String(contentType)]
  return { kind: 'answer', status: Number(status), body: Buffer.from(String(body)), headers }
}
