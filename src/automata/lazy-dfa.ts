// A deterministic automaton that is built while it is used, over the bytes of UTF-8: one table look-up for each byte once a
// state is known. The table is bounded: when it is full it is forgotten and begun anew, so that a hostile text costs time in
// proportion to its length and no memory.
import { AFTER_OTHER, contextAfter, holds, TEXT_END, TEXT_START, UNKNOWN } from './assertion-context.ts'
import { type ByteClasses, classifyBytes } from './byte-classes.ts'
import type { Program } from './program.ts'

const DEAD = 0
const NOT_BUILT = -1
const NOTHING: readonly number[] = []

export class LazyDfa {
  readonly #program: Program
  readonly #classes: ByteClasses
  /** Columns of a state's row: one for each byte class. A state's number is where its row begins. */
  readonly #width: number
  readonly #maxStates: number
  #table: Int32Array
  #states = 0
  #start = NOT_BUILT
  #flushes = 0
  readonly #byKey = new Map<string, number>()
  /** Of each state, by row: the instructions it stands for, what came before, the patterns accepted if the text ends. */
  #members: (readonly number[])[] = []
  #contexts: number[] = []
  #accepts: (readonly number[])[] = []
  /** Marks of the closure under way. */
  readonly #seen: Uint32Array
  #round = 0

  /** `maxCells` bounds the table: a cell is four bytes. */
  constructor(program: Program, maxCells: number) {
    this.#program = program
    this.#classes = classifyBytes(program)
    this.#width = this.#classes.representatives.length
    this.#maxStates = Math.max(32, Math.floor(maxCells / this.#width))
    this.#table = new Int32Array(this.#width * 8)
    this.#seen = new Uint32Array(program.instructions.length)
    this.#forget()
  }

  /** How many states there are now, for tests. */
  get states(): number {
    return this.#states
  }

  /**
   * The patterns that match all of `text` up to `end`, lowest first. Each character of `text` is one byte, as the codec
   * hands it over (latin1).
   */
  run(text: string, end: number): readonly number[] {
    if (this.#start === NOT_BUILT)
      this.#start = this.#intern(this.#close(this.#program.starts, TEXT_START, UNKNOWN), TEXT_START)
    let table = this.#table
    const classOf = this.#classes.of
    let state = this.#start
    for (let i = 0; i < end; i++) {
      const byte = text.charCodeAt(i)
      if (byte > 255) return NOTHING
      const cell = state + classOf[byte]!
      let next = table[cell]!
      if (next === NOT_BUILT) {
        next = this.#build(state, classOf[byte]!)
        table = this.#table
      }
      if (next === DEAD) return NOTHING
      state = next
    }
    return this.#accepts[state / this.#width]!
  }

  #build(state: number, byteClass: number): number {
    const row = state / this.#width
    const byte = this.#classes.representatives[byteClass]!
    const { instructions, hasAssertions } = this.#program
    const before = this.#contexts[row]!
    const members = hasAssertions ? this.#close(this.#members[row]!, before, byte) : this.#members[row]!
    const moved: number[] = []
    for (const member of members) {
      const instruction = instructions[member]!
      if (instruction.op !== 'bytes') continue
      const edges = instruction.edges
      for (let i = 0; i < edges.length; i += 3) {
        if (byte >= edges[i]! && byte <= edges[i + 1]!) moved.push(edges[i + 2]!)
      }
    }
    const after = hasAssertions ? contextAfter(byte) : AFTER_OTHER
    const closed = moved.length === 0 ? moved : this.#close(moved, after, UNKNOWN)
    const flushes = this.#flushes
    const next = this.#intern(closed, after)
    // After a flush the row that the transition would stand in is gone.
    if (flushes === this.#flushes) this.#table[state + byteClass] = next
    return next
  }

  /** Every instruction reached without reading: assertions that cannot be decided yet stay among them. */
  #close(seeds: readonly number[], before: number, next: number): number[] {
    const { instructions } = this.#program
    const seen = this.#seen
    if (++this.#round === 0xffff_ffff) {
      seen.fill(0)
      this.#round = 1
    }
    const round = this.#round
    const kept: number[] = []
    const open: number[] = []
    for (let i = seeds.length - 1; i >= 0; i--) open.push(seeds[i]!)
    while (open.length > 0) {
      const at = open.pop()!
      if (seen[at] === round) continue
      seen[at] = round
      const instruction = instructions[at]!
      if (instruction.op === 'fork') for (const target of instruction.targets) open.push(target)
      else if (instruction.op === 'save') open.push(instruction.next)
      else if (instruction.op === 'assert') {
        if (holds(instruction.assertion, before, next)) open.push(instruction.next)
        else if (next === UNKNOWN) kept.push(at)
      } else kept.push(at)
    }
    return kept.sort((a, b) => a - b)
  }

  #intern(members: readonly number[], context: number): number {
    if (members.length === 0) return DEAD
    const key = `${context}:${members.join()}`
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    if (this.#states >= this.#maxStates) this.#forget()
    const state = this.#states * this.#width
    this.#append(members, context)
    this.#byKey.set(key, state)
    return state
  }

  #append(members: readonly number[], context: number): void {
    const first = this.#states * this.#width
    if (first + this.#width > this.#table.length) {
      const larger = new Int32Array(this.#table.length * 2)
      larger.set(this.#table)
      this.#table = larger
    }
    this.#table.fill(NOT_BUILT, first, first + this.#width)
    this.#members.push(members)
    this.#contexts.push(context)
    this.#accepts.push(this.#accepted(members, context))
    this.#states++
  }

  #accepted(members: readonly number[], context: number): readonly number[] {
    const { instructions, hasAssertions } = this.#program
    const atEnd = hasAssertions ? this.#close(members, context, TEXT_END) : members
    const patterns: number[] = []
    for (const member of atEnd) {
      const instruction = instructions[member]!
      if (instruction.op === 'match') patterns.push(instruction.pattern)
    }
    return patterns.sort((a, b) => a - b)
  }

  #forget(): void {
    this.#flushes++
    this.#byKey.clear()
    this.#members = []
    this.#contexts = []
    this.#accepts = []
    this.#states = 0
    this.#start = NOT_BUILT
    this.#append(NOTHING, TEXT_START)
    this.#table.fill(DEAD, 0, this.#width)
  }
}
