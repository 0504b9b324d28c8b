// A range of code points as sequences of byte ranges in UTF-8 (Cox, "Regular Expression Matching in the Wild").

/** One byte range for each byte: low, high, low, high. */
export type ByteSequence = readonly number[]

const LENGTH_LIMITS = [0x7f, 0x7ff, 0xffff]

/** Appends to `into` the sequences that together encode `low` to `high`, surrogates left out. */
export function appendUtf8Sequences(low: number, high: number, into: ByteSequence[]): void {
  if (low > high) return
  if (low <= 0xdfff && high >= 0xd800) {
    appendUtf8Sequences(low, 0xd7ff, into)
    appendUtf8Sequences(0xe000, high, into)
    return
  }
  for (const limit of LENGTH_LIMITS) {
    if (low <= limit && high > limit) {
      appendUtf8Sequences(low, limit, into)
      appendUtf8Sequences(limit + 1, high, into)
      return
    }
  }
  // All of one length now: split until every byte but the last ones that run full is the same on both ends.
  for (let bytes = 1; high > 0x7f && bytes < 4; bytes++) {
    const mask = (1 << (6 * bytes)) - 1
    if ((low & ~mask) === (high & ~mask)) continue
    if ((low & mask) !== 0) {
      appendUtf8Sequences(low, low | mask, into)
      appendUtf8Sequences((low | mask) + 1, high, into)
      return
    }
    if ((high & mask) !== mask) {
      appendUtf8Sequences(low, (high & ~mask) - 1, into)
      appendUtf8Sequences(high & ~mask, high, into)
      return
    }
  }
  const from = Buffer.from(String.fromCodePoint(low), 'utf8')
  const to = Buffer.from(String.fromCodePoint(high), 'utf8')
  const sequence: number[] = []
  for (let i = 0; i < from.length; i++) sequence.push(from[i]!, to[i]!)
  into.push(sequence)
}
