// The named classes of RE2: Perl's, POSIX's, Unicode's. The Perl and POSIX ones are ASCII only, as RE2 has them.
import { normaliseRanges, type RuneRanges } from './rune-ranges.ts'

const DIGIT: RuneRanges = [48, 57]
const WORD: RuneRanges = [48, 57, 65, 90, 95, 95, 97, 122]

export const PERL_CLASSES: Readonly<Record<string, RuneRanges>> = {
  d: DIGIT,
  w: WORD,
  // RE2's \s leaves out the vertical tab, unlike JavaScript's.
  s: [9, 10, 12, 13, 32, 32],
}

export const POSIX_CLASSES: Readonly<Record<string, RuneRanges>> = {
  alnum: [48, 57, 65, 90, 97, 122],
  alpha: [65, 90, 97, 122],
  ascii: [0, 127],
  blank: [9, 9, 32, 32],
  cntrl: [0, 31, 127, 127],
  digit: DIGIT,
  graph: [33, 126],
  lower: [97, 122],
  print: [32, 126],
  punct: [33, 47, 58, 64, 91, 96, 123, 126],
  space: [9, 13, 32, 32],
  upper: [65, 90],
  word: WORD,
  xdigit: [48, 57, 65, 70, 97, 102],
}

const GENERAL_CATEGORY = /^(?:C[cfos]?|L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?)$/
const known = new Map<string, RuneRanges>()
let everyRune = ''

/** Ranges of `\p{name}`: a general category or a script, or `Any`; undefined when there is none of that name. */
export function unicodeClass(name: string): RuneRanges | undefined {
  if (name === 'Any') return [0, 0x10_ffff]
  const cached = known.get(name)
  if (cached !== undefined) return cached
  let runs: RegExp
  try {
    runs = new RegExp(GENERAL_CATEGORY.test(name) ? `\\p{gc=${name}}+` : `\\p{sc=${name}}+`, 'gu')
  } catch {
    return undefined
  }
  if (everyRune === '') everyRune = buildEveryRune()
  const ranges: number[] = []
  for (const run of everyRune.matchAll(runs)) {
    const text = run[0]
    const last = text.codePointAt(text.length - 2)
    const high = last !== undefined && last > 0xffff ? last : text.charCodeAt(text.length - 1)
    ranges.push(text.codePointAt(0)!, high)
  }
  const normalised = splitAtSurrogates(normaliseRanges(ranges))
  known.set(name, normalised)
  return normalised
}

/** Every code point but the surrogates, in order: a run of matches in it is a range. */
function buildEveryRune(): string {
  const parts: string[] = []
  const block = new Array<number>(0x400)
  for (let first = 0; first <= 0x10_ffff; first += 0x400) {
    if (first >= 0xd800 && first <= 0xdfff) continue
    for (let i = 0; i < 0x400; i++) block[i] = first + i
    parts.push(String.fromCodePoint(...block))
  }
  return parts.join('')
}

/** A run may reach over the gap of the surrogates, which have no UTF-8 form. */
function splitAtSurrogates(ranges: RuneRanges): RuneRanges {
  const split: number[] = []
  for (let i = 0; i < ranges.length; i += 2) {
    const low = ranges[i]!
    const high = ranges[i + 1]!
    if (low < 0xd800 && high > 0xdfff) split.push(low, 0xd7ff, 0xe000, high)
    else split.push(low, high)
  }
  return split
}
