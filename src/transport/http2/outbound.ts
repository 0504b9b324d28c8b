// The sending half of a connection: heads compressed, data within its windows (RFC 9113 5.2), all frames of one turn in one
// write, and a bound on what a peer that does not read may have us keep.
import type { Socket } from 'node:net'
import type { HeaderList } from '../header-list.ts'
import { type Flushable, joinBatch } from '../http/write-batch.ts'
import type { RequestHead } from '../request-head.ts'
import { DETAILS } from './error-code.ts'
import {
  DEFAULT_WINDOW,
  FLAG,
  FRAME,
  FRAME_HEADER_BYTES,
  FRAME_PAYLOAD_BYTES,
  writeFrameHeader,
  writeUint32,
} from './frame.ts'
import { FrameWriter } from './frame-writer.ts'
import { HeaderEncoder } from './hpack/header-encoder.ts'
import { SendSchedule } from './send-schedule.ts'
import type { Http2Settings } from './session-options.ts'
import { StreamQueue } from './stream-queue.ts'
import type { StreamState } from './stream-state.ts'

export interface OutboundOwner {
  /** All that the stream had to send has been written, END_STREAM included. */
  onStreamSent(stream: StreamState): void
  onFlood(details: string): void
}

/** Data handed to the socket before it is asked whether it takes more. */
const TURN_BYTES = 65_536

export class Outbound implements Flushable {
  readonly encoder = new HeaderEncoder()
  /** The connection's. */
  window = DEFAULT_WINDOW
  /** DATA frames ever sent. */
  dataFrames = 0
  readonly #owner: OutboundOwner
  readonly #settings: Http2Settings
  readonly #writer: FrameWriter
  readonly #schedule = new SendSchedule()
  /** Frames that may still wait for the socket. */
  #frames = 0
  #controlFrames = 0
  #queued = false
  #pumping = false
  // The header block under way: in the writer's block, or by itself when no frame is large enough.
  #block: Buffer = NOTHING
  #blockAt = 0
  #isLarge = false

  constructor(owner: OutboundOwner, socket: Socket, settings: Http2Settings) {
    this.#owner = owner
    this.#settings = settings
    this.#writer = new FrameWriter(socket)
  }

  drained(): void {
    this.#writer.drained()
    this.#frames = this.#controlFrames = 0
    this.#queue()
  }

  flush(): void {
    this.#queued = false
    if (this.#pumping) {
      // A stream that has just been sent may be the last of a connection that now ends.
      this.#writer.flush()
      return
    }
    this.#pumping = true
    this.#pump()
    this.#pumping = false
  }

