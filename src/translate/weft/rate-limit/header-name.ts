// A header's name as config writes it, in lower case.
import type { FieldPlace, ProblemSink } from '../../document/problem-sink.ts'

/** RFC 9110 5.6.2: a token. */
const TOKEN = /^[a-z0-9!#$%&'*+.^_`|~-]+$/

export function headerName(text: string, place: FieldPlace, sink: ProblemSink): string {
  const name = text.toLowerCase()
  if (!TOKEN.test(name)) sink.badValue(place, `"${text.slice(0, 80)}" is not a header name`)
  return name
}
