// Fields of the request and the response, and what is read out of them.
import { toByteString } from '../../../automata/regex.ts'
import { getHeader, type HeaderList } from '../../../transport/header-list.ts'
import type { StreamInfo } from '../../stream-info.ts'
import { type CompiledOperator, type Operator, type OperatorFactory, orNull } from './operator.ts'

type FieldReader = (info: StreamInfo, name: string) => string | null

export const HEADER_OPERATORS: Readonly<Record<string, OperatorFactory>> = {
  REQ: fieldOf(readRequest),
  STREAM_INFO_REQ: fieldOf(readRequest),
  RESP: fieldOf(readResponse),
  TRAILER: fieldOf((info, name) => field(info.responseTrailers, name)),
  REQ_WITHOUT_QUERY(argument, name) {
    const whole = compileField(readRequest, argument, name)
    if ('fault' in whole) return whole
    return { run: info => withoutQuery(whole.run(info) as string | null) }
  },
  QUERY_PARAM: argument => {
    const name = argument ?? ''
    if (name === '') return { fault: '%QUERY_PARAM(...)% needs a name' }
    const wanted = toByteString(name)
    return { run: info => decodedParameter(info.path, wanted) }
  },
  QUERY_PARAMS(argument) {
    if (argument === null || argument === 'ORIG') return { run: wholeQuery }
    if (argument !== 'DECODED') return { fault: '%QUERY_PARAMS(...)% knows ORIG and DECODED' }
    return {
      run(info) {
        const query = wholeQuery(info)
        return query === null ? null : visiblyDecoded(query as string)
      },
    }
  },
  PATH: compilePath,
  REQUESTED_SERVER_NAME: compileServerName,
}

/** Bytes of names and values, those of pseudo-headers among them, as Envoy's header maps count. */
export const HEADER_SIZES: Readonly<Record<string, Operator>> = {
  REQUEST_HEADERS_BYTES: info => (info.method === '' ? 0 : bytesOf(info.requestHeaders) + pseudoBytes(info)),
  RESPONSE_HEADERS_BYTES: info => bytesOf(info.responseHeaders) + (info.responseCode === 0 ? 0 : STATUS_BYTES),
  RESPONSE_TRAILERS_BYTES: info => bytesOf(info.responseTrailers),
}

const STATUS_BYTES = ':status200'.length
const REQUEST_NAME_BYTES = ':method:path:scheme:authority'.length

function pseudoBytes(info: StreamInfo): number {
  return REQUEST_NAME_BYTES + info.method.length + info.path.length + schemeOf(info).length + info.authority.length
}

function bytesOf(fields: HeaderList): number {
  let bytes = 0
  for (let i = 0; i < fields.length; i++) bytes += fields[i]!.length
  return bytes
}

function fieldOf(read: FieldReader): OperatorFactory {
  return (argument, name) => compileField(read, argument, name)
}

/** `A?B`: header A, or B where A is missing. */
function compileField(read: FieldReader, argument: string | null, operator: string): CompiledOperator {
  const [main = '', alternative, ...more] = (argument ?? '').toLowerCase().split('?')
  if (main === '' || alternative === '' || more.length > 0) return { fault: `%${operator}(...)% needs a header name` }
  if (alternative === undefined) return { run: info => read(info, main) }
  return { run: info => read(info, main) ?? read(info, alternative) }
}

export function readRequest(info: StreamInfo, name: string): string | null {
  if (name.charCodeAt(0) !== 58) return name === 'host' ? orNull(info.authority) : field(info.requestHeaders, name)
  switch (name) {
    case ':method':
      return orNull(info.method)
    case ':path':
      return orNull(info.path)
    case ':authority':
      return orNull(info.authority)
    case ':scheme':
      return info.method === '' ? null : schemeOf(info)
    default:
      return null
  }
}

function schemeOf(info: StreamInfo): string {
  return info.scheme || (info.connection.tls ? 'https' : 'http')
}

