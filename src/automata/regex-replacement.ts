// RE2::GlobalReplace: every leftmost match is replaced by a text in which \1 stands for a capture group. Preferences
// (greedy, lazy, order of alternatives) count here, so threads run in their order (Pike's machine) instead of a DFA.
import type { Parsed } from '../base/problem.ts'
import { contextAfter, holds, TEXT_END, TEXT_START } from './assertion-context.ts'
import { type Program, ProgramBuilder } from './program.ts'
import { type Regex, refuseRegex, toByteString } from './regex.ts'

/** A literal, or the number of a capture group. */
type Piece = string | number

export class RegexReplacement {
  readonly #program: Program
  readonly #pieces: readonly Piece[]
  /** Two for each group that the substitution names, and for those before it. */
  readonly #slots: number
  #current: ThreadList
  #next: ThreadList
  readonly #match: Int32Array

  constructor(program: Program, pieces: readonly Piece[]) {
    this.#program = program
    this.#pieces = pieces
    const highest = pieces.reduce<number>(
      (group, piece) => (typeof piece === 'number' ? Math.max(group, piece) : group),
      0,
    )
    this.#slots = (highest + 1) * 2
    this.#current = new ThreadList(program.instructions.length, this.#slots)
    this.#next = new ThreadList(program.instructions.length, this.#slots)
    this.#match = new Int32Array(this.#slots)
  }

  /** `bytes` has one character for each byte; so has the result. */
  replaceAll(bytes: string): string {
    let result = ''
    let from = 0
    let lastEnd = -1
    while (from <= bytes.length && this.#search(bytes, from)) {
      const start = this.#match[0]!
      const end = this.#match[1]!
      result += bytes.slice(from, start)
      from = start
      if (start === lastEnd && end === start) {
        // RE2 takes no empty match where the last match ended: on by one character.
        const step = utf8Length(bytes.charCodeAt(from))
        result += bytes.slice(from, from + step)
        from += step
        continue
      }
      for (const piece of this.#pieces) result += typeof piece === 'string' ? piece : this.#group(bytes, piece)
      from = end
      lastEnd = end
    }
    return from < bytes.length ? result + bytes.slice(from) : result
  }

  #group(bytes: string, index: number): string {
    const start = this.#match[index * 2]!
    return start < 0 ? '' : bytes.slice(start, this.#match[index * 2 + 1])
  }

  /** Leftmost match from `from` on into #match. */
  #search(bytes: string, from: number): boolean {
    const seed = new Int32Array(this.#slots).fill(-1)
    const { instructions, starts } = this.#program
    let found = false
    this.#current.clear()
    for (let at = from; at <= bytes.length; at++) {
      const byte = at < bytes.length ? bytes.charCodeAt(at) : TEXT_END
      if (!found) this.#follow(this.#current, starts[0]!, seed, bytes, at)
      if (this.#current.count === 0) {
        if (found) break
        this.#current.clear()
        continue
      }
      this.#next.clear()
      for (let i = 0; i < this.#current.count; i++) {
        const instruction = instructions[this.#current.threads[i]!]!
        const slots = this.#current.slotsOf(i)
        if (instruction.op === 'match') {
          this.#match.set(slots)
          found = true
          // Threads after this one are less preferred.
          break
        }
        if (instruction.op !== 'bytes') continue
        for (let edge = 0; edge < instruction.edges.length; edge += 3) {
          if (byte >= instruction.edges[edge]! && byte <= instruction.edges[edge + 1]!)
            this.#follow(this.#next, instruction.edges[edge + 2]!, slots, bytes, at + 1)
        }
      }
      const emptied = this.#current
      this.#current = this.#next
      this.#next = emptied
    }
    return found
  }

  /** Adds every instruction reached from `start` without reading, most preferred first. */
  #follow(into: ThreadList, start: number, slots: Int32Array, bytes: string, at: number): void {
    const before = at === 0 ? TEXT_START : contextAfter(bytes.charCodeAt(at - 1))
    const next = at < bytes.length ? bytes.charCodeAt(at) : TEXT_END
    const own = slots.slice()
    // Entries below zero restore a slot when its branch is done: slot -1 - n, then its value.
    const open: number[] = [start]
    while (open.length > 0) {
      const top = open.pop()!
      if (top < 0) {
        own[-1 - top] = open.pop()!
        continue
      }
      if (!into.mark(top)) continue
      const instruction = this.#program.instructions[top]!
      if (instruction.op === 'fork') {
        for (let i = instruction.targets.length - 1; i >= 0; i--) open.push(instruction.targets[i]!)
      } else if (instruction.op === 'save' && instruction.slot >= this.#slots) {
        open.push(instruction.next)
      } else if (instruction.op === 'save') {
        open.push(own[instruction.slot]!, -1 - instruction.slot, instruction.next)
        own[instruction.slot] = at
      } else if (instruction.op === 'assert') {
        if (holds(instruction.assertion, before, next)) open.push(instruction.next)
      } else into.add(top, own)
    }
  }
}

/** Instructions in order of preference, each once, with the slots of the thread that came there first. */
class ThreadList {
  readonly threads: Int32Array
  count = 0
  readonly #seen: Uint32Array
  readonly #slots: Int32Array
  readonly #width: number
  #round = 1

  constructor(instructions: number, width: number) {
    this.threads = new Int32Array(instructions)
    this.#seen = new Uint32Array(instructions)
    this.#slots = new Int32Array(instructions * width)
    this.#width = width
  }

  clear(): void {
    this.count = 0
    if (++this.#round === 0xffff_ffff) {
      this.#seen.fill(0)
      this.#round = 1
    }
  }

  mark(instruction: number): boolean {
    if (this.#seen[instruction] === this.#round) return false
    this.#seen[instruction] = this.#round
    return true
  }

  add(instruction: number, slots: Int32Array): void {
    this.#slots.set(slots, this.count * this.#width)
    this.threads[this.count++] = instruction
  }

  slotsOf(thread: number): Int32Array {
    return this.#slots.subarray(thread * this.#width, (thread + 1) * this.#width)
  }
}

/** `substitution` in RE2's form: \0 is the whole match, \1 to \9 its groups, \\ a backslash. */
export function compileReplacement(regex: Regex, substitution: string): Parsed<RegexReplacement> {
  const pieces: Piece[] = []
  let literal = ''
  const text = toByteString(substitution)
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '\\') {
      literal += text[i]
      continue
    }
    const next = text[++i] ?? ''
    if (next === '\\') literal += '\\'
    else if (next >= '0' && next <= '9') {
      const group = Number(next)
      if (group > regex.parsed.captures)
        return refuse(`invalid substitution: group \\${group} of a pattern with ${regex.parsed.captures} groups`)
      if (literal !== '') pieces.push(literal)
      literal = ''
      pieces.push(group)
    } else return refuse('invalid substitution: a backslash must be followed by a digit or a backslash')
  }
  if (literal !== '') pieces.push(literal)
  const builder = new ProgramBuilder(true)
  try {
    builder.add(regex.parsed)
  } catch (error) {
    return refuseRegex(error)
  }
  return { ok: true, value: new RegexReplacement(builder.finish(), pieces) }
}

function refuse(message: string): Parsed<RegexReplacement> {
  return { ok: false, problems: [{ code: 'WEFT-4003', severity: 'error', message }] }
}

function utf8Length(first: number): number {
  if (first < 0xc0) return 1
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
}
