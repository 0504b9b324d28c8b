// VirtualService http[].corsPolicy.
import type { CorsPolicy } from '../../../model/cors-policy.ts'
import type { StringMatch } from '../../../model/string-match.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { readStringMatch } from '../contract/string-match.ts'
import { checkHeaderName } from './header-operations.ts'

/** Those that Istio takes here. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE']

export function readCorsPolicy(reader: ObjectReader): CorsPolicy {
  const { sink } = reader
  const allowOrigins = readOrigins(reader)
  const allowMethods = reader.stringList('allowMethods')
  for (const { value, place } of allowMethods)
    if (!METHODS.includes(value)) sink.badValue(place, `"${value.slice(0, 40)}" is not one of ${METHODS.join(', ')}`)
  const maxAgeMs = reader.duration('maxAge', 1)
  if (maxAgeMs !== undefined && maxAgeMs % 1000 !== 0)
    sink.badValue(reader.place('maxAge'), 'must be in whole seconds: access-control-max-age has no smaller unit')
  const allowCredentials = reader.boolean('allowCredentials')
  const policy: CorsPolicy = {
    allowOrigins,
    allowMethods: allowMethods.map(({ value }) => value),
    allowHeaders: readHeaderNames(reader, 'allowHeaders'),
    exposeHeaders: readHeaderNames(reader, 'exposeHeaders'),
    ...(maxAgeMs === undefined ? {} : { maxAgeSeconds: maxAgeMs / 1000 }),
    ...(allowCredentials === undefined ? {} : { allowCredentials }),
    unmatchedPreflights: readUnmatchedPreflights(reader),
  }
  reader.done()
  if (allowOrigins.length === 0)
    sink.report('WEFT-1012', 'warning', reader, 'no origin is allowed: allowOrigins is missing')
  return policy
}

function readOrigins(reader: ObjectReader): readonly StringMatch[] {
  const origins = reader.list('allowOrigins').flatMap(value => {
    const match = readStringMatch(value, reader.sink, false)
    if (match?.kind === 'exact' && match.value === '') reader.sink.badValue(value, 'an origin must not be empty')
    return match ?? []
  })
  const older = reader.stringList('allowOrigin').map(({ value }) => ({ kind: 'exact', value }) as const)
  if (!reader.has('allowOrigins')) return older
  if (reader.has('allowOrigin'))
    reader.sink.report('WEFT-1012', 'warning', reader.place('allowOrigin'), 'has no effect beside allowOrigins')
  return origins
}

function readUnmatchedPreflights(reader: ObjectReader): CorsPolicy['unmatchedPreflights'] {
  const value = reader.enumeration('unmatchedPreflights', ['UNSPECIFIED', 'FORWARD', 'IGNORE'])
  return value === 'IGNORE' ? 'IGNORE' : 'FORWARD'
}

/** `*` is whatever the browser asks for. */
function readHeaderNames(reader: ObjectReader, field: string): readonly string[] {
  return reader.stringList(field).map(({ value, place }) => {
    if (value !== '*') checkHeaderName(value, place, reader.sink)
    return value
  })
}
