// Huffman code to bytes (RFC 7541 5.2), four bits a step: 256 inner nodes of the code's tree times sixteen nibbles, 16 KiB
// that stay in the processor's nearest cache. No code is shorter than five bits, so that a step yields one byte at most.
import { CODE_LENGTHS, CODES } from './huffman-code.ts'

const END_OF_STRING = 256
/** A step's entry: the next node, whether a byte came out, whether the text may end here, whether it is an error. */
const EMITS = 1 << 8
const ENDS = 1 << 9
const FAILS = 1 << 10
const NODE_SHIFT = 16

const STEPS: Uint32Array = makeSteps()

/** Decodes `bytes[from, to)` to the start of `into`, which is long enough (8/5); the length, or -1 for what is no such code. */
export function decodeHuffman(bytes: Buffer, from: number, to: number, into: Buffer): number {
  let length = 0
  let entry = ENDS
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!
    entry = STEPS[((entry >>> NODE_SHIFT) << 4) | (byte >>> 4)]!
    if ((entry & EMITS) !== 0) into[length++] = entry
    // An error's node is one that only errors follow.
    entry = STEPS[((entry >>> NODE_SHIFT) << 4) | (byte & 15)]!
    if ((entry & EMITS) !== 0) into[length++] = entry
    if ((entry & FAILS) !== 0) return -1
  }
  return (entry & ENDS) === 0 ? -1 : length
}

function makeSteps(): Uint32Array {
  // The tree: children of node n at 2n and 2n + 1; a leaf is stored as -1 - symbol.
  const children: number[] = [0, 0]
  for (let symbol = 0; symbol <= END_OF_STRING; symbol++) {
    let node = 0
    for (let bit = CODE_LENGTHS[symbol]! - 1; bit >= 0; bit--) {
      const at = 2 * node + ((CODES[symbol]! >>> bit) & 1)
      if (bit === 0) children[at] = -1 - symbol
      else {
        if (children[at] === 0) {
          children[at] = children.length / 2
          children.push(0, 0)
        }
        node = children[at]!
      }
    }
  }
  const nodes = children.length / 2
  const padding = paddingNodes(children)
  // One node more than the tree has: the trap.
  const steps = new Uint32Array((nodes + 1) * 16).fill((nodes << NODE_SHIFT) | FAILS)
  for (let start = 0; start < nodes; start++) {
    for (let nibble = 0; nibble < 16; nibble++) {
      let node = start
      let entry = 0
      let failed = false
      for (let bit = 3; bit >= 0 && !failed; bit--) {
        const child = children[2 * node + ((nibble >>> bit) & 1)]!
        node = child < 0 ? 0 : child
        if (child === -1 - END_OF_STRING) failed = true
        else if (child < 0) entry |= EMITS | (-1 - child)
      }
      if (failed) continue
      if (padding.has(node)) entry |= ENDS
      steps[start * 16 + nibble] = entry | (node << NODE_SHIFT)
    }
  }
  return steps
}

/** RFC 7541 5.2: a text ends with the first bits of END_OF_STRING, all ones, fewer than eight. */
function paddingNodes(children: readonly number[]): Set<number> {
  const found = new Set([0])
  let node = 0
  for (let depth = 1; depth < 8; depth++) {
    node = children[2 * node + 1]!
    found.add(node)
  }
  return found
}
