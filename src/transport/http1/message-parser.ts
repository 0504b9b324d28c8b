// One side of an HTTP/1.1 connection, bytes to events: what requests and responses have in common. A body is never held:
// its bytes are handed on as slices of the chunk they came in.
//
//   head ──> length ─────────────────────────────────> done
//        ──> chunk-size ─> chunk-data ─> chunk-end ─┐
//        │        ^────────────────────────────────┘
//        │        └─(0)─> trailers ─────────────────> done
//        ──> until-close ──────────────(end of input)─> done
import type { HeaderList } from '../header-list.ts'
import { CR, FIELD_VALUE, HEX_VALUE, LF, SEMICOLON, SPACE, TAB } from '../http/character.ts'
import { NOT_IN_TRAILERS } from '../http/field-name.ts'
import { latin1 } from '../http/latin1.ts'
import { CODEC_ERROR, type CodecError } from './codec-error.ts'
import { FieldParser, INCOMPLETE, REFUSED } from './field-parser.ts'

export interface MessageHandler {
  /** The head is in the parser's fields. `endStream`: no body follows. */
  onHead(endStream: boolean): void
  /** Valid after the call too, unless the connection says otherwise of its read buffer. */
  onBody(chunk: Buffer, endStream: boolean): void
  /** Ends the message; only where the limits let trailers through. */
  onTrailers(trailers: HeaderList): void
  /** The bytes are refused; nothing is parsed any more. */
  onProtocolError(error: CodecError): void
}

export interface ParserLimits {
  /** Start line and fields of a message, and separately its trailers. */
  readonly maxHeadBytes: number
  readonly maxFieldCount: number
  /** Trailers are handed on; otherwise they are read, checked and dropped, as Envoy does unless told to (enable_trailers). */
  readonly trailers: boolean
  /** Heads carry their `spelling`. */
  readonly keepsSpelling: boolean
}

const STATE = {
  head: 0,
  length: 1,
  chunkSize: 2,
  chunkData: 3,
  chunkEnd: 4,
  trailers: 5,
  untilClose: 6,
  done: 7,
} as const
const FAILED = 8

/** Longer chunk extensions than this are an attack (CVE-2023-39326 and its like). */
const MAX_CHUNK_LINE_BYTES = 4096
const EMPTY = Buffer.alloc(0)
const NO_BYTES = EMPTY

/** Shared: parsing is synchronous and takes what it found before it calls anyone. */
export const fieldParser = new FieldParser()

export abstract class MessageParser {
  protected readonly handler: MessageHandler
  protected readonly limits: ParserLimits
  protected refusal: CodecError = CODEC_ERROR.syntax
  /** RFC 9112 2.2: a server skips empty lines before a start line. */
  protected readonly skipsEmptyLines: boolean = false
  #state: number = STATE.head
  #remaining = 0
  /** An incomplete head, chunk line or trailer section: its first `#carried` bytes are filled. */
  #carry: Buffer = NO_BYTES
  #carried = 0
  /** Came in behind the end of a message. */
  #leftover: Buffer | null = null
  /** A body slice not handed on yet: it may turn out to be the last. */
  #pending: Buffer | null = null
  /** Bytes of the chunk under way that lie behind the message that ended in it. */
  #behind = 0
  #running = false

  constructor(handler: MessageHandler, limits: ParserLimits) {
    this.handler = handler
    this.limits = limits
  }

  /** Reads a head at `from`: the position behind it, INCOMPLETE, or REFUSED with `refusal` set. */
  protected abstract parseHead(bytes: Buffer, from: number): number

  get isDone(): boolean {
    return this.#state === STATE.done
  }

  /** Between messages, with not a byte of the next. */
  get isIdle(): boolean {
    return this.#state === STATE.head && this.#carried === 0
  }

  get inHead(): boolean {
    return this.#state === STATE.head
  }

  get hasLeftover(): boolean {
    return this.#leftover !== null
  }

  /** Whether bytes came in behind the message that ended: right already while the handler is told of its end. */
  get hasMore(): boolean {
    return this.#behind > 0 || this.#leftover !== null
  }

