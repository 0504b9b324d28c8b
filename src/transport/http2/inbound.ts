// The receiving half of a connection: what frames mean for its streams (RFC 9113 5, 6, 8).
import type { RequestHead } from '../request-head.ts'
import { DETAILS, ERROR_CODE } from './error-code.ts'
import { DEFAULT_WINDOW, FLAG, MAX_WINDOW, SETTING } from './frame.ts'
import { HeadBuilder, SECTION } from './head-builder.ts'
import { HeaderDecoder } from './hpack/header-decoder.ts'
import { type FrameEvents, InboundFrames } from './inbound-frames.ts'
import { InboundWindow } from './inbound-window.ts'
import type { Outbound } from './outbound.ts'
import type { PeerSettings } from './peer-settings.ts'
import type { Http2Settings } from './session-options.ts'
import { StreamState } from './stream-state.ts'
import type { StreamTable } from './stream-table.ts'

/** The session, which streams belong to. */
export interface InboundOwner {
  /** False: nothing that comes means anything any more. */
  readonly isOpen: boolean
  /** The stream is new, and has no handler yet. */
  onRequest(stream: StreamState, head: RequestHead, fields: number, endStream: boolean): void
  onRequestRefused(code: number, details: string, isFatal: boolean): void
  onPeerSettings(): void
  onPingAnswer(): void
  onPeerGoAway(lastStreamId: number, code: number): void
  /** Both sides are done with the stream, or the peer gave it up. */
  finish(stream: StreamState): void
  /** The stream ends with a RST_STREAM from here. */
  abort(stream: StreamState, code: number): void
  /** The connection ends. */
  fail(code: number, details: string): void
}

/** Stream errors that a peer may cause before more than half of its streams have to be good ones (CVE-2025-8671). */
const TOLERATED_STREAM_ERRORS = 250

/** Shared: a block is decoded in one go. */
const builder = new HeadBuilder()

export class Inbound implements FrameEvents {
  readonly window: InboundWindow
  readonly #isServer: boolean
  readonly #owner: InboundOwner
  readonly #settings: Http2Settings
  readonly #peer: PeerSettings
  readonly #streams: StreamTable
  readonly #outbound: Outbound
  readonly #frames: InboundFrames
  readonly #decoder = new HeaderDecoder()
  #streamErrors = 0
  /** What open streams began with, or were moved to. */
  #sendWindow = DEFAULT_WINDOW
  /** The peer has our settings. */
  #isAcknowledged = false
  // The DATA frame under way; null: nobody wants it.
  #dataStream: StreamState | null = null
  #dataLength = 0
  #dataEnds = false

  constructor(
    isServer: boolean,
    owner: InboundOwner,
    settings: Http2Settings,
    peer: PeerSettings,
    streams: StreamTable,
    outbound: Outbound,
  ) {
    this.#isServer = isServer
    this.#owner = owner
    this.#settings = settings
    this.#peer = peer
    this.#streams = streams
    this.#outbound = outbound
    this.#frames = new InboundFrames(this, settings, isServer)
    this.window = new InboundWindow(outbound, settings)
    this.#decoder.setLimit(settings.headerTableSize, false)
  }

  get openedStreams(): number {
    return this.#streams.opened
  }

  get sentDataFrames(): number {
    return this.#outbound.dataFrames
  }

  /** Of a new stream. */
  get streamWindow(): number {
    const { initialStreamWindow } = this.#settings
    // RFC 9113 6.9.3: before it has our settings the peer goes by the default.
    return this.#isAcknowledged ? initialStreamWindow : Math.max(initialStreamWindow, DEFAULT_WINDOW)
  }

  get unfinishedStream(): number {
    return this.#frames.unfinishedStream
  }

  read(chunk: Buffer): void {
    this.#frames.read(chunk)
  }

  stop(): void {
    this.#frames.stop()
  }

