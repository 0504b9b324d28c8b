// Reads what stands for one character: \d, \x{e9}, \pL, [^a-z[:alpha:]].
import { foldRanges } from './case-folding.ts'
import { PERL_CLASSES, POSIX_CLASSES, unicodeClass } from './character-class.ts'
import { RegexSyntaxError } from './regex-node.ts'
import { MAX_RUNE, negateRanges, normaliseRanges, type RuneRanges } from './rune-ranges.ts'

const CONTROL: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 }
const POSIX = /^\[:(\^?)([a-z]*):\]/
const HEX = /^[0-9a-fA-F]+$/
const ALPHANUMERIC = /^[A-Za-z0-9]$/

interface Read<T> {
  readonly value: T
  /** Index after what was read. */
  readonly end: number
}

interface ReadRanges {
  readonly ranges: RuneRanges
  readonly end: number
}

export class CharacterClassReader {
  readonly #runes: readonly string[]

  constructor(runes: readonly string[]) {
    this.#runes = runes
  }

  /** The escape that begins with the backslash at `at`. Throws RegexSyntaxError. */
  escape(at: number): ReadRanges {
    const named = this.#named(at)
    if (named !== null) return named
    const { value, end } = this.#escapedRune(at)
    return { ranges: [value, value], end }
  }

  /** The bracketed class that begins at `at`. */
  bracket(at: number, ignoreCase: boolean): ReadRanges {
    let next = at + 1
    const negated = this.#runes[next] === '^'
    if (negated) next++
    const ranges: number[] = []
    for (let first = true; first || this.#runes[next] !== ']'; first = false) {
      if (next >= this.#runes.length) throw new RegexSyntaxError(`missing ]: ${this.#runes.slice(at).join('')}`)
      const part = this.#posix(next) ?? this.#named(next) ?? this.#range(next, at)
      ranges.push(...part.ranges)
      next = part.end
    }
    const plain = normaliseRanges(ranges)
    const folded = ignoreCase ? foldRanges(plain) : plain
    return { ranges: negated ? negateRanges(folded) : folded, end: next + 1 }
  }

  #range(at: number, bracket: number): ReadRanges {
    const low = this.#member(at, bracket)
    const dash = this.#runes[low.end] === '-' && this.#runes[low.end + 1] !== ']' && low.end + 1 < this.#runes.length
    if (!dash) return { ranges: [low.value, low.value], end: low.end }
    const high = this.#member(low.end + 1, bracket)
    if (high.value < low.value)
      throw new RegexSyntaxError(`invalid character class range: ${this.#runes.slice(at, high.end).join('')}`)
    return { ranges: [low.value, high.value], end: high.end }
  }

  #member(at: number, bracket: number): Read<number> {
    const rune = this.#runes[at]
    if (rune === undefined) throw new RegexSyntaxError(`missing ]: ${this.#runes.slice(bracket).join('')}`)
    return rune === '\\' ? this.#escapedRune(at) : { value: rune.codePointAt(0)!, end: at + 1 }
  }

  #posix(at: number): ReadRanges | null {
    if (this.#runes[at] !== '[' || this.#runes[at + 1] !== ':') return null
    const found = POSIX.exec(this.#runes.slice(at, at + 16).join(''))
    if (found === null) return null
    const name = found[2]!
    const ranges = Object.hasOwn(POSIX_CLASSES, name) ? POSIX_CLASSES[name] : undefined
    if (ranges === undefined) throw new RegexSyntaxError(`invalid character class range: ${found[0]}`)
    return { ranges: found[1] === '^' ? negateRanges(ranges) : ranges, end: at + found[0].length }
  }

  /** \d \D \pL \p{Greek} \P{^Lu}, or null for another escape. */
  #named(at: number): ReadRanges | null {
    const letter = this.#runes[at] === '\\' ? this.#runes[at + 1] : undefined
    if (letter === undefined) return null
    const lower = letter.toLowerCase()
    if (lower === 'd' || lower === 's' || lower === 'w') {
      const ranges = PERL_CLASSES[lower]!
      return { ranges: letter === lower ? ranges : negateRanges(ranges), end: at + 2 }
    }
    if (lower !== 'p') return null
    let name = this.#runes[at + 2] ?? ''
    let end = at + 3
    if (name === '{') {
      const close = this.#runes.indexOf('}', at)
      name = close < 0 ? '' : this.#runes.slice(at + 3, close).join('')
      end = close < 0 ? this.#runes.length : close + 1
    }
    const inverted = name.startsWith('^')
    const ranges = unicodeClass(inverted ? name.slice(1) : name)
    if (ranges === undefined)
      throw new RegexSyntaxError(`invalid character class range: ${this.#runes.slice(at, end).join('')}`)
    return { ranges: inverted === (letter === 'P') ? ranges : negateRanges(ranges), end }
  }

  #escapedRune(at: number): Read<number> {
    const letter = this.#runes[at + 1]
    if (letter === undefined) throw new RegexSyntaxError('trailing \\ at end of regexp')
    const control = Object.hasOwn(CONTROL, letter) ? CONTROL[letter] : undefined
    if (control !== undefined) return { value: control, end: at + 2 }
    if (letter === 'x') return this.#hexadecimal(at)
    if (letter >= '0' && letter <= '7') return this.#octal(at)
    if (ALPHANUMERIC.test(letter)) this.#bad(at, at + 2)
    return { value: letter.codePointAt(0)!, end: at + 2 }
  }

  #hexadecimal(at: number): Read<number> {
    if (this.#runes[at + 2] !== '{') {
      const digits = this.#runes.slice(at + 2, at + 4).join('')
      if (digits.length !== 2 || !HEX.test(digits)) this.#bad(at, at + 4)
      return { value: Number.parseInt(digits, 16), end: at + 4 }
    }
    const close = this.#runes.indexOf('}', at)
    const digits = close < 0 ? '' : this.#runes.slice(at + 3, close).join('')
    const value = HEX.test(digits) ? Number.parseInt(digits, 16) : MAX_RUNE + 1
    if (value > MAX_RUNE) this.#bad(at, close < 0 ? this.#runes.length : close + 1)
    return { value, end: close + 1 }
  }

  /** \1 to \7 alone would be a backreference, which RE2 lacks; \0 and \12 are octal. */
  #octal(at: number): Read<number> {
    const isOctal = (index: number): boolean => (this.#runes[index] ?? 'x') >= '0' && (this.#runes[index] ?? 'x') <= '7'
    if (this.#runes[at + 1] !== '0' && !isOctal(at + 2)) this.#bad(at, at + 2)
    let end = at + 2
    while (end < at + 4 && isOctal(end)) end++
    return { value: Number.parseInt(this.#runes.slice(at + 1, end).join(''), 8), end }
  }

  #bad(at: number, end: number): never {
    throw new RegexSyntaxError(`invalid escape sequence: ${this.#runes.slice(at, end).join('')}`)
  }
}
