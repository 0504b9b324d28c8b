// VirtualService http[].match[].
import type { HttpMatch } from '../../../model/http-match.ts'
import { claimOfHeader } from '../../../model/jwt-claim.ts'
import type { StringMatch } from '../../../model/string-match.ts'
import { readLabels } from '../../document/label-rules.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import type { FieldPlace, ProblemSink } from '../../document/problem-sink.ts'
import { readStringMatch, readStringMatches } from '../contract/string-match.ts'
import { checkGatewayName } from './gateway-name.ts'
import { checkHeaderName } from './header-operations.ts'

const STRING_FIELDS = ['uri', 'scheme', 'method', 'authority'] as const

export function readHttpMatch(reader: ObjectReader): HttpMatch {
  const { sink } = reader
  const strings: { [F in (typeof STRING_FIELDS)[number]]?: StringMatch } = {}
  for (const field of STRING_FIELDS) {
    const value = reader.value(field)
    const match = value && readStringMatch(value, sink, false)
    if (match) strings[field] = match
  }
  const headerName = (name: string, place: FieldPlace): string => checkMatchedHeader(name, place, sink)
  const gateways = reader.stringList('gateways')
  for (const { value, place } of gateways) checkGatewayName(value, place, sink)
  const port = reader.integer('port', 1, 65_535)
  const statPrefix = reader.string('statPrefix')
  const match: HttpMatch = {
    name: reader.string('name') ?? '',
    ...strings,
    headers: readStringMatches(reader, 'headers', headerName),
    withoutHeaders: readStringMatches(reader, 'withoutHeaders', headerName),
    queryParams: readStringMatches(reader, 'queryParams', (name, place) => checkParameterName(name, place, sink)),
    ignoreUriCase: reader.boolean('ignoreUriCase') ?? false,
    ...(port === undefined ? {} : { port }),
    sourceLabels: readLabels(reader, 'sourceLabels'),
    sourceNamespace: reader.string('sourceNamespace') ?? '',
    gateways: gateways.map(gateway => gateway.value),
    ...(statPrefix ? { statPrefix } : {}),
    position: reader.position,
  }
  reader.done()
  checkUriPrefix(match, reader)
  for (const field of ['headers', 'withoutHeaders'] as const) checkClaims(match[field], reader.place(field), sink)
  checkWithoutEffect(match, reader)
  return match
}

function checkUriPrefix(match: HttpMatch, reader: ObjectReader): void {
  const { uri } = match
  // Such a rule can match nothing: every path starts with a slash (or is `*`, for OPTIONS).
  if (uri && (uri.kind === 'exact' || uri.kind === 'prefix') && !/^[/*]/.test(uri.value))
    reader.sink.report(
      'WEFT-1012',
      'warning',
      reader.place('uri'),
      `no path starts with "${uri.value}"`,
      'begin it with "/"',
    )
}

/** Envoy takes names of 1 to 1024 bytes. */
function checkParameterName(name: string, place: FieldPlace, sink: ProblemSink): string {
  if (name === '' || name.length > 1024) sink.badValue(place, 'the name of a parameter has 1 to 1024 characters')
  return name
}

function checkWithoutEffect(match: HttpMatch, reader: ObjectReader): void {
  const warn = (field: string, message: string): void =>
    reader.sink.report('WEFT-1012', 'warning', reader.place(field), message)
  if (match.ignoreUriCase && match.uri?.kind !== 'exact' && match.uri?.kind !== 'prefix')
    warn('ignoreUriCase', 'ignoreUriCase has no effect without an exact or prefix uri; in a regex write (?i)')
  if (match.gateways.length === 0) return
  for (const field of ['sourceLabels', 'sourceNamespace'])
    if (reader.has(field)) warn(field, `${field} has no effect beside gateways, as in Istio`)
}

/** Claims mind the case of letters; headers do not. */
function checkMatchedHeader(name: string, place: FieldPlace, sink: ProblemSink): string {
  const claim = claimOfHeader(name)
  if (claim === null) {
    checkHeaderName(name, place, sink)
    return name.toLowerCase()
  }
  if (claim.includes('')) sink.badValue(place, 'the name of a claim must not be empty')
  return name
}

/** Whether a claim is there is not asked in Istio, whose proxies refuse such a rule. */
function checkClaims(matches: Readonly<Record<string, StringMatch>>, place: FieldPlace, sink: ProblemSink): void {
  for (const [name, { kind }] of Object.entries(matches))
    if (kind === 'present' && claimOfHeader(name) !== null)
      sink.badValue(place, `${name.slice(0, 80)}: a claim is matched by exact, prefix or regex`)
}
