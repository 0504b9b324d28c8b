// Bytes to frames (RFC 9113 4.1). DATA is handed on as it comes; any other frame is whole when its owner sees it, and is
// copied only when the socket cut it in two.
import { FLAG, FRAME, FRAME_HEADER_BYTES, PREFACE, readUint32 } from './frame.ts'

export interface FrameHandler {
  /** Looked at before the payload is waited for, perhaps more than once; false refuses the frame, and all after it. */
  acceptsFrame(type: number, flags: number, streamId: number, length: number): boolean
  /** Any frame but DATA: its payload is `bytes[from, to)`, valid during the call. */
  onFrame(type: number, flags: number, streamId: number, bytes: Buffer, from: number, to: number): void
  /** `length` counts padding, `dataLength` does not; -1: there is more padding than frame. False: the data is dropped. */
  onDataStart(flags: number, streamId: number, length: number, dataLength: number): boolean
  /** Part of a frame's data, valid after the call too. */
  onDataPart(part: Buffer, isLast: boolean): void
  /** The frame is complete, padding included. */
  onDataEnd(): void
  /** What came is not HTTP/2. */
  onBadPreface(): void
}

const NOTHING = Buffer.alloc(0)

export class FrameReader {
  readonly #handler: FrameHandler
  /** Bytes of the preface that are still to come. */
  #prefaceLeft: number
  /** The start of a frame that is not complete: `#carried` bytes are here, `#needed` make it. */
  #carry: Buffer = NOTHING
  #carried = 0
  #needed = 0
  /** Of the DATA frame under way. */
  #dataLeft = 0
  #paddingLeft = 0
  #inData = false
  #isWanted = false
  #stopped = false

  constructor(handler: FrameHandler, expectsPreface: boolean) {
    this.#handler = handler
    this.#prefaceLeft = expectsPreface ? PREFACE.length : 0
  }

  /** Nothing more is parsed or reported. */
  stop(): void {
    this.#stopped = true
    this.#carry = NOTHING
    this.#carried = 0
  }

  read(chunk: Buffer): void {
    let pos = this.#prefaceLeft > 0 ? this.#readPreface(chunk) : 0
    while (this.#carried > 0 && pos < chunk.length) {
      const taken = Math.min(this.#needed - this.#carried, chunk.length - pos)
      chunk.copy(this.#carry, this.#carried, pos, pos + taken)
      this.#carried += taken
      pos += taken
      if (this.#carried < this.#needed) return
      const frame = this.#carry
      this.#carried = 0
      this.#run(frame, 0)
    }
    if (pos < chunk.length) this.#run(chunk, pos)
  }

  #readPreface(chunk: Buffer): number {
    let pos = 0
    while (this.#prefaceLeft > 0 && pos < chunk.length) {
      if (chunk[pos] !== PREFACE[PREFACE.length - this.#prefaceLeft]) {
        this.stop()
        this.#handler.onBadPreface()
        return chunk.length
      }
      this.#prefaceLeft--
      pos++
    }
    return pos
  }

  #run(bytes: Buffer, from: number): void {
    const end = bytes.length
    let pos = from
    while (!this.#stopped && pos < end) {
      if (this.#inData) {
        pos = this.#readData(bytes, pos)
        continue
      }
      if (end - pos < FRAME_HEADER_BYTES) {
        this.#keep(bytes, pos, FRAME_HEADER_BYTES)
        return
      }
      const length = (bytes[pos]! << 16) | (bytes[pos + 1]! << 8) | bytes[pos + 2]!
      const type = bytes[pos + 3]!
      const flags = bytes[pos + 4]!
      const streamId = readUint32(bytes, pos + 5) & 0x7fff_ffff
      if (!this.#handler.acceptsFrame(type, flags, streamId, length)) {
        this.stop()
        return
      }
      if (type === FRAME.data) {
        pos = this.#startData(bytes, pos, flags, streamId, length)
        if (pos < 0) return
        continue
      }
      const after = pos + FRAME_HEADER_BYTES + length
      if (after > end) {
        this.#keep(bytes, pos, FRAME_HEADER_BYTES + length)
        return
      }
      this.#handler.onFrame(type, flags, streamId, bytes, pos + FRAME_HEADER_BYTES, after)
      pos = after
    }
  }

  /** The position of the data, or -1 when the length of the padding has not come yet. */
  #startData(bytes: Buffer, from: number, flags: number, streamId: number, length: number): number {
    let pos = from + FRAME_HEADER_BYTES
    let padding = 0
    let dataLength = length
    if ((flags & FLAG.padded) !== 0) {
      if (length === 0) dataLength = -1
      else if (pos >= bytes.length) {
        this.#keep(bytes, from, FRAME_HEADER_BYTES + 1)
        return -1
      } else {
        padding = bytes[pos++]!
        dataLength = length - 1 - padding
      }
    }
    this.#isWanted = this.#handler.onDataStart(flags, streamId, length, dataLength)
    if (this.#stopped) return pos
    this.#dataLeft = dataLength
    this.#paddingLeft = padding
    this.#inData = true
    if (dataLength === 0) {
      if (this.#isWanted) this.#handler.onDataPart(NOTHING, true)
      if (padding === 0) this.#endData()
    }
    return pos
  }

  #readData(bytes: Buffer, from: number): number {
    let pos = from
    if (this.#dataLeft > 0) {
      const taken = Math.min(this.#dataLeft, bytes.length - pos)
      this.#dataLeft -= taken
      if (this.#isWanted) {
        const part = taken === bytes.length ? bytes : bytes.subarray(pos, pos + taken)
        this.#handler.onDataPart(part, this.#dataLeft === 0)
      }
      pos += taken
    }
    if (this.#dataLeft === 0) {
      const skipped = Math.min(this.#paddingLeft, bytes.length - pos)
      this.#paddingLeft -= skipped
      pos += skipped
      if (this.#paddingLeft === 0) this.#endData()
    }
    return pos
  }

  #endData(): void {
    this.#inData = false
    if (!this.#stopped) this.#handler.onDataEnd()
  }

  #keep(bytes: Buffer, from: number, needed: number): void {
    this.#carry = Buffer.allocUnsafeSlow(needed)
    this.#carried = bytes.copy(this.#carry, 0, from)
    this.#needed = needed
  }
}