  /** Parses until the bytes or the message end. What lies behind the message waits for `next`. */
  execute(chunk: Buffer): void {
    if (this.#state === FAILED) return
    if (this.#state === STATE.done) {
      this.#leftover = this.#leftover === null ? chunk : Buffer.concat([this.#leftover, chunk])
      return
    }
    this.#running = true
    let bytes = chunk
    if (this.#carried > 0) {
      const joined = this.#joinCarry(chunk)
      if (joined === null) {
        this.#running = false
        return
      }
      bytes = joined
    }
    this.#run(bytes)
    this.#running = false
  }

  /** The message was dealt with: goes on with the next, from the bytes that are here already. */
  next(): void {
    if (this.#state !== STATE.done) return
    this.#state = STATE.head
    if (this.#running) return
    const leftover = this.#leftover
    if (leftover === null) return
    this.#leftover = null
    this.execute(leftover)
  }

  /** Stops for good: nothing more is parsed or reported. */
  stop(): void {
    this.#state = FAILED
    this.#pending = null
    this.#leftover = null
    this.#carry = NO_BYTES
    this.#carried = 0
  }

  /** The peer will send no more. True when that ended a message rightly, or none was open. */
  finish(): boolean {
    if (this.#state === STATE.untilClose) {
      this.#end(0)
      this.handler.onBody(EMPTY, true)
      return true
    }
    return this.#state === STATE.done || this.#state === FAILED || this.isIdle
  }

  /** Called by `parseHead`'s caller through the subclass: how the body is framed. `length` -1: chunked, -2: until close. */
  protected frame(length: number): void {
    if (length === 0) this.#state = STATE.done
    else if (length > 0) {
      this.#state = STATE.length
      this.#remaining = length
    } else this.#state = length === CHUNKED ? STATE.chunkSize : STATE.untilClose
  }

  protected refuse(error: CodecError): number {
    this.refusal = error
    return REFUSED
  }

  #run(bytes: Buffer): void {
    const end = bytes.length
    let pos = 0
    while (pos < end) {
      const state = this.#state
      if (state === FAILED) return
      if (state === STATE.done) {
        this.#leftover = pos === 0 ? bytes : bytes.subarray(pos)
        return
      }
      if (state === STATE.head) pos = this.#readHead(bytes, pos)
      else if (state === STATE.length) pos = this.#readLength(bytes, pos)
      else if (state === STATE.chunkData) pos = this.#readChunkData(bytes, pos)
      else if (state === STATE.untilClose) {
        this.handler.onBody(pos === 0 ? bytes : bytes.subarray(pos), false)
        return
      } else pos = this.#readChunkFraming(bytes, pos, state)
      if (pos < 0) break
    }
    this.#flushPending()
  }

  #readHead(bytes: Buffer, from: number): number {
    let start = from
    if (this.skipsEmptyLines) {
      while (start + 1 < bytes.length && bytes[start] === CR && bytes[start + 1] === LF) start += 2
      if (start >= bytes.length) return start
      if (bytes[start] === CR && start + 1 === bytes.length) return this.#keep(bytes, start)
    }
    const pos = this.parseHead(bytes, start)
    if (pos === REFUSED) return this.#fail(this.refusal)
    const length = (pos === INCOMPLETE ? bytes.length : pos) - start
    if (length > this.limits.maxHeadBytes) return this.#fail(CODEC_ERROR.headersTooLarge)
    if (pos === INCOMPLETE) return this.#keep(bytes, start)
    this.#behind = bytes.length - pos
    this.handler.onHead(this.#state === STATE.done)
    return pos
  }

  #readLength(bytes: Buffer, from: number): number {
    const available = bytes.length - from
    if (available < this.#remaining) {
      this.#remaining -= available
      this.handler.onBody(from === 0 ? bytes : bytes.subarray(from), false)
      return bytes.length
    }
    const end = from + this.#remaining
    this.#remaining = 0
    this.#end(bytes.length - end)
    this.handler.onBody(from === 0 && end === bytes.length ? bytes : bytes.subarray(from, end), true)
    return end
  }

  #readChunkData(bytes: Buffer, from: number): number {
    const length = Math.min(bytes.length - from, this.#remaining)
    this.#flushPending()
    // The handler may have ended the stream.
    if (this.#state === FAILED) return REFUSED
    this.#pending = bytes.subarray(from, from + length)
    this.#remaining -= length
    if (this.#remaining === 0) this.#state = STATE.chunkEnd
    return from + length
  }

  #readChunkFraming(bytes: Buffer, from: number, state: number): number {
    if (state === STATE.chunkEnd) {
      if (bytes[from] !== CR) return this.#fail(CODEC_ERROR.syntax)
      if (from + 1 >= bytes.length) return this.#keep(bytes, from)
      if (bytes[from + 1] !== LF) return this.#fail(CODEC_ERROR.syntax)
      this.#state = STATE.chunkSize
      return from + 2
    }
    if (state === STATE.chunkSize) return this.#readChunkSize(bytes, from)
    return this.#readTrailers(bytes, from)
  }

  /** `1*HEXDIG [ chunk-ext ] CRLF`. Extensions are skipped (RFC 9112 7.1.1), byte by byte checked all the same. */
  #readChunkSize(bytes: Buffer, from: number): number {
    const end = bytes.length
    let pos = from
    let size = 0
    while (pos < end && HEX_VALUE[bytes[pos]!]! < 16) {
      // Twelve digits stay exact in a double; no honest chunk has more.
      if (pos - from >= 12) return this.#fail(CODEC_ERROR.syntax)
      size = size * 16 + HEX_VALUE[bytes[pos]!]!
      pos++
    }
    if (pos < end && pos === from) return this.#fail(CODEC_ERROR.syntax)
    while (pos < end && (bytes[pos] === SPACE || bytes[pos] === TAB)) pos++
    if (pos < end && bytes[pos] !== CR && bytes[pos] !== SEMICOLON) return this.#fail(CODEC_ERROR.syntax)
    while (pos < end && FIELD_VALUE[bytes[pos]!] === 1) pos++
    if (pos - from > MAX_CHUNK_LINE_BYTES) return this.#fail(CODEC_ERROR.syntax)
    if (pos < end && bytes[pos] !== CR) return this.#fail(CODEC_ERROR.syntax)
    if (pos + 1 >= end) return this.#keep(bytes, from)
    if (bytes[pos + 1] !== LF) return this.#fail(CODEC_ERROR.syntax)
    this.#remaining = size
    this.#state = size === 0 ? STATE.trailers : STATE.chunkData
    return pos + 2
  }

  #readTrailers(bytes: Buffer, from: number): number {
    const pos = fieldParser.parse(bytes, from, this.limits.maxFieldCount)
    if (pos === REFUSED) return this.#fail(fieldParser.error)
    const length = (pos === INCOMPLETE ? bytes.length : pos) - from
    if (length > this.limits.maxHeadBytes) return this.#fail(CODEC_ERROR.headersTooLarge)
    if (pos === INCOMPLETE) return this.#keep(bytes, from)
    const trailers = this.limits.trailers ? readTrailers(bytes, from, pos) : NO_TRAILERS
    if (trailers.length > 0) {
      this.#flushPending()
      // The handler may have ended the stream.
      if (this.#state === FAILED) return REFUSED
      this.#end(bytes.length - pos)
      this.handler.onTrailers(trailers)
      return pos
    }
    const last = this.#pending ?? EMPTY
    this.#pending = null
    this.#end(bytes.length - pos)
    this.handler.onBody(last, true)
    return pos
  }

  #end(behind: number): void {
    this.#state = STATE.done
    this.#behind = behind
  }

