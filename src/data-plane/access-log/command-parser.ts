// Envoy's format strings: literal text with %COMMAND(argument):length% in it.

export interface Command {
  readonly name: string
  /** Between the parentheses; null without any. */
  readonly argument: string | null
  /** Longest result in characters; -1: no limit. */
  readonly maxLength: number
}

export type FormatPart = string | Command

const COMMAND = /%(?:%|([A-Z0-9_]+)(?:\(([^)]*)\))?(?::(\d{1,6}))?%)/y

/** Parts in order, or why the text is no format: Envoy refuses a lone percent sign as well. */
export function parseFormat(format: string): { parts: readonly FormatPart[] } | { fault: string } {
  const parts: FormatPart[] = []
  let literal = ''
  for (let at = 0; at < format.length; ) {
    if (format[at] !== '%') {
      literal += format[at++]
      continue
    }
    COMMAND.lastIndex = at
    const found = COMMAND.exec(format)
    if (found === null) return { fault: `no command operator at offset ${at}: ${format.slice(at, at + 20)}` }
    at += found[0].length
    if (found[1] === undefined) {
      literal += '%'
      continue
    }
    if (literal !== '') parts.push(literal)
    literal = ''
    parts.push({
      name: found[1],
      argument: found[2] ?? null,
      maxLength: found[3] === undefined ? -1 : Number(found[3]),
    })
  }
  if (literal !== '') parts.push(literal)
  return { parts }
}