  onHeaderBlock(streamId: number, endStream: boolean, bytes: Buffer, from: number, to: number): void {
    const stream = this.#streams.open.get(streamId)
    const isNew = stream === undefined && this.#streams.isNext(streamId)
    if (stream === undefined && !isNew && !this.#isDropped(streamId)) {
      const code = this.#streams.closed.hasEnded(streamId) ? ERROR_CODE.streamClosed : ERROR_CODE.protocolError
      this.#owner.fail(code, code === ERROR_CODE.protocolError ? DETAILS.frame : DETAILS.streamClosed)
      return
    }
    let section: number = SECTION.discarded
    if (isNew) {
      this.#streams.lastPeerId = streamId
      if (streamId <= this.#streams.lastServedId) section = SECTION.request
    } else if (stream !== undefined && !stream.remoteClosed) {
      section = this.#isServer || stream.hasResponse ? SECTION.trailers : SECTION.response
    }
    builder.begin(section, this.#settings)
    // Whatever becomes of the fields, the table has to see them.
    if (!this.#decoder.decode(bytes, from, to, builder)) {
      if (section === SECTION.request) this.#loseRequest(ERROR_CODE.compressionError, DETAILS.compression)
      this.#owner.fail(ERROR_CODE.compressionError, DETAILS.compression)
    } else if (section === SECTION.request) this.#onRequest(streamId, endStream)
    else if (section === SECTION.response) this.#onResponse(stream!, endStream)
    else if (section === SECTION.trailers) this.#onTrailers(stream!, endStream)
    else if (stream !== undefined) this.onStreamError(streamId, ERROR_CODE.streamClosed, DETAILS.streamClosed)
  }

  onDataStart(streamId: number, endStream: boolean, length: number, dataLength: number): boolean {
    this.#dataStream = null
    this.#dataLength = length
    if (!this.window.take(length)) {
      this.#owner.fail(ERROR_CODE.flowControlError, DETAILS.flowControl)
      return false
    }
    const stream = this.#streams.open.get(streamId)
    if (stream === undefined) {
      if (this.#isDropped(streamId)) return false
      const isIdle = this.#streams.isIdle(streamId)
      const code = isIdle ? ERROR_CODE.protocolError : ERROR_CODE.streamClosed
      this.#owner.fail(code, isIdle ? DETAILS.frame : DETAILS.streamClosed)
      return false
    }
    if (stream.remoteClosed) return this.#refuseData(streamId, ERROR_CODE.streamClosed, DETAILS.streamClosed)
    if (!this.window.takeFrom(stream, length)) {
      return this.#refuseData(streamId, ERROR_CODE.flowControlError, DETAILS.flowControl)
    }
    if (!this.#fits(stream, endStream, dataLength)) {
      return this.#refuseData(streamId, ERROR_CODE.protocolError, DETAILS.messaging)
    }
    this.#dataStream = stream
    this.#dataEnds = endStream
    return true
  }

  onDataPart(part: Buffer, isLast: boolean): void {
    const stream = this.#dataStream
    if (stream === null || stream.isGone) return
    const endStream = isLast && this.#dataEnds
    if (part.length === 0 && !endStream) return
    const handler = stream.handler
    if (endStream) this.#endRemote(stream)
    handler?.onData(part, endStream)
  }

  onDataEnd(): void {
    const stream = this.#dataStream
    this.#dataStream = null
    this.window.credit(stream, this.#dataLength)
  }

  onRstStream(streamId: number, code: number): void {
    const stream = this.#streams.open.get(streamId)
    if (stream === undefined) {
      if (this.#streams.isIdle(streamId)) this.#owner.fail(ERROR_CODE.protocolError, DETAILS.frame)
      return
    }
    const handler = stream.handler
    stream.handler = null
    this.#owner.finish(stream)
    handler?.onReset(code, true, code === ERROR_CODE.refusedStream ? DETAILS.remoteRefuse : DETAILS.remoteReset)
  }

  onSetting(id: number, value: number): void {
    if (!this.#owner.isOpen) return
    const error = this.#peer.set(id, value)
    if (error !== ERROR_CODE.noError) {
      this.#owner.fail(error, error === ERROR_CODE.flowControlError ? DETAILS.flowControl : DETAILS.frame)
    } else if (id === SETTING.headerTableSize) this.#outbound.encoder.setLimit(value)
  }

  onSettings(): void {
    if (!this.#owner.isOpen) return
    this.#peer.onComplete()
    // Once a frame, however often it names the window: there may be many streams.
    const difference = this.#peer.initialWindow - this.#sendWindow
    this.#sendWindow += difference
    if (difference !== 0) this.#moveWindows(difference)
    this.#outbound.settingsAck()
    this.#owner.onPeerSettings()
  }

  onSettingsAck(): void {
    if (this.#isAcknowledged) return
    this.#isAcknowledged = true
    this.#decoder.setLimit(this.#settings.headerTableSize, true)
  }

  onPing(bytes: Buffer, at: number): void {
    this.#outbound.ping(FLAG.ack, bytes, at)
  }

  onPingAck(): void {
    this.#owner.onPingAnswer()
  }

  onPeerGoAway(lastStreamId: number, code: number): void {
    this.#owner.onPeerGoAway(lastStreamId, code)
  }

  onWindowUpdate(streamId: number, increment: number): void {
    const outbound = this.#outbound
    if (streamId === 0) {
      if (increment === 0) this.#owner.fail(ERROR_CODE.protocolError, DETAILS.frame)
      else if (outbound.window + increment > MAX_WINDOW) {
        this.#owner.fail(ERROR_CODE.flowControlError, DETAILS.flowControl)
      } else {
        outbound.window += increment
        outbound.wakeAll()
      }
      return
    }
    const stream = this.#streams.open.get(streamId)
    if (stream === undefined) {
      if (this.#streams.isIdle(streamId)) this.#owner.fail(ERROR_CODE.protocolError, DETAILS.frame)
    } else if (increment === 0) this.onStreamError(streamId, ERROR_CODE.protocolError, DETAILS.frame)
    else if (stream.sendWindow + increment > MAX_WINDOW) {
      this.onStreamError(streamId, ERROR_CODE.flowControlError, DETAILS.flowControl)
    } else {
      stream.sendWindow += increment
      outbound.wake(stream)
    }
  }

  onConnectionError(code: number, details: string): void {
    if (this.#streams.isNext(this.unfinishedStream)) this.#loseRequest(code, details)
    this.#owner.fail(code, details)
  }

  onStreamError(streamId: number, code: number, details: string): void {
    if (!this.#owner.isOpen) return
    if (++this.#streamErrors > TOLERATED_STREAM_ERRORS && this.#streamErrors * 2 > this.#streams.opened) {
      this.#owner.fail(ERROR_CODE.enhanceYourCalm, DETAILS.streamErrorFlood)
      return
    }
    const stream = this.#streams.open.get(streamId)
    if (stream === undefined) {
      this.#streams.closed.addReset(streamId)
      this.#outbound.rstStream(streamId, code)
      return
    }
    const handler = stream.handler
    stream.handler = null
    this.#owner.abort(stream, code)
    handler?.onReset(code, false, details)
  }

  #onRequest(streamId: number, endStream: boolean): void {
    this.#streams.opened++
    if (this.#streams.open.size >= this.#settings.maxConcurrentStreams) {
      // No error to hold against the client: it may have sent many before it knew.
      this.#streams.closed.addReset(streamId)
      this.#outbound.rstStream(streamId, ERROR_CODE.refusedStream)
      this.#owner.onRequestRefused(ERROR_CODE.refusedStream, DETAILS.streamLimit, false)
      return
    }
    if (builder.overflow !== '') {
      this.#refuseRequest(streamId, ERROR_CODE.internalError, builder.overflow)
      return
    }
    const head = builder.request(this.#settings.allowConnect)
    if (head === null || (endStream && builder.contentLength > 0)) {
      this.#onMalformed(streamId, builder.violation)
      return
    }
    const stream = new StreamState(null, this.#peer.initialWindow, this.streamWindow)
    stream.id = streamId
    stream.expected = builder.contentLength
    stream.remoteClosed = endStream
    this.#owner.onRequest(stream, head, builder.fields, endStream)
  }

  #onResponse(stream: StreamState, endStream: boolean): void {
    if (builder.overflow !== '') {
      this.onStreamError(stream.id, ERROR_CODE.internalError, builder.overflow)
      return
    }
    const head = builder.response()
    if (head === null || !canHaveLength(stream, head.status, builder.contentLength, endStream)) {
      this.#onMalformed(stream.id, builder.violation)
      return
    }
    const fields = builder.fields
    if (head.status >= 200) {
      stream.hasResponse = true
      const hasNoBody = stream.toHead || head.status === 204 || head.status === 304
      if (!stream.toConnect) stream.expected = hasNoBody ? 0 : builder.contentLength
    }
    const handler = stream.handler
    if (endStream) this.#endRemote(stream)
    handler?.onResponse(head, fields, endStream)
  }

  #onTrailers(stream: StreamState, endStream: boolean): void {
    if (builder.overflow !== '') {
      this.onStreamError(stream.id, ERROR_CODE.internalError, builder.overflow)
    } else if (builder.violation !== '' || !endStream) this.#onMalformed(stream.id, builder.violation)
    else if (stream.expected > 0) this.onStreamError(stream.id, ERROR_CODE.protocolError, DETAILS.messaging)
    else {
      const handler = stream.handler
      const { headers } = builder
      this.#endRemote(stream)
      handler?.onTrailers(headers)
    }
  }

  /** RFC 9113 8.1.1, or the whole connection, as Envoy does unless told otherwise. */
  #onMalformed(streamId: number, violation: string): void {
    const details = violation === '' ? DETAILS.messaging : violation
    const isRequest = !this.#streams.open.has(streamId)
    if (!this.#settings.streamErrorOnInvalidMessage) {
      if (isRequest) this.#loseRequest(ERROR_CODE.protocolError, details)
      this.#owner.fail(ERROR_CODE.protocolError, details)
    } else if (isRequest) this.#refuseRequest(streamId, ERROR_CODE.protocolError, details)
    else this.onStreamError(streamId, ERROR_CODE.protocolError, details)
  }

  /** The connection ends in the head of a request: with it, unless there was no place for it anyway. */
  #loseRequest(code: number, details: string): void {
    if (this.#streams.open.size < this.#settings.maxConcurrentStreams) this.#owner.onRequestRefused(code, details, true)
  }

  #refuseRequest(streamId: number, code: number, details: string): void {
    this.onStreamError(streamId, code, details)
    if (this.#owner.isOpen) this.#owner.onRequestRefused(code, details, false)
  }

  /** RFC 9113 8.1.1: data follows a head, and content-length tells no lie. */
  #fits(stream: StreamState, endStream: boolean, dataLength: number): boolean {
    if (!this.#isServer && !stream.hasResponse) return false
    if (stream.expected < 0) return true
    stream.expected -= dataLength
    return stream.expected === 0 || (stream.expected > 0 && !endStream)
  }

  #refuseData(streamId: number, code: number, details: string): boolean {
    this.onStreamError(streamId, code, details)
    return false
  }

  /** RFC 9113 6.9.2: windows of open streams move by the difference, below zero if need be. */
  #moveWindows(difference: number): void {
    for (const stream of this.#streams.open.values()) {
      stream.sendWindow += difference
      if (stream.sendWindow > MAX_WINDOW) {
        this.#owner.fail(ERROR_CODE.flowControlError, DETAILS.flowControl)
        return
      }
      this.#outbound.wake(stream)
    }
  }

  /** The peer could not know yet that nobody listens. */
  #isDropped(streamId: number): boolean {
    return this.#streams.closed.wasReset(streamId) || this.#streams.isIgnored(streamId)
  }

  #endRemote(stream: StreamState): void {
    stream.remoteClosed = true
    if (stream.localClosed) this.#owner.finish(stream)
  }
}

/** RFC 9110 8.6: whether a response can say so of its length. -1: it says nothing. */
function canHaveLength(stream: StreamState, status: number, length: number, endStream: boolean): boolean {
  if (status < 200) return !endStream && length <= 0
  if (status === 204) return length <= 0
  return length <= 0 || !endStream || status === 304 || stream.toHead || stream.toConnect
}
