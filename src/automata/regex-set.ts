// Many regular expressions as one automaton: which of them match is found in one pass over the text, however many there are.
import { LazyDfa } from './lazy-dfa.ts'
import { ProgramBuilder } from './program.ts'
import type { Regex } from './regex.ts'

/** 4 MiB of table. */
const MAX_CELLS = 1_048_576
/** Above it a set is made of several automata. */
const MAX_SIZE = 262_144

interface Part {
  readonly automaton: LazyDfa
  /** Index of its first pattern. */
  readonly first: number
}

export class RegexSet {
  readonly #parts: readonly Part[]

  constructor(regexes: readonly Regex[]) {
    const parts: Part[] = []
    let builder = new ProgramBuilder(false)
    let first = 0
    for (const [index, regex] of regexes.entries()) {
      builder.add(regex.parsed)
      if (builder.size < MAX_SIZE && index < regexes.length - 1) continue
      parts.push({ automaton: new LazyDfa(builder.finish(), MAX_CELLS), first })
      builder = new ProgramBuilder(false)
      first = index + 1
    }
    this.#parts = parts
  }

  get parts(): number {
    return this.#parts.length
  }

  /** Index in the set of the first pattern of part `part`; `matching` counts from it. */
  firstOf(part: number): number {
    return this.#parts[part]!.first
  }

  /** The patterns of one part that match all of `bytes` up to `end`, lowest first, counted from firstOf(part). */
  matching(part: number, bytes: string, end: number): readonly number[] {
    return this.#parts[part]!.automaton.run(bytes, end)
  }
}
