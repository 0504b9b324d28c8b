// What a route does: forward, redirect or answer.
import { compileRegex } from '../../../automata/regex.ts'
import { compileReplacement } from '../../../automata/regex-replacement.ts'
import type { RouteDestination } from '../../../model/destination.ts'
import type { HttpDirectResponse, HttpRedirect, HttpRewrite } from '../../../model/http-route.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { readTarget } from '../contract/destination.ts'
import { checkRegex } from '../contract/string-match.ts'
import { readHeaders } from './header-operations.ts'

const REDIRECT_CODES = [301, 302, 303, 307, 308] as const
/** Envoy's bound on a direct response (max_direct_response_body_size_bytes, as Istio sets it). */
const MAX_BODY_BYTES = 1_048_576

export function readDestinations(parent: ObjectReader): readonly RouteDestination[] {
  const destinations = parent.objectList('route').map(readDestination)
  const total = destinations.reduce((sum, destination) => sum + destination.weight, 0)
  if (destinations.length > 1 && total === 0)
    parent.sink.contradiction(parent.place('route'), 'the weights of several destinations must not sum to 0')
  if (total > 0xffff_ffff) parent.sink.badValue(parent.place('route'), 'the weights sum to more than 4294967295')
  return destinations
}

function readDestination(reader: ObjectReader): RouteDestination {
  const destination = reader.object('destination')
  if (!destination && !reader.has('destination')) reader.missing('destination')
  const weight = reader.integer('weight', 0, 0x7fff_ffff) ?? 0
  const headers = readHeaders(reader)
  reader.done()
  const target = destination ? readTarget(destination) : { host: '', subset: '' }
  return { destination: target, weight, headers, position: reader.position }
}

export function readRedirect(reader: ObjectReader): HttpRedirect {
  const uri = reader.string('uri')
  const authority = reader.string('authority')
  const scheme = reader.string('scheme')
  const port = reader.integer('port', 1, 65_535)
  const derivePort = reader.enumeration('derivePort', ['FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT'])
  const code = reader.integer('redirectCode', 0, 999) ?? 301
  const prefixRewrite = reader.string('prefixRewrite')
  if (uri && prefixRewrite) reader.sink.contradiction(reader, 'only one of uri and prefixRewrite may be set')
  if (port !== undefined && derivePort) reader.sink.contradiction(reader, 'only one of port and derivePort may be set')
  if (!uri && !prefixRewrite && !authority && !scheme && port === undefined && !derivePort)
    reader.sink.error(
      'WEFT-1006',
      reader,
      'a redirect needs at least one of uri, prefixRewrite, authority, scheme, port and derivePort',
    )
  if (scheme !== undefined && scheme !== '' && !/^https?$/.test(scheme))
    reader.sink.badValue(reader.place('scheme'), `"${scheme.slice(0, 20)}" is not http or https`)
  const known = REDIRECT_CODES.find(candidate => candidate === code)
  if (known === undefined && code !== 0)
    reader.sink.badValue(reader.place('redirectCode'), `${code} is not one of ${REDIRECT_CODES.join(', ')}`)
  reader.done()
  return {
    ...(uri ? { uri } : {}),
    ...(prefixRewrite ? { prefixRewrite } : {}),
    ...(authority ? { authority } : {}),
    ...(scheme ? { scheme } : {}),
    ...(port === undefined ? {} : { port }),
    ...(derivePort ? { derivePort } : {}),
    code: known ?? 301,
  }
}

export function readRewrite(reader: ObjectReader): HttpRewrite {
  const uri = reader.string('uri')
  const authority = reader.string('authority')
  const regexReader = reader.object('uriRegexRewrite')
  reader.done()
  if (uri && regexReader) reader.sink.contradiction(reader, 'only one of uri and uriRegexRewrite may be set')
  if (!uri && !authority && !regexReader)
    reader.sink.error('WEFT-1006', reader, 'a rewrite needs one of uri, authority and uriRegexRewrite')
  const uriRegex = regexReader && readRegexRewrite(regexReader)
  return { ...(uri ? { uri } : {}), ...(authority ? { authority } : {}), ...(uriRegex ? { uriRegex } : {}) }
}

function readRegexRewrite(reader: ObjectReader): { match: string; rewrite: string } {
  const match = reader.requiredString('match')
  const rewrite = reader.requiredString('rewrite')
  reader.done()
  if (match === '' || !checkRegex(match, reader.place('match'), reader.sink)) return { match, rewrite }
  const regex = compileRegex(match)
  const replacement = regex.ok ? compileReplacement(regex.value, rewrite) : regex
  if (!replacement.ok)
    for (const problem of replacement.problems)
      reader.sink.badValue(reader.place('rewrite'), problem.message, problem.hint)
  return { match, rewrite }
}

export function readDirectResponse(reader: ObjectReader): HttpDirectResponse {
  const status = reader.integer('status', 200, 599)
  if (status === undefined && !reader.has('status')) reader.missing('status')
  const bodyReader = reader.object('body')
  reader.done()
  let body: Uint8Array = new Uint8Array()
  if (bodyReader) {
    const text = bodyReader.string('string')
    const base64 = bodyReader.string('bytes')
    if (text !== undefined && base64 !== undefined)
      bodyReader.sink.contradiction(bodyReader, 'only one of string and bytes may be set')
    if (base64 !== undefined && !/^[A-Za-z0-9+/_-]*={0,2}$/.test(base64))
      bodyReader.sink.badValue(bodyReader.place('bytes'), 'not base64')
    body = new Uint8Array(text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text, 'utf8'))
    bodyReader.done()
  }
  if (body.length > MAX_BODY_BYTES) reader.sink.badValue(reader.place('body'), `longer than ${MAX_BODY_BYTES} bytes`)
  return { status: status ?? 200, body }
}
