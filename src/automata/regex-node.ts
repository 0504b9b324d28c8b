// A regular expression's syntax tree.
import type { RuneRanges } from './rune-ranges.ts'

/** `$` without (?m) is the end of the text, as in RE2, not before a last newline as in Perl. */
export type Assertion = 'text-start' | 'text-end' | 'line-start' | 'line-end' | 'word-boundary' | 'no-word-boundary'

export type RegexNode =
  | { readonly kind: 'set'; readonly ranges: RuneRanges }
  /** RE2's \C: one byte, whatever it belongs to. */
  | { readonly kind: 'any-byte' }
  | { readonly kind: 'sequence'; readonly items: readonly RegexNode[] }
  | { readonly kind: 'alternatives'; readonly options: readonly RegexNode[] }
  /** `max` -1: no bound. */
  | {
      readonly kind: 'repeat'
      readonly item: RegexNode
      readonly min: number
      readonly max: number
      readonly greedy: boolean
    }
  | { readonly kind: 'capture'; readonly item: RegexNode; readonly index: number }
  | { readonly kind: 'assertion'; readonly assertion: Assertion }

export interface ParsedRegex {
  readonly node: RegexNode
  /** Capture groups, the whole match not counted. */
  readonly captures: number
}

/** Thrown inside the compiler only; its message is RE2's own for the fault. */
export class RegexSyntaxError extends Error {}
