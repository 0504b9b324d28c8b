// What an assertion sees: the kind of the byte before and of the byte after it.
import type { Assertion } from './regex-node.ts'

export const TEXT_START = 0
export const AFTER_WORD = 1
export const AFTER_NEWLINE = 2
export const AFTER_OTHER = 3

/** Stands for the end of the text where a byte is expected. */
export const TEXT_END = -1
/** The next byte is not known yet. */
export const UNKNOWN = -2

export function contextAfter(byte: number): number {
  if (isWord(byte)) return AFTER_WORD
  return byte === 10 ? AFTER_NEWLINE : AFTER_OTHER
}

/** False as well where it cannot be said yet because `next` is UNKNOWN. */
export function holds(assertion: Assertion, before: number, next: number): boolean {
  switch (assertion) {
    case 'text-start':
      return before === TEXT_START
    case 'line-start':
      return before === TEXT_START || before === AFTER_NEWLINE
    case 'text-end':
      return next === TEXT_END
    case 'line-end':
      return next === TEXT_END || next === 10
    case 'word-boundary':
      return next !== UNKNOWN && (before === AFTER_WORD) !== isWord(next)
    case 'no-word-boundary':
      return next !== UNKNOWN && (before === AFTER_WORD) === isWord(next)
  }
}

function isWord(byte: number): boolean {
  return (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || byte === 95 || (byte >= 97 && byte <= 122)
}
