// A connection's state: streams from their opening to their end, and how all of it ends. What comes in is read by Inbound,
// what goes out is written by Outbound; both tell this class, and streams do.
import type { Socket } from 'node:net'
import type { HeaderList } from '../header-list.ts'
import type { RequestHead } from '../request-head.ts'
import { DETAILS, ERROR_CODE } from './error-code.ts'
import { MAX_WINDOW } from './frame.ts'
import { Inbound, type InboundOwner } from './inbound.ts'
import { Outbound, type OutboundOwner } from './outbound.ts'
import { PeerSettings } from './peer-settings.ts'
import type { Http2SessionHandler } from './session-handler.ts'
import type { Http2Settings } from './session-options.ts'
import { openingBytes } from './settings-frame.ts'
import { Http2Stream, type StreamConnection } from './stream.ts'
import type { Http2StreamHandler } from './stream-handler.ts'
import { NO_RESET, StreamState } from './stream-state.ts'
import { StreamTable } from './stream-table.ts'

const PING_DATA = Buffer.from('weftping', 'latin1')

export class Connection implements StreamConnection, InboundOwner, OutboundOwner {
  readonly #isServer: boolean
  readonly #handler: Http2SessionHandler
  readonly #settings: Http2Settings
  readonly #peer: PeerSettings
  readonly #streams: StreamTable
  readonly #inbound: Inbound
  readonly #outbound: Outbound
  /** Client: opened and not sent yet. */
  #unsent = 0
  #state: 'open' | 'failed' | 'closed' = 'open'
  #failure: string = DETAILS.connectionTermination
  #failureCode: number = ERROR_CODE.cancel
  /** The peer takes no new streams. */
  #isGoingAway = false
  #pings = 0

