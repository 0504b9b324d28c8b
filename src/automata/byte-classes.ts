// Bytes that no instruction tells apart share a column of the automaton's table.
import type { Program } from './program.ts'

export interface ByteClasses {
  /** Class of each byte. */
  readonly of: Uint8Array
  /** One byte of each class. */
  readonly representatives: readonly number[]
}

/** Where [0-9A-Za-z_] and newline begin and end: what \b and (?m) look at. */
const ASSERTION_CUTS = [10, 11, 48, 58, 65, 91, 95, 96, 97, 123]

export function classifyBytes(program: Program): ByteClasses {
  const cuts = new Uint8Array(257)
  cuts[0] = 1
  for (const instruction of program.instructions) {
    if (instruction.op !== 'bytes') continue
    for (let i = 0; i < instruction.edges.length; i += 3) {
      cuts[instruction.edges[i]!] = 1
      cuts[instruction.edges[i + 1]! + 1] = 1
    }
  }
  if (program.hasAssertions) for (const cut of ASSERTION_CUTS) cuts[cut] = 1
  const of = new Uint8Array(256)
  const representatives: number[] = []
  for (let byte = 0; byte < 256; byte++) {
    if (cuts[byte]) representatives.push(byte)
    of[byte] = representatives.length - 1
  }
  return { of, representatives }
}
