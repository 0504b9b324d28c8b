// Text to Huffman code (RFC 7541 5.2), one byte a character; one that is no byte becomes a question mark.
import { CODE_LENGTHS, CODES } from './huffman-code.ts'

const QUESTION_MARK = 63

/** Bytes that `text` takes when encoded. */
export function huffmanLength(text: string): number {
  let bits = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    bits += CODE_LENGTHS[code > 255 ? QUESTION_MARK : code]!
  }
  return (bits + 7) >>> 3
}

/** Writes `text` at `at`; the position behind it. */
export function encodeHuffman(text: string, bytes: Buffer, at: number): number {
  let pos = at
  // Fewer than eight bits wait between two symbols; the longest code has thirty, hence two parts.
  let pending = 0
  let count = 0
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i)
    const symbol = character > 255 ? QUESTION_MARK : character
    let code = CODES[symbol]!
    let length = CODE_LENGTHS[symbol]!
    if (length > 16) {
      length -= 16
      pending = (pending << length) | (code >>> 16)
      count += length
      while (count >= 8) {
        count -= 8
        bytes[pos++] = pending >>> count
      }
      pending &= (1 << count) - 1
      code &= 0xffff
      length = 16
    }
    pending = (pending << length) | code
    count += length
    while (count >= 8) {
      count -= 8
      bytes[pos++] = pending >>> count
    }
    pending &= (1 << count) - 1
  }
  if (count > 0) bytes[pos++] = (pending << (8 - count)) | (0xff >>> count)
  return pos
}
