// RE2 syntax (github.com/google/re2/wiki/Syntax) to a syntax tree, with RE2's own words for every fault.
import { foldRanges } from './case-folding.ts'
import { CharacterClassReader } from './character-class-reader.ts'
import { type Assertion, type ParsedRegex, type RegexNode, RegexSyntaxError } from './regex-node.ts'
import { MAX_RUNE, type RuneRanges } from './rune-ranges.ts'

const MAX_DEPTH = 1000
const MAX_REPEAT = 1000
const COUNTED = /^\{(\d{1,9})(?:(,)(\d{0,9}))?\}/
const CAPTURE_NAME = /^[\p{L}\p{N}\p{M}\p{Pc}]+$/u
const ANY: RuneRanges = [0, MAX_RUNE]
const ANY_BUT_NEWLINE: RuneRanges = [0, 9, 11, MAX_RUNE]
const ASSERTIONS: Readonly<Record<string, Assertion>> = {
  A: 'text-start',
  z: 'text-end',
  b: 'word-boundary',
  B: 'no-word-boundary',
}

interface Flags {
  ignoreCase: boolean
  dotAll: boolean
  multiLine: boolean
  swapGreed: boolean
}

/** Throws RegexSyntaxError. */
export function parseRegex(pattern: string): ParsedRegex {
  return new RegexParser(pattern).parse()
}

class RegexParser {
  readonly #runes: readonly string[]
  readonly #classes: CharacterClassReader
  #at = 0
  #depth = 0
  #captures = 0
  readonly #names = new Set<string>()
  #flags: Flags = { ignoreCase: false, dotAll: false, multiLine: false, swapGreed: false }

  constructor(pattern: string) {
    if (!pattern.isWellFormed()) throw new RegexSyntaxError('invalid UTF-8')
    this.#runes = [...pattern]
    this.#classes = new CharacterClassReader(this.#runes)
  }

