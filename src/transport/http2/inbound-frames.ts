// What frames may look like, before what they mean (RFC 9113 6): sizes, stream ids, header blocks in several frames, and
// how many of the kinds that cost the sender nothing (Envoy's flood protection).
import { DETAILS, ERROR_CODE } from './error-code.ts'
import { FLAG, FRAME, FRAME_PAYLOAD_BYTES, readUint32 } from './frame.ts'
import { type FrameHandler, FrameReader } from './frame-reader.ts'
import type { Http2Settings } from './session-options.ts'

/** The connection, told of frames that are well formed. */
export interface FrameEvents {
  /** DATA frames ever sent, and streams ever opened: what a peer has reason to update windows and priorities for. */
  readonly sentDataFrames: number
  readonly openedStreams: number
  /** The whole block is `bytes[from, to)`, valid during the call. */
  onHeaderBlock(streamId: number, endStream: boolean, bytes: Buffer, from: number, to: number): void
  /** As FrameHandler's. */
  onDataStart(streamId: number, endStream: boolean, length: number, dataLength: number): boolean
  onDataPart(part: Buffer, isLast: boolean): void
  onDataEnd(): void
  onRstStream(streamId: number, code: number): void
  onSetting(id: number, value: number): void
  /** After all settings of a frame. */
  onSettings(): void
  onSettingsAck(): void
  /** The eight bytes at `at`. */
  onPing(bytes: Buffer, at: number): void
  onPingAck(): void
  onPeerGoAway(lastStreamId: number, code: number): void
  onWindowUpdate(streamId: number, increment: number): void
  onStreamError(streamId: number, code: number, details: string): void
  onConnectionError(code: number, details: string): void
}

const NOTHING = Buffer.alloc(0)

export class InboundFrames implements FrameHandler {
  readonly #events: FrameEvents
  readonly #settings: Http2Settings
  readonly #reader: FrameReader
  #isFirst = true
  // The header block under way; stream 0: none.
  #blockStream = 0
  #blockEnds = false
  #block: Buffer = NOTHING
  #blockBytes = 0
  #blockFrames = 0
  // Floods.
  #emptyFrames = 0
  #priorityFrames = 0
  #windowUpdates = 0

  constructor(events: FrameEvents, settings: Http2Settings, expectsPreface: boolean) {
    this.#events = events
    this.#settings = settings
    this.#reader = new FrameReader(this, expectsPreface)
  }

  /** Whose header block has begun and not ended; 0: none. */
  get unfinishedStream(): number {
    return this.#blockStream
  }

  read(chunk: Buffer): void {
    this.#reader.read(chunk)
  }

  stop(): void {
    this.#reader.stop()
    this.#block = NOTHING
  }

  onBadPreface(): void {
    this.#events.onConnectionError(ERROR_CODE.protocolError, DETAILS.preface)
  }