  request(stream: StreamState, head: RequestHead, path: string, authority: string, endStream: boolean): void {
    const { method, scheme, headers, protocol } = head
    const isPlainConnect = method === 'CONNECT' && protocol === ''
    let at = this.#openBlock(
      headers,
      method.length + scheme.length + path.length + authority.length + protocol.length + PSEUDO_BYTES,
    )
    const encoder = this.encoder
    const block = this.#block
    at = encoder.field(block, at, ':method', method)
    if (!isPlainConnect) {
      at = encoder.field(block, at, ':scheme', scheme)
      at = encoder.field(block, at, ':path', path)
    }
    at = encoder.field(block, at, ':authority', authority)
    if (protocol !== '') at = encoder.field(block, at, ':protocol', protocol)
    this.#closeBlock(stream.id, headers, at, endStream)
  }

  response(stream: StreamState, status: number, headers: HeaderList, endStream: boolean): void {
    let at = this.#openBlock(headers, PSEUDO_BYTES)
    if (status === 200) this.#block[at++] = STATUS_200
    else at = this.encoder.field(this.#block, at, ':status', String(status))
    this.#closeBlock(stream.id, headers, at, endStream)
  }

  /** The caller has seen to it that nothing follows an end. */
  data(stream: StreamState, chunk: Buffer, endStream: boolean): void {
    const length = chunk.length
    let queue = stream.queue
    if (
      (queue === null || queue.bytes === 0) &&
      (length === 0 ||
        (length <= FRAME_PAYLOAD_BYTES &&
          length <= stream.sendWindow &&
          length <= this.window &&
          this.#schedule.isEmpty &&
          !this.#writer.isBlocked))
    ) {
      if (length === 0 && !endStream) return
      this.#dataHeader(stream, length, endStream)
      if (length > 0) this.#writer.body(chunk, 0, length)
      this.#count()
      if (endStream) this.#finish(stream)
      return
    }
    if (length > 0) {
      if (queue === null) queue = stream.queue = new StreamQueue()
      queue.push(chunk)
      if (stream.sendWindow > 0) this.#schedule.add(stream)
      if (this.window > 0 && !this.#writer.isBlocked) this.#queue()
    }
  }

  /** After what is queued. */
  trailers(stream: StreamState, headers: HeaderList): void {
    if (stream.queue !== null && stream.queue.bytes > 0) {
      stream.trailers = headers
      return
    }
    this.#closeBlock(stream.id, headers, this.#openBlock(headers, 0), true)
    this.#finish(stream)
  }

  /** The stream's window, or what it has to send, may have grown. */
  wake(stream: StreamState): void {
    if (stream.queue === null || stream.queue.bytes === 0 || stream.sendWindow <= 0) return
    this.#schedule.add(stream)
    if (this.window > 0) this.#queue()
  }

  /** The connection's window has grown. */
  wakeAll(): void {
    if (!this.#schedule.isEmpty) this.#queue()
  }

  rstStream(streamId: number, code: number): void {
    const writer = this.#writer
    const bytes = writer.reserve(FRAME_HEADER_BYTES + 4)
    writer.position = writeUint32(
      bytes,
      writeFrameHeader(bytes, writer.position, 4, FRAME.rstStream, 0, streamId),
      code,
    )
    this.#countControl()
  }

  windowUpdate(streamId: number, increment: number): void {
    const writer = this.#writer
    const bytes = writer.reserve(FRAME_HEADER_BYTES + 4)
    const at = writeFrameHeader(bytes, writer.position, 4, FRAME.windowUpdate, 0, streamId)
    writer.position = writeUint32(bytes, at, increment)
    this.#count()
  }

  settingsAck(): void {
    const writer = this.#writer
    const bytes = writer.reserve(FRAME_HEADER_BYTES)
    writer.position = writeFrameHeader(bytes, writer.position, 0, FRAME.settings, FLAG.ack, 0)
    this.#countControl()
  }

  /** The eight bytes of `from` at `at`: the peer's, or ours. */
  ping(flags: number, from: Buffer, at: number): void {
    const writer = this.#writer
    const bytes = writer.reserve(FRAME_HEADER_BYTES + 8)
    const pos = writeFrameHeader(bytes, writer.position, 8, FRAME.ping, flags, 0)
    from.copy(bytes, pos, at, at + 8)
    writer.position = pos + 8
    this.#countControl()
  }

  goAway(lastStreamId: number, code: number, details: string): void {
    const writer = this.#writer
    const bytes = writer.reserve(FRAME_HEADER_BYTES + 8 + details.length)
    let at = writeFrameHeader(bytes, writer.position, 8 + details.length, FRAME.goAway, 0, 0)
    at = writeUint32(bytes, writeUint32(bytes, at, lastStreamId), code)
    writer.position = at + bytes.write(details, at, 'latin1')
    this.#count()
  }

  /** Frames made elsewhere: preface and settings. */
  raw(bytes: Buffer): void {
    this.#writer.body(bytes, 0, bytes.length)
    this.#count()
  }

  #pump(): void {
    const writer = this.#writer
    for (;;) {
      let budget = TURN_BYTES
      while (budget > 0 && this.window > 0 && !writer.isBlocked) {
        const stream = this.#schedule.take()
        if (stream === null) break
        budget -= this.#sendFrame(stream)
      }
      writer.flush()
      if (!writer.isBlocked) this.#frames = this.#controlFrames = 0
      if (budget > 0 || writer.isBlocked) return
    }
  }

  /** One DATA frame of what a stream has queued; its length. */
  #sendFrame(stream: StreamState): number {
    const queue = stream.queue
    if (queue === null || queue.bytes === 0 || stream.sendWindow <= 0) return 0
    const length = Math.min(queue.bytes, FRAME_PAYLOAD_BYTES, stream.sendWindow, this.window)
    const isLast = length === queue.bytes
    this.#dataHeader(stream, length, isLast && stream.endGiven && stream.trailers === null)
    let left = length
    let isDrained = false
    while (left > 0) {
      const chunk = queue.first
      const from = queue.offset
      const taken = Math.min(left, chunk.length - from)
      this.#writer.body(chunk, from, from + taken)
      if (queue.shift(taken)) isDrained = true
      left -= taken
    }
    this.#count()
    if (!isLast) {
      if (stream.sendWindow > 0) this.#schedule.add(stream)
    } else if (stream.trailers !== null) this.trailers(stream, stream.trailers)
    else if (stream.endGiven) this.#finish(stream)
    if (isDrained && stream.handler !== null) stream.handler.onDrained()
    return length
  }

  #dataHeader(stream: StreamState, length: number, endStream: boolean): void {
    const writer = this.#writer
    const bytes = writer.reserve(FRAME_HEADER_BYTES)
    const flags = endStream ? FLAG.endStream : 0
    writer.position = writeFrameHeader(bytes, writer.position, length, FRAME.data, flags, stream.id)
    stream.sendWindow -= length
    this.window -= length
    this.dataFrames++
  }

  #finish(stream: StreamState): void {
    stream.localClosed = true
    this.#owner.onStreamSent(stream)
  }

  /** Makes room for the fields and `more`; where the block begins. */
  #openBlock(headers: HeaderList, more: number): number {
    let size = HeaderEncoder.blockOverhead + more
    for (let i = 0; i < headers.length; i += 2) size += HeaderEncoder.sizeOf(headers[i]!, headers[i + 1]!)
    this.#isLarge = size > FRAME_PAYLOAD_BYTES
    if (this.#isLarge) {
      this.#block = Buffer.allocUnsafe(size)
      this.#blockAt = 0
    } else {
      this.#block = this.#writer.reserve(FRAME_HEADER_BYTES + size)
      this.#blockAt = this.#writer.position + FRAME_HEADER_BYTES
    }
    return this.encoder.begin(this.#block, this.#blockAt)
  }

  #closeBlock(streamId: number, headers: HeaderList, from: number, endStream: boolean): void {
    const encoder = this.encoder
    const block = this.#block
    let at = from
    for (let i = 0; i < headers.length; i += 2) at = encoder.field(block, at, headers[i]!, headers[i + 1]!)
    const flags = endStream ? FLAG.endStream : 0
    if (this.#isLarge) this.#splitBlock(streamId, at, flags)
    else {
      const writer = this.#writer
      writeFrameHeader(block, writer.position, at - this.#blockAt, FRAME.headers, flags | FLAG.endHeaders, streamId)
      writer.position = at
      this.#count()
    }
    this.#block = NOTHING
  }

  /** RFC 9113 4.3: HEADERS and CONTINUATION, with nothing between them. */
  #splitBlock(streamId: number, end: number, flags: number): void {
    const writer = this.#writer
    let from = 0
    do {
      const length = Math.min(end - from, FRAME_PAYLOAD_BYTES)
      const bytes = writer.reserve(FRAME_HEADER_BYTES)
      const own = (from === 0 ? flags : 0) | (from + length === end ? FLAG.endHeaders : 0)
      const type = from === 0 ? FRAME.headers : FRAME.continuation
      writer.position = writeFrameHeader(bytes, writer.position, length, type, own, streamId)
      writer.body(this.#block, from, from + length)
      this.#frames++
      from += length
    } while (from < end)
    this.#count()
  }

  #countControl(): void {
    if (++this.#controlFrames > this.#settings.maxOutboundControlFrames) this.#relieve(DETAILS.outboundControlFlood)
    this.#count()
  }

  #count(): void {
    if (++this.#frames > this.#settings.maxOutboundFrames) this.#relieve(DETAILS.outboundFlood)
    this.#queue()
  }

  /** Too many frames are only those that the socket does not take. */
  #relieve(details: string): void {
    this.#writer.flush()
    if (this.#writer.isBlocked) this.#owner.onFlood(details)
    else this.#frames = this.#controlFrames = 0
  }

  #queue(): void {
    if (this.#queued || this.#pumping) return
    this.#queued = joinBatch(this)
    if (!this.#queued) this.flush()
  }
}

const NOTHING = Buffer.alloc(0)
/** Entry 8 of the static table. */
const STATUS_200 = 0x88
/** Names of the pseudo-header fields and what stands before names and values. */
const PSEUDO_BYTES = 128
