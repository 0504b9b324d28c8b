// The type-length-value fields behind a version 2 header's addresses (section 2.2.x), kept as the bytes they are: a header
// can hold twenty thousand of them, and objects for each would cost far more than the sender paid.

const HEAD_BYTES = 3

/** Whether the fields fill the block exactly. */
export function isTlvBlock(block: Buffer): boolean {
  let at = 0
  while (at + HEAD_BYTES <= block.length) at = endOf(block, at)
  return at === block.length
}

/** A copy of the fields of these types; null: of all. `block` must be a TLV block. */
export function selectTlvs(block: Buffer, types: ReadonlySet<number> | null): Buffer {
  if (types === null) return Buffer.from(block)
  const chosen: Buffer[] = []
  for (let at = 0; at < block.length; ) {
    const end = endOf(block, at)
    if (types.has(block[at]!)) chosen.push(block.subarray(at, end))
    at = end
  }
  return Buffer.concat(chosen)
}

/** As many whole fields from the front as `limit` bytes hold. */
export function fittingTlvs(block: Buffer, limit: number): Buffer {
  if (block.length <= limit) return block
  let at = 0
  while (endOf(block, at) <= limit) at = endOf(block, at)
  return block.subarray(0, at)
}

function endOf(block: Buffer, at: number): number {
  return at + HEAD_BYTES + block.readUInt16BE(at + 1)
}
