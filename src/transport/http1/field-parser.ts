// Field lines (RFC 9112 5) out of bytes: one pass that checks every byte and remembers where values lie, then one string
// for all of them, of which the values are slices.
import type { HeaderList } from '../header-list.ts'
import { COLON, CR, FIELD_VALUE, LF, SPACE, TAB, TOKEN_LOWER } from '../http/character.ts'
import { type FieldName, fieldName, hashByte } from '../http/field-name.ts'
import type { HeaderSpelling } from '../request-head.ts'
import { CODEC_ERROR, type CodecError } from './codec-error.ts'

/** More bytes are needed. */
export const INCOMPLETE = -1
/** The bytes are refused; the parser's `error` says why. */
export const REFUSED = -2

/** The most fields that a parser can be told to accept. */
export const MAX_FIELD_COUNT = 1024

/** One for the process: a parse is never interrupted by another. */
export class FieldParser {
  error: CodecError = CODEC_ERROR.syntax
  count = 0
  readonly #names: FieldName[] = new Array(MAX_FIELD_COUNT)
  readonly #lines = new Int32Array(MAX_FIELD_COUNT)
  readonly #starts = new Int32Array(MAX_FIELD_COUNT)
  readonly #ends = new Int32Array(MAX_FIELD_COUNT)

  /** Reads fields from `pos` through the empty line after them; the position behind it, INCOMPLETE or REFUSED. */
  parse(bytes: Buffer, from: number, maxCount: number): number {
    const end = bytes.length
    let pos = from
    this.count = 0
    while (pos < end) {
      if (bytes[pos] === CR) {
        if (pos + 1 >= end) return INCOMPLETE
        return bytes[pos + 1] === LF ? pos + 2 : this.#refuse(CODEC_ERROR.syntax)
      }
      if (this.count >= maxCount) return this.#refuse(CODEC_ERROR.tooManyHeaders)
      pos = this.#parseField(bytes, pos, end)
      if (pos < 0) return pos
    }
    return INCOMPLETE
  }

  /** One line. A name must touch its colon and no line may be folded (RFC 9112 5.1, 5.2); a bare LF or CR ends nothing. */
  #parseField(bytes: Buffer, from: number, end: number): number {
    let pos = from
    let hash = 0
    while (pos < end) {
      const lower = TOKEN_LOWER[bytes[pos]!]!
      if (lower === 0) break
      hash = hashByte(hash, lower)
      pos++
    }
    if (pos >= end) return INCOMPLETE
    if (bytes[pos] !== COLON || pos === from) return this.#refuse(CODEC_ERROR.syntax)
    const name = fieldName(bytes, from, pos, hash)
    pos++
    while (pos < end && (bytes[pos] === SPACE || bytes[pos] === TAB)) pos++
    const start = pos
    while (pos < end && FIELD_VALUE[bytes[pos]!] === 1) pos++
    if (pos >= end) return INCOMPLETE
    if (bytes[pos] !== CR) return this.#refuse(bytes[pos] === LF ? CODEC_ERROR.syntax : CODEC_ERROR.invalidCharacters)
    if (pos + 1 >= end) return INCOMPLETE
    if (bytes[pos + 1] !== LF) return this.#refuse(CODEC_ERROR.syntax)
    let last = pos
    while (last > start && (bytes[last - 1] === SPACE || bytes[last - 1] === TAB)) last--
    const index = this.count++
    this.#names[index] = name
    this.#lines[index] = from
    this.#starts[index] = start
    this.#ends[index] = last
    return pos + 2
  }

  name(index: number): FieldName {
    return this.#names[index]!
  }

  /** `text` is the latin1 reading of the parsed bytes from offset `base`. */
  value(index: number, text: string, base: number): string {
    return text.substring(this.#starts[index]! - base, this.#ends[index]! - base)
  }

  /** The names that were not sent in lower case, as HeaderSpelling has them. */
  spelling(text: string, base: number): HeaderSpelling {
    const spelling: string[] = []
    for (let i = 0; i < this.count; i++) {
      const { name } = this.#names[i]!
      const start = this.#lines[i]! - base
      const sent = text.substring(start, start + name.length)
      if (sent !== name) spelling.push(name, sent)
    }
    return spelling
  }

  /** All fields, appended to `headers`, save those with a bit in `except`; the bits of all that occurred. */
  collect(headers: HeaderList, text: string, base: number, except: number): number {
    let fields = 0
    for (let i = 0; i < this.count; i++) {
      const name = this.#names[i]!
      fields |= name.bit
      if ((name.bit & except) === 0) headers.push(name.name, this.value(i, text, base))
    }
    return fields
  }

  #refuse(error: CodecError): number {
    this.error = error
    return REFUSED
  }
}
