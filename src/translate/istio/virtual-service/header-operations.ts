// Headers: what a route or a destination does to those of requests and responses.
import {
  type HeaderOperations,
  type Headers,
  NO_HEADER_OPERATIONS,
  NO_HEADERS,
} from '../../../model/header-operations.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import type { FieldPlace, ProblemSink } from '../../document/problem-sink.ts'
import { checkOperators } from '../contract/command-operators.ts'

/** Set by a rule, they could make one message end where another begins (RFC 9112, 6): a difference from Istio. */
const FRAMING: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'connection', 'upgrade'])
/** RFC 9110, 5.6.2: token; and the pseudo-headers of HTTP/2. */
const NAME = /^:?[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const BAD_VALUE = /[\r\n\0]/

export function readHeaders(reader: ObjectReader): Headers {
  const headers = reader.object('headers')
  if (!headers) return NO_HEADERS
  const result = { request: readOperations(headers, 'request'), response: readOperations(headers, 'response') }
  headers.done()
  return result
}

function readOperations(parent: ObjectReader, field: 'request' | 'response'): HeaderOperations {
  const reader = parent.object(field)
  if (!reader) return NO_HEADER_OPERATIONS
  const { sink } = reader
  const set = reader.stringMap('set')
  const add = reader.stringMap('add')
  const remove = reader.stringList('remove')
  for (const [kind, values] of [
    ['set', set],
    ['add', add],
  ] as const)
    for (const [name, place] of reader.entries(kind)) {
      checkChangedHeader(name, place, sink)
      if (isAuthority(name) ? field === 'response' : name.startsWith(':'))
        sink.badValue(place, `"${name.slice(0, 80)}" cannot be set`, 'of these only the authority of a request can')
      checkHeaderValue(values[name] ?? '', place, sink)
    }
  for (const { value, place } of remove) {
    checkChangedHeader(value, place, sink)
    if (isAuthority(value) || value.startsWith(':')) sink.badValue(place, `"${value}" cannot be removed`)
  }
  reader.done()
  if (field === 'request' && Object.keys(set).concat(Object.keys(add)).filter(isAuthority).length > 1)
    sink.contradiction(reader, 'the authority is set more than once')
  return { set, add, remove: remove.map(entry => entry.value) }
}

export function isAuthority(name: string): boolean {
  return name.toLowerCase() === 'host' || name.toLowerCase() === ':authority'
}

function checkChangedHeader(name: string, place: FieldPlace, sink: ProblemSink): void {
  if (FRAMING.has(name.toLowerCase()))
    sink.badValue(place, `"${name}" says where a message ends: the proxies set it, and no rule may`)
  else checkHeaderName(name, place, sink)
}

export function checkHeaderName(name: string, place: FieldPlace, sink: ProblemSink): void {
  if (name.length > 256 || !NAME.test(name)) sink.badValue(place, `"${name.slice(0, 80)}" is not a header name`)
}

function checkHeaderValue(value: string, place: FieldPlace, sink: ProblemSink): void {
  if (value.length > 16_384) sink.badValue(place, 'the value is longer than 16384 characters')
  else if (BAD_VALUE.test(value)) sink.badValue(place, 'the value holds a line break or a null character')
  else checkOperators(value, 'header', place, sink)
}