  parse(): ParsedRegex {
    const node = this.#alternatives()
    if (this.#at < this.#runes.length) throw new RegexSyntaxError(`unexpected ): ${this.#runes.join('')}`)
    return { node, captures: this.#captures }
  }

  #alternatives(): RegexNode {
    const options = [this.#sequence()]
    while (this.#take('|')) options.push(this.#sequence())
    return options.length === 1 ? options[0]! : { kind: 'alternatives', options }
  }

  #sequence(): RegexNode {
    const items: RegexNode[] = []
    // Where the last repetition operator began, or -1: a** and a{2}{3} are faults in RE2.
    let operator = -1
    while (this.#at < this.#runes.length && !this.#sees('|') && !this.#sees(')')) {
      const start = this.#at
      const bounds = this.#repetition()
      if (bounds === null) {
        this.#atom(items)
        operator = -1
        continue
      }
      const text = this.#runes.slice(operator >= 0 ? operator : start, this.#at).join('')
      if (operator >= 0) throw new RegexSyntaxError(`bad repetition operator: ${text}`)
      const item = items.pop()
      if (item === undefined) throw new RegexSyntaxError(`no argument for repetition operator: ${text}`)
      items.push({ kind: 'repeat', item, ...bounds })
      checkNesting(items.at(-1)!, text)
      operator = start
    }
    return items.length === 1 ? items[0]! : { kind: 'sequence', items }
  }

  #repetition(): { min: number; max: number; greedy: boolean } | null {
    let min = 0
    let max = -1
    if (this.#sees('{')) {
      const counted = COUNTED.exec(this.#runes.slice(this.#at, this.#at + 22).join(''))
      if (counted === null) return null
      min = Number(counted[1])
      max = counted[2] === undefined ? min : counted[3] === '' ? -1 : Number(counted[3])
      if (min > MAX_REPEAT || max > MAX_REPEAT || (max >= 0 && max < min))
        throw new RegexSyntaxError(`invalid repetition size: ${counted[0]}`)
      this.#at += counted[0].length
    } else if (this.#take('+')) min = 1
    else if (this.#take('?')) max = 1
    else if (!this.#take('*')) return null
    const lazy = this.#take('?')
    return { min, max, greedy: lazy === this.#flags.swapGreed }
  }

  /** Appends what one atom stands for: nothing for a group of flags, several items for \Q...\E. */
  #atom(items: RegexNode[]): void {
    const rune = this.#runes[this.#at]!
    if (rune === '(') this.#group(items)
    else if (rune === '\\') this.#escape(items)
    else if (rune === '[') this.#bracket(items)
    else this.#plain(rune, items)
  }

  #bracket(items: RegexNode[]): void {
    const { ranges, end } = this.#classes.bracket(this.#at, this.#flags.ignoreCase)
    this.#at = end
    items.push({ kind: 'set', ranges })
  }

  #plain(rune: string, items: RegexNode[]): void {
    this.#at++
    if (rune === '.') items.push({ kind: 'set', ranges: this.#flags.dotAll ? ANY : ANY_BUT_NEWLINE })
    else if (rune === '^') this.#assert(items, this.#flags.multiLine ? 'line-start' : 'text-start')
    else if (rune === '$') this.#assert(items, this.#flags.multiLine ? 'line-end' : 'text-end')
    else items.push(this.#literal(rune.codePointAt(0)!))
  }

  #assert(items: RegexNode[], assertion: Assertion): void {
    items.push({ kind: 'assertion', assertion })
  }

  #literal(rune: number): RegexNode {
    const ranges = [rune, rune]
    return { kind: 'set', ranges: this.#flags.ignoreCase ? foldRanges(ranges) : ranges }
  }

  #escape(items: RegexNode[]): void {
    const next = this.#runes[this.#at + 1]
    const assertion = next === undefined ? undefined : ASSERTIONS[next]
    if (next !== undefined && assertion !== undefined && Object.hasOwn(ASSERTIONS, next)) {
      this.#at += 2
      this.#assert(items, assertion)
    } else if (next === 'C') {
      this.#at += 2
      items.push({ kind: 'any-byte' })
    } else if (next === 'Q') {
      this.#at += 2
      this.#quoted(items)
    } else {
      const { ranges, end } = this.#classes.escape(this.#at)
      this.#at = end
      items.push({ kind: 'set', ranges: this.#flags.ignoreCase ? foldRanges(ranges) : ranges })
    }
  }

  #quoted(items: RegexNode[]): void {
    while (this.#at < this.#runes.length) {
      if (this.#sees('\\') && this.#runes[this.#at + 1] === 'E') {
        this.#at += 2
        return
      }
      items.push(this.#literal(this.#runes[this.#at++]!.codePointAt(0)!))
    }
  }

  #group(items: RegexNode[]): void {
    const start = this.#at++
    if (++this.#depth > MAX_DEPTH) throw new RegexSyntaxError('expression nests too deeply')
    const outer = { ...this.#flags }
    let index = -1
    if (!this.#take('?')) index = ++this.#captures
    else if (this.#nameOfCapture(start)) index = ++this.#captures
    else if (!this.#flagGroup(start)) {
      // (?i) without a colon: the flags hold to the end of the group around it.
      this.#depth--
      return
    }
    const item = this.#alternatives()
    if (!this.#take(')')) throw new RegexSyntaxError(`missing ): ${this.#runes.join('')}`)
    this.#flags = outer
    this.#depth--
    items.push(index < 0 ? { kind: 'sequence', items: [item] } : { kind: 'capture', item, index })
  }

  /** Reads `P<name>` or `<name>`; false when the group begins otherwise. */
  #nameOfCapture(start: number): boolean {
    const python = this.#sees('P')
    if (!python && !this.#sees('<')) return false
    const look = this.#runes[this.#at + 1]
    if (!python && (look === '=' || look === '!')) this.#badGroup(start, this.#at + 2)
    if (python && look !== '<') throw new RegexSyntaxError(`invalid named capture group: ${this.#slice(start)}`)
    const from = this.#at + (python ? 2 : 1)
    const end = this.#runes.indexOf('>', from)
    const name = end < 0 ? '' : this.#runes.slice(from, end).join('')
    if (!CAPTURE_NAME.test(name)) throw new RegexSyntaxError(`invalid named capture group: ${this.#slice(start)}`)
    if (this.#names.has(name)) throw new RegexSyntaxError(`duplicate capture group name: ${name}`)
    this.#names.add(name)
    this.#at = end + 1
    return true
  }

  /** Reads flags up to `:` (true: a group follows) or `)` (false). */
  #flagGroup(start: number): boolean {
    let on = true
    let any = false
    for (;;) {
      const rune = this.#runes[this.#at++]
      if (rune === ':' || rune === ')') {
        if (!on && !any) this.#badGroup(start, this.#at)
        return rune === ':'
      }
      if (rune === 'i') this.#flags.ignoreCase = on
      else if (rune === 's') this.#flags.dotAll = on
      else if (rune === 'm') this.#flags.multiLine = on
      else if (rune === 'U') this.#flags.swapGreed = on
      else if (rune === '-' && on) {
        on = false
        any = false
        continue
      } else this.#badGroup(start, this.#at)
      any = true
    }
  }

  #badGroup(start: number, end: number): never {
    throw new RegexSyntaxError(`invalid perl operator: ${this.#runes.slice(start, end).join('')}`)
  }

  #slice(start: number): string {
    return this.#runes.slice(start).join('')
  }

  #sees(rune: string): boolean {
    return this.#runes[this.#at] === rune
  }

  #take(rune: string): boolean {
    if (this.#runes[this.#at] !== rune) return false
    this.#at++
    return true
  }
}

/** RE2 bounds the product of nested counts, so that (a{100}){100} cannot make a program of 10 000 copies. */
function checkNesting(node: RegexNode, text: string): void {
  if (node.kind !== 'repeat' || (node.min < 2 && node.max < 2)) return
  if (repeatProduct(node) > MAX_REPEAT) throw new RegexSyntaxError(`invalid repetition size: ${text}`)
}

const products = new WeakMap<RegexNode, number>()

function repeatProduct(node: RegexNode): number {
  const known = products.get(node)
  if (known !== undefined) return known
  let product = 1
  if (node.kind === 'repeat') product = Math.max(1, node.max < 0 ? node.min : node.max) * repeatProduct(node.item)
  else if (node.kind === 'capture') product = repeatProduct(node.item)
  else if (node.kind === 'sequence') for (const item of node.items) product = Math.max(product, repeatProduct(item))
  else if (node.kind === 'alternatives') for (const one of node.options) product = Math.max(product, repeatProduct(one))
  products.set(node, product)
  return product
}
