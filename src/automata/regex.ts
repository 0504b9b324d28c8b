// A regular expression that must match the whole text, in time proportional to its length: routing, authorization and
// proofs all decide by it. RE2 syntax; there is no backtracking, so no backreference and no lookaround.
import type { Parsed } from '../base/problem.ts'
import { LazyDfa } from './lazy-dfa.ts'
import { type Program, ProgramBuilder } from './program.ts'
import { type ParsedRegex, RegexSyntaxError } from './regex-node.ts'
import { parseRegex } from './regex-parser.ts'

/** 256 KiB of table. */
const MAX_CELLS = 65_536

export class Regex {
  readonly source: string
  readonly parsed: ParsedRegex
  /** Made at the first use: most patterns of a large table are matched as part of a set, never by themselves. */
  #automaton: LazyDfa | null = null

  /** Use compileRegex. */
  constructor(source: string, parsed: ParsedRegex) {
    this.source = source
    this.parsed = parsed
  }

  /** Whether all of `text` matches; `text` is Unicode. */
  matches(text: string): boolean {
    return this.matchesBytes(toByteString(text))
  }

  /** Whether all of `bytes`, up to `end`, matches: a string with one character for each byte, as HTTP heads are decoded. */
  matchesBytes(bytes: string, end = bytes.length): boolean {
    this.#automaton ??= new LazyDfa(buildProgram(this.parsed), MAX_CELLS)
    return this.#automaton.run(bytes, end).length > 0
  }
}

/** Problems are of code WEFT-4003; a caller with a better place for them changes code and path. */
export function compileRegex(pattern: string): Parsed<Regex> {
  try {
    const parsed = parseRegex(pattern)
    // Built for its size only: too large a program is refused now, not under a request.
    buildProgram(parsed)
    return { ok: true, value: new Regex(pattern, parsed) }
  } catch (error) {
    return refuseRegex(error)
  }
}

function buildProgram(parsed: ParsedRegex): Program {
  const builder = new ProgramBuilder(false)
  builder.add(parsed)
  return builder.finish()
}

/** What the compiler threw, as a problem; anything else is thrown on. */
export function refuseRegex(error: unknown): Parsed<never> {
  if (!(error instanceof RegexSyntaxError)) throw error
  return { ok: false, problems: [{ code: 'WEFT-4003', severity: 'error', message: error.message, ...hintFor(error) }] }
}

function hintFor(error: RegexSyntaxError): { hint: string } | undefined {
  if (/invalid perl operator: \(\?<?[=!]/.test(error.message)) return { hint: 'RE2 has no lookaround' }
  if (/invalid escape sequence: \\[1-9k]/.test(error.message)) return { hint: 'RE2 has no backreferences' }
  return undefined
}

/** UTF-8 bytes as characters U+0000 to U+00FF; ASCII stays what it is. */
export function toByteString(text: string): string {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 127) return Buffer.from(text, 'utf8').toString('latin1')
  }
  return text
}
