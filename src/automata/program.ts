// A regular expression as instructions over bytes (Thompson's construction, built from the end). Targets of a fork are in
// order of preference, which only capturing looks at.
import { type Assertion, type ParsedRegex, type RegexNode, RegexSyntaxError } from './regex-node.ts'
import { appendUtf8Sequences, type ByteSequence } from './utf8-ranges.ts'

export type Instruction =
  /** Triples: lowest byte, highest byte, next instruction. */
  | { readonly op: 'bytes'; readonly edges: readonly number[] }
  | { readonly op: 'fork'; readonly targets: readonly number[] }
  | { readonly op: 'assert'; readonly assertion: Assertion; readonly next: number }
  | { readonly op: 'save'; readonly slot: number; readonly next: number }
  | { readonly op: 'match'; readonly pattern: number }

export interface Program {
  readonly instructions: readonly Instruction[]
  /** Of each pattern. */
  readonly starts: readonly number[]
  readonly hasAssertions: boolean
}

/** Istio's bound for Envoy (`re2.max_program_size.error_level`), counted in instructions and byte ranges. */
export const MAX_PROGRAM_SIZE = 32_768

export class ProgramBuilder {
  readonly #instructions: Instruction[] = []
  readonly #starts: number[] = []
  readonly #captures: boolean
  #hasAssertions = false
  #size = 0
  #limit = 0

  /** `captures` keeps the groups' positions, which deciding on a match does not need. */
  constructor(captures: boolean) {
    this.#captures = captures
  }

  /** Throws RegexSyntaxError when the pattern makes too large a program. */
  add(regex: ParsedRegex): void {
    this.#limit = this.#size + MAX_PROGRAM_SIZE
    const end = this.#push({ op: 'match', pattern: this.#starts.length })
    const body: RegexNode = this.#captures ? { kind: 'capture', item: regex.node, index: 0 } : regex.node
    this.#starts.push(this.#build(body, end))
  }

  /** Instructions and byte ranges so far. */
  get size(): number {
    return this.#size
  }

  finish(): Program {
    return { instructions: this.#instructions, starts: this.#starts, hasAssertions: this.#hasAssertions }
  }

  /** Index of the first instruction for `node`, after which comes `next`. */
  #build(node: RegexNode, next: number): number {
    switch (node.kind) {
      case 'set':
        return this.#set(node.ranges, next)
      case 'any-byte':
        return this.#push({ op: 'bytes', edges: [0, 255, next] })
      case 'sequence': {
        let first = next
        for (let i = node.items.length - 1; i >= 0; i--) first = this.#build(node.items[i]!, first)
        return first
      }
      case 'alternatives':
        return this.#push({ op: 'fork', targets: node.options.map(option => this.#build(option, next)) })
      case 'repeat':
        return this.#repeat(node, next)
      case 'capture': {
        if (!this.#captures) return this.#build(node.item, next)
        const end = this.#push({ op: 'save', slot: node.index * 2 + 1, next })
        return this.#push({ op: 'save', slot: node.index * 2, next: this.#build(node.item, end) })
      }
      case 'assertion':
        this.#hasAssertions = true
        return this.#push({ op: 'assert', assertion: node.assertion, next })
    }
  }

  #repeat(node: Extract<RegexNode, { kind: 'repeat' }>, next: number): number {
    let first = next
    let copies = node.min
    if (node.max < 0) {
      const targets: number[] = []
      const loop = this.#push({ op: 'fork', targets })
      const body = this.#build(node.item, loop)
      targets.push(body, next)
      if (!node.greedy) targets.reverse()
      // x+ enters at the body, x* at the fork.
      first = copies > 0 ? body : loop
      copies--
    } else {
      for (let i = node.min; i < node.max; i++) {
        const targets = [this.#build(node.item, first), next]
        if (!node.greedy) targets.reverse()
        first = this.#push({ op: 'fork', targets })
      }
    }
    for (let i = 0; i < copies; i++) first = this.#build(node.item, first)
    return first
  }

  /** Sequences that end alike share their ends: [^/] costs a handful of instructions, not dozens. */
  #set(ranges: readonly number[], next: number): number {
    const sequences: ByteSequence[] = []
    for (let i = 0; i < ranges.length; i += 2) appendUtf8Sequences(ranges[i]!, ranges[i + 1]!, sequences)
    const tails = new Map<string, number>()
    const edges: number[] = []
    for (const sequence of sequences) {
      let after = next
      for (let i = sequence.length - 2; i > 0; i -= 2) {
        const key = `${sequence[i]}-${sequence[i + 1]}-${after}`
        let tail = tails.get(key)
        if (tail === undefined) {
          tail = this.#push({ op: 'bytes', edges: [sequence[i]!, sequence[i + 1]!, after] })
          tails.set(key, tail)
        }
        after = tail
      }
      edges.push(sequence[0]!, sequence[1]!, after)
    }
    return this.#push({ op: 'bytes', edges })
  }

  #push(instruction: Instruction): number {
    this.#size += 1 + (instruction.op === 'bytes' ? instruction.edges.length / 3 : 0)
    if (this.#size > this.#limit) throw new RegexSyntaxError('pattern too large - compile failed')
    return this.#instructions.push(instruction) - 1
  }
}