  #flushPending(): void {
    const pending = this.#pending
    if (pending === null) return
    this.#pending = null
    this.handler.onBody(pending, false)
  }

  #fail(error: CodecError): number {
    this.#flushPending()
    if (this.#state === FAILED) return REFUSED
    this.stop()
    this.handler.onProtocolError(error)
    return REFUSED
  }

  /** Keeps `bytes[from..]` until more comes. Room is doubled, so that a peer sending byte by byte costs linear time. */
  #keep(bytes: Buffer, from: number): number {
    const length = bytes.length - from
    if (this.#carry.length < length) this.#carry = Buffer.allocUnsafeSlow(Math.max(512, length * 2))
    bytes.copy(this.#carry, 0, from)
    this.#carried = length
    return INCOMPLETE
  }

  /** What was carried and the chunk as one; null while no line can have ended: then nothing need be parsed anew. */
  #joinCarry(chunk: Buffer): Buffer | null {
    const length = this.#carried + chunk.length
    if (this.#carry.length < length) {
      const grown = Buffer.allocUnsafeSlow(length * 2)
      this.#carry.copy(grown, 0, 0, this.#carried)
      this.#carry = grown
    }
    chunk.copy(this.#carry, this.#carried)
    this.#carried = length
    if (!chunk.includes(LF) && length <= this.limits.maxHeadBytes) return null
    const joined = this.#carry.subarray(0, length)
    // Given away: slices of it may be kept by whoever gets the body.
    this.#carry = NO_BYTES
    this.#carried = 0
    return joined
  }
}

const NO_TRAILERS: HeaderList = []

/** The fields that `fieldParser` has just read. */
function readTrailers(bytes: Buffer, from: number, to: number): HeaderList {
  if (fieldParser.count === 0) return NO_TRAILERS
  const trailers: HeaderList = []
  fieldParser.collect(trailers, latin1(bytes, from, to), from, NOT_IN_TRAILERS)
  return trailers
}

/** Arguments of `frame` besides a length. */
export const CHUNKED = -1
export const UNTIL_CLOSE = -2
