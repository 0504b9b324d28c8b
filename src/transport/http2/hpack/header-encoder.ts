// Fields to field blocks (RFC 7541 6). A value enters the dynamic table when it is sent a second time: what repeats costs
// a byte from the third time on, and what is different each time (request ids, dates, paths) never drives it out.

import { encodeHuffman, huffmanLength } from './huffman-encoder.ts'
import { writeInteger } from './integer.ts'
import { KnownName, SENDING } from './known-name.ts'
import { ENTRY_OVERHEAD, STATIC_ENTRIES } from './static-table.ts'

/** Larger tables save nothing measurable and cost every connection memory; a peer may allow less. */
export const ENCODER_TABLE_SIZE = 4096
/** An entry counts 32 octets at least, hence no more entries than this. */
const MAX_ENTRIES = ENCODER_TABLE_SIZE / ENTRY_OVERHEAD
/** With one more all are forgotten: a peer that has us send new ones each time costs compression, never memory. */
const MAX_KNOWN_NAMES = 128
/** Secrets shorter than this could be guessed (as in nghttp2). */
const GUESSABLE_LENGTH = 20
/**
 * Shorter texts are sent as they are: a request id would be a quarter smaller, and cost both ends together four times as
 * much time. What is sent often is in the table anyway.
 */
const HUFFMAN_FROM_LENGTH = 64
/** Two size updates, the smallest size and the last (RFC 7541 4.2). */
const SIZE_UPDATE_BYTES = 12
/** Indexes and lengths before a name and a value. */
const FIELD_BYTES = 16

const PATTERN = { indexed: 0x80, incremental: 0x40, sizeUpdate: 0x20, never: 0x10, plain: 0x00 } as const

export class HeaderEncoder {
  readonly #names = new Map<string, KnownName>()
  /** Sizes of the entries in the table, by number of insertion. */
  readonly #sizes = new Int32Array(MAX_ENTRIES)
  #inserted = 0
  #evicted = 0
  #size = 0
  #maxSize = ENCODER_TABLE_SIZE
  /** The smallest size since the last block; -1: nothing to announce. */
  #announce = -1

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. */
  setLimit(size: number): void {
    const wanted = Math.min(size, ENCODER_TABLE_SIZE)
    if (wanted === this.#maxSize) return
    this.#announce = this.#announce < 0 ? wanted : Math.min(this.#announce, wanted)
    this.#maxSize = wanted
    this.#evict(wanted)
  }

  /** No field takes more than this; a block takes `blockOverhead` besides. */
  static sizeOf(name: string, value: string): number {
    return name.length + value.length + FIELD_BYTES
  }

  static readonly blockOverhead: number = SIZE_UPDATE_BYTES

  /** Must be written before the fields of each block; the position behind it. */
  begin(bytes: Buffer, at: number): number {
    if (this.#announce < 0) return at
    let pos = at
    if (this.#announce < this.#maxSize) pos = writeInteger(bytes, pos, PATTERN.sizeUpdate, 5, this.#announce)
    this.#announce = -1
    return writeInteger(bytes, pos, PATTERN.sizeUpdate, 5, this.#maxSize)
  }

  /** Writes one field at `at`, whose name is lower case; the position behind it. */
  field(bytes: Buffer, at: number, name: string, value: string): number {
    let known = this.#names.get(name)
    if (known === undefined) {
      if (this.#names.size === MAX_KNOWN_NAMES) this.#names.clear()
      known = new KnownName(name)
      this.#names.set(name, known)
    }
    if (known.sending !== SENDING.adaptive) {
      if (known.sending === SENDING.never) return at
      if (value.length < GUESSABLE_LENGTH) return this.#literal(bytes, at, known, PATTERN.never, name, value)
    }
    const found = known.find(value)
    if (found < 0) return this.#firstTime(bytes, at, known, name, value)
    const mark = known.marks[found]!
    if (mark < 0) return writeInteger(bytes, at, PATTERN.indexed, 7, -mark)
    if (mark > this.#evicted) return writeInteger(bytes, at, PATTERN.indexed, 7, this.#indexOf(mark))
    const size = name.length + value.length + ENTRY_OVERHEAD
    if (size > this.#maxSize >>> 1) return this.#literal(bytes, at, known, PATTERN.plain, name, value)
    const pos = this.#literal(bytes, at, known, PATTERN.incremental, name, value)
    this.#insert(size)
    known.marks[found] = this.#inserted
    known.nameMark = this.#inserted
    return pos
  }

  #firstTime(bytes: Buffer, at: number, known: KnownName, name: string, value: string): number {
    const size = name.length + value.length + ENTRY_OVERHEAD
    // What fills most of the table would drive out all that repeats.
    if (size > this.#maxSize >>> 1) return this.#literal(bytes, at, known, PATTERN.plain, name, value)
    // A name that no table has is put there once, with whatever value it comes with the second time.
    if (known.staticIndex === 0 && known.nameMark <= this.#evicted && known.values.length > 0) {
      const pos = this.#literal(bytes, at, known, PATTERN.incremental, name, value)
      this.#insert(size)
      known.nameMark = this.#inserted
      return pos
    }
    known.remember(value)
    return this.#literal(bytes, at, known, PATTERN.plain, name, value)
  }

  #literal(bytes: Buffer, at: number, known: KnownName, pattern: number, name: string, value: string): number {
    const prefix = pattern === PATTERN.incremental ? 6 : 4
    let pos = at
    if (known.staticIndex > 0) pos = writeInteger(bytes, pos, pattern, prefix, known.staticIndex)
    else if (known.nameMark > this.#evicted) {
      pos = writeInteger(bytes, pos, pattern, prefix, this.#indexOf(known.nameMark))
    } else {
      bytes[pos++] = pattern
      pos = writeText(bytes, pos, name)
    }
    return writeText(bytes, pos, value)
  }

  /** The newest entry comes first after the static table (RFC 7541 2.3.3). */
  #indexOf(mark: number): number {
    return STATIC_ENTRIES + 1 + this.#inserted - mark
  }

  /** `size` fits into the table. */
  #insert(size: number): void {
    this.#evict(this.#maxSize - size)
    this.#inserted++
    this.#sizes[this.#inserted % MAX_ENTRIES] = size
    this.#size += size
  }

  #evict(down: number): void {
    while (this.#size > down) this.#size -= this.#sizes[++this.#evicted % MAX_ENTRIES]!
  }
}

/** RFC 7541 5.2: as Huffman code where that is shorter, and worth it. */
function writeText(bytes: Buffer, at: number, text: string): number {
  const length = text.length
  if (length >= HUFFMAN_FROM_LENGTH) {
    const encoded = huffmanLength(text)
    if (encoded < length) return encodeHuffman(text, bytes, writeInteger(bytes, at, 0x80, 7, encoded))
  }
  let pos = writeInteger(bytes, at, 0, 7, length)
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    bytes[pos++] = code > 255 ? 63 : code
  }
  return pos
}