  acceptsFrame(type: number, flags: number, streamId: number, length: number): boolean {
    if (length > FRAME_PAYLOAD_BYTES) return this.#refuse(ERROR_CODE.frameSizeError, DETAILS.frameSize)
    // RFC 9113 3.4: each side begins with its settings.
    if (this.#isFirst && (type !== FRAME.settings || (flags & FLAG.ack) !== 0)) return this.#refuseFrame()
    // RFC 9113 4.3: a header block is not interrupted.
    if (this.#blockStream !== 0) {
      return (type === FRAME.continuation && streamId === this.#blockStream) || this.#refuseFrame()
    }
    if (type === FRAME.data || type === FRAME.headers || type === FRAME.priority) {
      return streamId !== 0 || this.#refuseFrame()
    }
    if (type === FRAME.windowUpdate) return length === 4 || this.#refuse(ERROR_CODE.frameSizeError, DETAILS.frameSize)
    if (type === FRAME.rstStream) return this.#isSized(streamId !== 0, length === 4)
    if (type === FRAME.settings) {
      return this.#isSized(streamId === 0, length % 6 === 0 && ((flags & FLAG.ack) === 0 || length === 0))
    }
    if (type === FRAME.ping) return this.#isSized(streamId === 0, length === 8)
    if (type === FRAME.goAway) return this.#isSized(streamId === 0, length >= 8)
    // No push is enabled (RFC 9113 8.4), and no block is open. What is not known is ignored (RFC 9113 5.5).
    return (type !== FRAME.pushPromise && type !== FRAME.continuation) || this.#refuseFrame()
  }

  onFrame(type: number, flags: number, streamId: number, bytes: Buffer, from: number, to: number): void {
    this.#isFirst = false
    const events = this.#events
    if (type === FRAME.headers) this.#onHeaders(flags, streamId, bytes, from, to)
    else if (type === FRAME.windowUpdate) this.#onWindowUpdate(streamId, readUint32(bytes, from) & 0x7fff_ffff)
    else if (type === FRAME.rstStream) events.onRstStream(streamId, readUint32(bytes, from))
    else if (type === FRAME.settings) this.#onSettings(flags, bytes, from, to)
    else if (type === FRAME.ping) {
      if ((flags & FLAG.ack) !== 0) events.onPingAck()
      else events.onPing(bytes, from)
    } else if (type === FRAME.continuation) this.#onContinuation(flags, streamId, bytes, from, to)
    else if (type === FRAME.priority) this.#onPriority(streamId, bytes, from, to)
    else if (type === FRAME.goAway) {
      events.onPeerGoAway(readUint32(bytes, from) & 0x7fff_ffff, readUint32(bytes, from + 4))
    }
  }

  onDataStart(flags: number, streamId: number, length: number, dataLength: number): boolean {
    const endStream = (flags & FLAG.endStream) !== 0
    if (dataLength < 0) {
      // RFC 9113 6.1.
      this.#refuseFrame()
      return false
    }
    return this.#isNoFlood(dataLength, endStream) && this.#events.onDataStart(streamId, endStream, length, dataLength)
  }

  onDataPart(part: Buffer, isLast: boolean): void {
    this.#events.onDataPart(part, isLast)
  }

  onDataEnd(): void {
    this.#events.onDataEnd()
  }

  #onHeaders(flags: number, streamId: number, bytes: Buffer, from: number, to: number): void {
    let start = from
    let end = to
    if ((flags & FLAG.padded) !== 0) {
      if (start >= end) return void this.#refuse(ERROR_CODE.frameSizeError, DETAILS.frameSize)
      end -= bytes[start++]!
    }
    if ((flags & FLAG.priority) !== 0) {
      if (start + 5 > to) return void this.#refuse(ERROR_CODE.frameSizeError, DETAILS.frameSize)
      // RFC 7540 5.3.1: a stream does not depend on itself.
      if (start + 5 <= end && (readUint32(bytes, start) & 0x7fff_ffff) === streamId) return void this.#refuseFrame()
      start += 5
    }
    if (start > end) return void this.#refuseFrame()
    const endStream = (flags & FLAG.endStream) !== 0
    if (!this.#isNoFlood(end - start, endStream)) return
    if ((flags & FLAG.endHeaders) !== 0) {
      this.#events.onHeaderBlock(streamId, endStream, bytes, start, end)
      return
    }
    this.#blockStream = streamId
    this.#blockEnds = endStream
    this.#blockBytes = this.#blockFrames = 0
    this.#append(bytes, start, end)
  }

  /** Bounded in bytes and in frames, as nothing can be told of a block before its end (CVE-2024-27316). */
  #onContinuation(flags: number, streamId: number, bytes: Buffer, from: number, to: number): void {
    const maxBytes = 2 * this.#settings.maxHeaderListBytes + FRAME_PAYLOAD_BYTES
    const maxFrames = MIN_BLOCK_FRAMES + maxBytes / 1024
    if (this.#blockBytes + to - from > maxBytes || ++this.#blockFrames > maxFrames) {
      return void this.#refuse(ERROR_CODE.enhanceYourCalm, DETAILS.continuationFlood)
    }
    const isLast = (flags & FLAG.endHeaders) !== 0
    if (!this.#isNoFlood(to - from, isLast)) return
    this.#append(bytes, from, to)
    if (!isLast) return
    const block = this.#block
    this.#block = NOTHING
    this.#blockStream = 0
    this.#events.onHeaderBlock(streamId, this.#blockEnds, block, 0, this.#blockBytes)
  }

  #append(bytes: Buffer, from: number, to: number): void {
    const length = this.#blockBytes + to - from
    if (length > this.#block.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(FRAME_PAYLOAD_BYTES, length * 2))
      this.#block.copy(larger, 0, 0, this.#blockBytes)
      this.#block = larger
    }
    bytes.copy(this.#block, this.#blockBytes, from, to)
    this.#blockBytes = length
  }

  /** RFC 9113 5.3.2: read no further than must be. */
  #onPriority(streamId: number, bytes: Buffer, from: number, to: number): void {
    if (to - from !== 5) {
      this.#events.onStreamError(streamId, ERROR_CODE.frameSizeError, DETAILS.frameSize)
      return
    }
    const most = this.#settings.maxInboundPriorityFramesPerStream * (1 + this.#events.openedStreams)
    if (++this.#priorityFrames > most) {
      this.#refuse(ERROR_CODE.enhanceYourCalm, DETAILS.priorityFlood)
    } else if ((readUint32(bytes, from) & 0x7fff_ffff) === streamId) {
      this.#events.onStreamError(streamId, ERROR_CODE.protocolError, DETAILS.frame)
    }
  }

  #onWindowUpdate(streamId: number, increment: number): void {
    const events = this.#events
    const { maxInboundWindowUpdateFramesPerDataFrame: perDataFrame } = this.#settings
    const most = 5 + 2 * (events.openedStreams + perDataFrame * events.sentDataFrames)
    if (++this.#windowUpdates > most) this.#refuse(ERROR_CODE.enhanceYourCalm, DETAILS.windowUpdateFlood)
    else events.onWindowUpdate(streamId, increment)
  }

  #onSettings(flags: number, bytes: Buffer, from: number, to: number): void {
    if ((flags & FLAG.ack) !== 0) {
      this.#events.onSettingsAck()
      return
    }
    for (let at = from; at < to; at += 6) {
      this.#events.onSetting((bytes[at]! << 8) | bytes[at + 1]!, readUint32(bytes, at + 2))
    }
    this.#events.onSettings()
  }

  #isNoFlood(length: number, isEnd: boolean): boolean {
    if (length > 0 || isEnd) {
      this.#emptyFrames = 0
      return true
    }
    if (++this.#emptyFrames <= this.#settings.maxConsecutiveInboundEmptyFrames) return true
    return this.#refuse(ERROR_CODE.enhanceYourCalm, DETAILS.emptyFrameFlood)
  }

  #isSized(isStreamRight: boolean, isSizeRight: boolean): boolean {
    if (!isStreamRight) return this.#refuseFrame()
    return isSizeRight || this.#refuse(ERROR_CODE.frameSizeError, DETAILS.frameSize)
  }

  #refuseFrame(): boolean {
    return this.#refuse(ERROR_CODE.protocolError, DETAILS.frame)
  }

  #refuse(code: number, details: string): boolean {
    this.stop()
    this.#events.onConnectionError(code, details)
    return false
  }
}

/** Of CONTINUATION, however small the limits. */
const MIN_BLOCK_FRAMES = 16