function readResponse(info: StreamInfo, name: string): string | null {
  if (name === ':status') return info.responseCode === 0 ? null : String(info.responseCode)
  return field(info.responseHeaders, name)
}

/** Of a repeated field the first value, as Envoy has it. */
function field(headers: HeaderList, name: string): string | null {
  return getHeader(headers, name) ?? null
}

function withoutQuery(path: string | null): string | null {
  const query = path === null ? -1 : path.indexOf('?')
  return query < 0 ? path : path!.slice(0, query)
}

/** The first of the name; both are percent-encoded in the query, and compared and told without (Envoy). */
function decodedParameter(path: string, wanted: string): string | null {
  const from = path.indexOf('?')
  if (from < 0) return null
  for (const pair of path.slice(from + 1).split('&')) {
    const equals = pair.indexOf('=')
    const name = equals < 0 ? pair : pair.slice(0, equals)
    if (percentDecoded(name) === wanted) return equals < 0 ? '' : percentDecoded(pair.slice(equals + 1))
  }
  return null
}

const ESCAPE = /%([0-9A-Fa-f]{2})/g

/** Into bytes; what is no escape stays. */
function percentDecoded(text: string): string {
  return text.includes('%')
    ? text.replace(ESCAPE, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
    : text
}

const VISIBLE = /%(2[1-9A-Fa-f]|[3-6][0-9A-Fa-f]|7[0-9A-Ea-e])/g

/** Escapes of visible ASCII alone, as Envoy has it: nothing else can be in a line. */
function visiblyDecoded(text: string): string {
  return text.replace(VISIBLE, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}

/** All of it; null without. */
const wholeQuery: Operator = ({ path }) => {
  const from = path.indexOf('?')
  return from < 0 ? null : path.slice(from + 1)
}

const ORIGINAL_PATH = 'x-envoy-original-path'
const ORIGINAL_HOST = 'x-envoy-original-host'

/** Which of two is told: the one as it came, the one that is sent, or the first where there is one. */
function choose(which: string, original: string, sent: string): FieldReader | null {
  if (which === 'ORIG') return info => field(info.requestHeaders, original)
  if (which === sent) return (info, name) => readRequest(info, name)
  if (which === `ORIG_OR_${sent}`)
    return (info, name) => field(info.requestHeaders, original) ?? readRequest(info, name)
  return null
}

/** `WQ` or `NQ`, with the query or without; and which path. */
function compilePath(argument: string | null): CompiledOperator {
  const [query = '', which = '', ...more] = (argument ?? '').split(':')
  const read = choose(which || 'ORIG_OR_PATH', ORIGINAL_PATH, 'PATH')
  if ((query !== '' && query !== 'WQ' && query !== 'NQ') || read === null || more.length > 0)
    return { fault: '%PATH(...)% takes WQ or NQ, then ORIG, PATH or ORIG_OR_PATH' }
  if (query === 'NQ') return { run: info => withoutQuery(read(info, ':path')) }
  return { run: info => read(info, ':path') }
}

/** SNI, or the authority in its place. */
function compileServerName(argument: string | null): CompiledOperator {
  const [order = '', which = '', ...more] = (argument ?? '').split(':')
  const host = choose(which || 'ORIG_OR_HOST', ORIGINAL_HOST, 'HOST')
  const sni: Operator = info => orNull(info.connection.requestedServerName)
  const fault = {
    fault: '%REQUESTED_SERVER_NAME(...)% takes SNI_ONLY, SNI_FIRST or HOST_FIRST, then ORIG, HOST or ORIG_OR_HOST',
  }
  if (host === null || more.length > 0) return fault
  const authority: Operator = info => (info.protocol === '' ? null : host(info, ':authority'))
  if (order === '' || order === 'SNI_ONLY') return { run: sni }
  if (order === 'SNI_FIRST') return { run: info => sni(info) ?? authority(info) }
  if (order === 'HOST_FIRST') return { run: info => authority(info) ?? sni(info) }
  return fault
}
