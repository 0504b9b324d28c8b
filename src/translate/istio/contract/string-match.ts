// StringMatch: exactly one of exact, prefix and regex.
import { compileRegex } from '../../../automata/regex.ts'
import type { StringMatch } from '../../../model/string-match.ts'
import { type ObjectReader, objectOf, recordOf, type ValueNode } from '../../document/object-reader.ts'
import type { FieldPlace, ProblemSink } from '../../document/problem-sink.ts'

const MAX_REGEX_LENGTH = 1024
const KINDS = ['exact', 'prefix', 'regex'] as const

/** `presence`: an empty object says that the header or parameter is there. */
export function readStringMatch(value: ValueNode, sink: ProblemSink, presence: boolean): StringMatch | undefined {
  const reader = objectOf(value, sink)
  if (!reader) return undefined
  const set = KINDS.filter(kind => reader.has(kind))
  const texts = new Map(set.map(kind => [kind, reader.string(kind)]))
  reader.done()
  const [kind, ...others] = set
  if (kind === undefined) {
    if (presence) return { kind: 'present' }
    sink.error('WEFT-1006', value, 'one of exact, prefix and regex is missing')
    return undefined
  }
  if (others.length > 0) {
    sink.contradiction(value, `only one of ${set.join(', ')} may be set`)
    return undefined
  }
  const text = texts.get(kind)
  if (text === undefined) return undefined
  if (text === '' && kind !== 'exact') {
    sink.badValue(reader.place(kind), `${kind} must not be empty`)
    return undefined
  }
  if (presence && kind === 'regex' && text === '*')
    sink.badValue(reader.place(kind), '"*" is not a regex', 'write {} to ask only that it is there')
  else if (kind === 'regex') checkRegex(text, reader.place(kind), sink)
  return { kind, value: text }
}

export function checkRegex(pattern: string, place: FieldPlace, sink: ProblemSink): boolean {
  if (pattern.length > MAX_REGEX_LENGTH) {
    sink.badValue(place, `the regex is longer than ${MAX_REGEX_LENGTH} characters`)
    return false
  }
  const compiled = compileRegex(pattern)
  if (compiled.ok) return true
  for (const problem of compiled.problems) sink.badValue(place, problem.message, problem.hint)
  return false
}

/** Sorted by key: the order of a map is nobody's intention, and Istio sorts header matches too. */
export function readStringMatches(
  reader: ObjectReader,
  field: string,
  keyOf: (key: string, place: FieldPlace) => string,
): Readonly<Record<string, StringMatch>> {
  const matches: [string, StringMatch][] = []
  const seen = new Set<string>()
  for (const [key, value] of reader.entries(field)) {
    // `x-name:` with nothing after it is null, which in protobuf's JSON is an empty StringMatch in a map: presence.
    const absent = value.node.kind === 'scalar' && value.node.value === null
    const match: StringMatch | undefined = absent ? { kind: 'present' } : readStringMatch(value, reader.sink, true)
    if (!match) continue
    const name = keyOf(key, value)
    if (seen.has(name)) reader.sink.contradiction(value, `"${name.slice(0, 80)}" is given twice, in different cases`)
    seen.add(name)
    matches.push([name, match])
  }
  return recordOf(matches.sort(([a], [b]) => (a < b ? -1 : 1)))
}