  constructor(side: 'server' | 'client', socket: Socket, handler: Http2SessionHandler, settings: Http2Settings) {
    const isServer = side === 'server'
    this.#isServer = isServer
    this.#handler = handler
    this.#settings = settings
    this.#peer = new PeerSettings(isServer)
    this.#streams = new StreamTable(isServer)
    this.#outbound = new Outbound(this, socket, settings)
    this.#inbound = new Inbound(isServer, this, settings, this.#peer, this.#streams, this.#outbound)
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  get activeStreams(): number {
    return this.#streams.open.size + this.#unsent
  }

  get canOpenStream(): boolean {
    return (
      this.#state === 'open' &&
      !this.#isGoingAway &&
      this.activeStreams < this.#peer.maxConcurrentStreams &&
      this.#streams.hasIds(this.#unsent)
    )
  }

  get peerAllowsConnect(): boolean {
    return this.#peer.allowsConnect
  }

  get unfinishedStream(): number {
    return this.#inbound.unfinishedStream
  }

  start(): void {
    this.#outbound.raw(openingBytes(this.#isServer ? 'server' : 'client', this.#settings))
  }

  receive(chunk: Buffer): void {
    if (this.#state === 'open') this.#inbound.read(chunk)
  }

  drained(): void {
    if (this.#state !== 'closed') this.#outbound.drained()
  }

  flush(): void {
    this.#outbound.flush()
  }

  end(): void {
    if (this.#state === 'closed') return
    const isRemote = this.#state === 'open'
    this.#state = 'closed'
    this.#inbound.stop()
    for (const stream of this.#streams.open.values()) {
      const handler = this.#forget(stream)
      handler?.onReset(this.#failureCode, isRemote, this.#failure)
    }
  }

  openStream(handler: Http2StreamHandler): Http2Stream {
    this.#unsent++
    return new Http2Stream(this, new StreamState(handler, this.#peer.initialWindow, this.#inbound.streamWindow))
  }

  goAway(code: number, final: boolean): void {
    if (this.#state !== 'open') return
    const { lastPeerId } = this.#streams
    if (final) this.#streams.lastServedId = lastPeerId
    this.#outbound.goAway(final ? lastPeerId : MAX_WINDOW, code, '')
  }

  ping(): void {
    if (this.#state !== 'open') return
    this.#pings++
    this.#outbound.ping(0, PING_DATA, 0)
  }

  sendRequest(stream: StreamState, head: RequestHead, path: string, authority: string, endStream: boolean): void {
    if (stream.id !== 0 || stream.isGone) return
    this.#unsent--
    if (this.#state !== 'open' || this.#isGoingAway || !this.#streams.hasIds(0)) {
      this.#forget(stream)?.onReset(ERROR_CODE.refusedStream, this.#isGoingAway, DETAILS.goAway)
      return
    }
    this.#streams.addOwn(stream)
    stream.sendWindow = this.#peer.initialWindow
    stream.receiveWindow = this.#inbound.streamWindow
    stream.toHead = head.method === 'HEAD'
    stream.toConnect = head.method === 'CONNECT'
    stream.endGiven = stream.localClosed = endStream
    this.#outbound.request(stream, head, path, authority, endStream)
  }

  sendResponse(stream: StreamState, status: number, headers: HeaderList, endStream: boolean): void {
    if (!this.#canSend(stream)) return
    if (status >= 200) stream.hasResponse = true
    stream.endGiven = stream.localClosed = endStream
    this.#outbound.response(stream, status, headers, endStream)
    if (endStream) this.onStreamSent(stream)
  }

  sendData(stream: StreamState, chunk: Buffer, endStream: boolean): void {
    if (!this.#canSend(stream)) return
    stream.endGiven = endStream
    this.#outbound.data(stream, chunk, endStream)
  }

  sendTrailers(stream: StreamState, headers: HeaderList): void {
    if (!this.#canSend(stream)) return
    stream.endGiven = true
    this.#outbound.trailers(stream, headers)
  }

  resetStream(stream: StreamState, code: number): void {
    stream.handler = null
    if (stream.isGone) return
    if (stream.id === 0) {
      this.#unsent--
      this.#forget(stream)
      this.#onFreed()
    } else if (this.#state !== 'open') this.#forget(stream)
    else if (code === ERROR_CODE.noError && stream.endGiven && !stream.localClosed) {
      // A server that has answered in full need not hear the rest (RFC 9113 8.1); the answer goes out first.
      stream.resetAfter = code
    } else this.abort(stream, code)
  }

  resumeStream(stream: StreamState): void {
    if (this.#state === 'open' && !stream.isGone) this.#inbound.window.release(stream)
  }

  onStreamSent(stream: StreamState): void {
    const { handler } = stream
    if (stream.remoteClosed) this.finish(stream)
    else if (stream.resetAfter !== NO_RESET) this.abort(stream, stream.resetAfter)
    handler?.onSent?.()
  }

  onFlood(details: string): void {
    this.fail(ERROR_CODE.enhanceYourCalm, details)
  }

  onRequest(stream: StreamState, head: RequestHead, fields: number, endStream: boolean): void {
    this.#streams.open.set(stream.id, stream)
    const handler = this.#handler.onRequest(new Http2Stream(this, stream), head, fields, endStream)
    if (!stream.isGone && stream.resetAfter === NO_RESET) stream.handler = handler
  }

  onRequestRefused(code: number, details: string, isFatal: boolean): void {
    this.#handler.onRequestRefused?.(code, details, isFatal)
  }

  onPeerSettings(): void {
    this.#onFreed()
  }

  onPingAnswer(): void {
    if (this.#pings === 0) return
    this.#pings--
    this.#handler.onPing?.()
  }

  onPeerGoAway(lastStreamId: number, code: number): void {
    this.#isGoingAway = true
    if (!this.#isServer) {
      for (const stream of this.#streams.open.values()) {
        if (stream.id <= lastStreamId) continue
        // Never processed: safe to send again elsewhere (RFC 9113 8.7).
        this.#streams.closed.addReset(stream.id)
        this.#forget(stream)?.onReset(ERROR_CODE.refusedStream, true, DETAILS.goAway)
      }
    }
    this.#handler.onGoAway(lastStreamId, code)
  }

  finish(stream: StreamState): void {
    this.#streams.closed.addEnded(stream.id)
    this.#forget(stream)
    this.#onFreed()
  }

  abort(stream: StreamState, code: number): void {
    this.#streams.closed.addReset(stream.id)
    this.#outbound.rstStream(stream.id, code)
    this.#forget(stream)
    this.#onFreed()
  }

  fail(code: number, details: string): void {
    if (this.#state !== 'open') return
    // First: GOAWAY itself may be one frame too many.
    this.#state = 'failed'
    this.#inbound.stop()
    this.#outbound.goAway(this.#streams.lastPeerId, code, details)
    this.#failure = details
    this.#failureCode = code
    this.#handler.onSessionError(code, details)
  }

  /** The handler that the stream had: it has none any more. */
  #forget(stream: StreamState): Http2StreamHandler | null {
    const handler = stream.handler
    stream.handler = null
    if (stream.isGone) return null
    stream.isGone = true
    this.#streams.open.delete(stream.id)
    stream.queue?.clear()
    stream.trailers = null
    if (stream.held > 0) this.#inbound.window.release(stream)
    return handler
  }

  #onFreed(): void {
    if (!this.#isServer && this.#state === 'open') this.#handler.onCapacity()
  }

  #canSend(stream: StreamState): boolean {
    return this.#state === 'open' && stream.id !== 0 && !stream.isGone && !stream.endGiven
  }
}
