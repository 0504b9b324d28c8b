// Field blocks to fields (RFC 7541 3.2, 6). The table holds what every connection repeats, checked already: such a field
// costs a byte and a look-up.
import { FIELD_VALUE, SPACE, TAB, TOKEN_LOWER } from '../../http/character.ts'
import { type FieldName, fieldName, hashByte } from '../../http/field-name.ts'
import { latin1 } from '../../http/latin1.ts'
import { DynamicTable } from './dynamic-table.ts'
import { decodeHuffman } from './huffman-decoder.ts'
import { notAToken } from './pseudo-header.ts'
import { ENTRY_OVERHEAD, STATIC_ENTRIES } from './static-table.ts'
import { STATIC_TABLE, TableEntry } from './table-entry.ts'

export interface FieldSink {
  /** `isValid`: the value has no character that a field value may not have. The name says by its bit whether it is one. */
  onField(name: FieldName, value: string, isValid: boolean): void
}

const DEFAULT_TABLE_SIZE = 4096
/** No length or index of an honest peer needs more than four groups of seven bits. */
const MAX_INTEGER_SHIFT = 21

/** Where Huffman code is decoded to. Shared: a name or value is made a string before the next is read. */
let scratch = Buffer.allocUnsafeSlow(16_384)

export class HeaderDecoder {
  readonly #table = new DynamicTable(DEFAULT_TABLE_SIZE)
  /** What the peer may choose up to: of our settings, once it has acknowledged them. */
  #limit = DEFAULT_TABLE_SIZE
  /** RFC 7541 4.2: the limit sank below the table's size, and the next block must say that it knows. */
  #mustShrink = false
  // Out parameters of the readers below.
  #integer = 0
  #text: Buffer = scratch
  #start = 0
  #end = 0
  #isValid = true
  /** Octets of the value as sent, blanks at its ends included. */
  #octets = 0

  get table(): DynamicTable {
    return this.#table
  }

  /** `isAcknowledged`: the peer has agreed; before that it may still use what was the limit until now. */
  setLimit(size: number, isAcknowledged: boolean): void {
    if (!isAcknowledged) {
      this.#limit = Math.max(this.#limit, size)
      return
    }
    this.#limit = size
    if (this.#table.maxSize > size) this.#mustShrink = true
  }

  /** Decodes a whole block; false when it is none (COMPRESSION_ERROR: the table can not be trusted any more). */
  decode(bytes: Buffer, from: number, to: number, sink: FieldSink): boolean {
    let pos = from
    while (pos < to && (bytes[pos]! & 0xe0) === 0x20) {
      pos = this.#readInteger(bytes, pos, to, 0x1f)
      if (pos < 0 || this.#integer > this.#limit) return false
      this.#table.resize(this.#integer)
      this.#mustShrink = false
    }
    if (this.#mustShrink) return false
    while (pos < to) {
      const byte = bytes[pos]!
      if (byte >= 0x80) {
        pos = this.#readInteger(bytes, pos, to, 0x7f)
        if (pos < 0) return false
        const entry = this.#entry(this.#integer)
        if (entry === undefined) return false
        sink.onField(entry.name, entry.value, entry.isValid)
      } else {
        // A size update after the first field is refused (RFC 7541 4.2).
        if ((byte & 0xe0) === 0x20) return false
        pos = this.#readLiteral(bytes, pos, to, (byte & 0x40) !== 0, sink)
        if (pos < 0) return false
      }
    }
    return true
  }

  #entry(index: number): TableEntry | undefined {
    if (index > STATIC_ENTRIES) return this.#table.get(index - STATIC_ENTRIES - 1)
    return index === 0 ? undefined : STATIC_TABLE[index]
  }

  #readLiteral(bytes: Buffer, from: number, to: number, indexed: boolean, sink: FieldSink): number {
    let pos = this.#readInteger(bytes, from, to, indexed ? 0x3f : 0x0f)
    if (pos < 0) return -1
    let name: FieldName
    let nameOctets = 0
    if (this.#integer === 0) {
      pos = this.#readText(bytes, pos, to)
      if (pos < 0) return -1
      name = this.#readName()
      nameOctets = this.#end - this.#start
    } else {
      const entry = this.#entry(this.#integer)
      if (entry === undefined) return -1
      name = entry.name
      nameOctets = name.name.length
    }
    pos = this.#readText(bytes, pos, to)
    if (pos < 0) return -1
    const value = this.#readValue()
    // A pseudo-header field is no field of HTTP/1.1, which alone ignores blanks (RFC 9113 8.2.1).
    const isValid = this.#isValid && (name.bit >= 0 || value.length === this.#octets)
    if (indexed) this.#table.insert(new TableEntry(name, value, isValid, nameOctets + this.#octets + ENTRY_OVERHEAD))
    sink.onField(name, value, isValid)
    return pos
  }

  #readName(): FieldName {
    const bytes = this.#text
    const start = this.#start
    const end = this.#end
    let hash = 0
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!
      // RFC 9113 8.2.1: upper case is as bad as no token. The table has 0 for what is none, NUL among them.
      if (TOKEN_LOWER[byte] !== byte || byte === 0) return notAToken(bytes, start, end)
      hash = hashByte(hash, byte)
    }
    return start === end ? notAToken(bytes, start, end) : fieldName(bytes, start, end, hash)
  }

  /** Blanks around a value are dropped: RFC 9113 8.2.1 forbids them, HTTP/1.1 ignores them and Envoy lets them pass. */
  #readValue(): string {
    const bytes = this.#text
    let start = this.#start
    let end = this.#end
    this.#octets = end - start
    let isValid = true
    for (let i = start; i < end; i++) if (FIELD_VALUE[bytes[i]!] === 0) isValid = false
    this.#isValid = isValid
    while (start < end && (bytes[start] === SPACE || bytes[start] === TAB)) start++
    while (start < end && (bytes[end - 1] === SPACE || bytes[end - 1] === TAB)) end--
    return start === end ? '' : latin1(bytes, start, end)
  }

  /** RFC 7541 5.2; the text then lies in `#text` from `#start` to `#end`. The position behind it, or -1. */
  #readText(bytes: Buffer, from: number, to: number): number {
    if (from >= to) return -1
    const isHuffman = bytes[from]! >= 0x80
    const pos = this.#readInteger(bytes, from, to, 0x7f)
    if (pos < 0) return -1
    const length = this.#integer
    if (length > to - pos) return -1
    if (!isHuffman) {
      this.#text = bytes
      this.#start = pos
      this.#end = pos + length
      return pos + length
    }
    if (length * 2 > scratch.length) scratch = Buffer.allocUnsafeSlow(length * 2)
    const decoded = decodeHuffman(bytes, pos, pos + length, scratch)
    if (decoded < 0) return -1
    this.#text = scratch
    this.#start = 0
    this.#end = decoded
    return pos + length
  }

  /** RFC 7541 5.1: `mask` is the prefix. The value is in `#integer`; the position behind it, or -1. */
  #readInteger(bytes: Buffer, from: number, to: number, mask: number): number {
    let value = bytes[from]! & mask
    let pos = from + 1
    if (value === mask) {
      let shift = 0
      let byte = 0x80
      while (byte >= 0x80) {
        if (pos >= to || shift > MAX_INTEGER_SHIFT) return -1
        byte = bytes[pos++]!
        value += (byte & 0x7f) << shift
        shift += 7
      }
    }
    this.#integer = value
    return pos
  }
}
