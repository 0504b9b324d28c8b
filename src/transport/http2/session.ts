// One HTTP/2 connection, either side (RFC 9113). Bytes come by `receive` and leave by the socket; the owner attaches the
// socket's listeners and opens write batches.
//
//   receive ─> FrameReader ─> InboundFrames ─> Inbound ─> stream's handler
//              frames         their form       their meaning
//   stream ─> Outbound ─> FrameWriter ─> socket
//             heads, windows, turns
import type { Socket } from 'node:net'
import type { HeaderList } from '../header-list.ts'
import type { RequestHead } from '../request-head.ts'
import { DETAILS, ERROR_CODE } from './error-code.ts'
import { MAX_WINDOW } from './frame.ts'
import { Inbound, type InboundOwner } from './inbound.ts'
import { Outbound, type OutboundOwner } from './outbound.ts'
import { PeerSettings } from './peer-settings.ts'
import type { Http2Settings } from './session-options.ts'
import { openingBytes } from './settings-frame.ts'
import { Http2Stream, type Http2StreamHandler, NO_RESET, type StreamConnection, StreamState } from './stream.ts'
import { StreamTable } from './stream-table.ts'

/** The connection's owner. */
export interface Http2SessionHandler {
  /** Server only: a request; the stream's handler. `fields`: bits of FIELD. */
  onRequest(stream: Http2Stream, head: RequestHead, fields: number, endStream: boolean): Http2StreamHandler
  /** Server only: a request was refused and its stream reset before anyone saw it. */
  onRequestRefused?(code: number, details: string): void
  /** Client only: the peer announced settings, or a stream was freed; `canOpenStream` may have changed. */
  onCapacity(): void
  onGoAway(lastStreamId: number, code: number): void
  /** The peer broke a rule of the connection: GOAWAY is written, nothing more is parsed. To be flushed and closed. */
  onSessionError(code: number, details: string): void
  /** The answer to `ping`. */
  onPing?(): void
}

const PING_DATA = Buffer.from('weftping', 'latin1')

export class Http2Session implements StreamConnection, InboundOwner, OutboundOwner {
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

  /** Client: the server takes an extended CONNECT (RFC 8441 3). */
  get peerAllowsConnect(): boolean {
    return this.#peer.allowsConnect
  }

  /** Streams ever opened. */
  get openedStreams(): number {
    return this.#streams.opened
  }

  /** Server: streams that the client reset before their response began. Many of them: CVE-2023-44487. */
  get prematureResets(): number {
    return this.#inbound.prematureResets
  }

  /** Sends preface and settings. */
  start(): void {
    this.#outbound.raw(openingBytes(this.#isServer ? 'server' : 'client', this.#settings))
  }

  receive(chunk: Buffer): void {
    if (this.#state === 'open') this.#inbound.read(chunk)
  }

  /** On the socket's `drain`. */
  drained(): void {
    if (this.#state !== 'closed') this.#outbound.drained()
  }

  flush(): void {
    this.#outbound.flush()
  }

  /** The socket is closed: so are all streams. */
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

  /** Client only, while `canOpenStream`. */
  openStream(handler: Http2StreamHandler): Http2Stream {
    this.#unsent++
    return new Http2Stream(this, new StreamState(handler, this.#peer.initialWindow, this.#inbound.streamWindow))
  }

  /** Not final: streams that are on their way here are still served (RFC 9113 6.8); the final one follows. */
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

  sendRequest(stream: Http2Stream, head: RequestHead, path: string, authority: string, endStream: boolean): void {
    const state = stream.state
    if (state.id !== 0 || state.isGone) return
    this.#unsent--
    if (this.#state !== 'open' || this.#isGoingAway || !this.#streams.hasIds(0)) {
      this.#forget(stream)?.onReset(ERROR_CODE.refusedStream, this.#isGoingAway, DETAILS.goAway)
      return
    }
    this.#streams.addOwn(stream)
    state.sendWindow = this.#peer.initialWindow
    state.receiveWindow = this.#inbound.streamWindow
    state.toHead = head.method === 'HEAD'
    state.toConnect = head.method === 'CONNECT'
    state.endGiven = state.localClosed = endStream
    this.#outbound.request(stream, head, path, authority, endStream)
  }

  sendResponse(stream: Http2Stream, status: number, headers: HeaderList, endStream: boolean): void {
    const state = stream.state
    if (!this.#canSend(state)) return
    if (status >= 200) state.hasResponse = true
    state.endGiven = state.localClosed = endStream
    this.#outbound.response(stream, status, headers, endStream)
    if (endStream) this.onStreamSent(stream)
  }

  sendData(stream: Http2Stream, chunk: Buffer, endStream: boolean): void {
    const state = stream.state
    if (!this.#canSend(state)) return
    state.endGiven = endStream
    this.#outbound.data(stream, chunk, endStream)
  }

  sendTrailers(stream: Http2Stream, headers: HeaderList): void {
    const state = stream.state
    if (!this.#canSend(state)) return
    state.endGiven = true
    this.#outbound.trailers(stream, headers)
  }

  resetStream(stream: Http2Stream, code: number): void {
    const state = stream.state
    state.handler = null
    if (state.isGone) return
    if (state.id === 0) {
      this.#unsent--
      this.#forget(stream)
      this.#onFreed()
    } else if (this.#state !== 'open') this.#forget(stream)
    else if (code === ERROR_CODE.noError && state.endGiven && !state.localClosed) {
      // A server that has answered in full need not hear the rest (RFC 9113 8.1); the answer goes out first.
      state.resetAfter = code
    } else this.abort(stream, code)
  }

  resumeStream(stream: Http2Stream): void {
    if (this.#state === 'open' && !stream.state.isGone) this.#inbound.window.release(stream)
  }

  onStreamSent(stream: Http2Stream): void {
    const state = stream.state
    if (state.remoteClosed) this.finish(stream)
    else if (state.resetAfter !== NO_RESET) this.abort(stream, state.resetAfter)
  }

  onFlood(details: string): void {
    this.fail(ERROR_CODE.enhanceYourCalm, details)
  }

  onRequest(state: StreamState, head: RequestHead, fields: number, endStream: boolean): void {
    const stream = new Http2Stream(this, state)
    this.#streams.open.set(state.id, stream)
    const handler = this.#handler.onRequest(stream, head, fields, endStream)
    if (!state.isGone && state.resetAfter === NO_RESET) state.handler = handler
  }

  onRequestRefused(code: number, details: string): void {
    this.#handler.onRequestRefused?.(code, details)
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
        if (stream.state.id <= lastStreamId) continue
        // Never processed: safe to send again elsewhere (RFC 9113 8.7).
        this.#streams.closed.addReset(stream.state.id)
        this.#forget(stream)?.onReset(ERROR_CODE.refusedStream, true, DETAILS.goAway)
      }
    }
    this.#handler.onGoAway(lastStreamId, code)
  }

  finish(stream: Http2Stream): void {
    this.#streams.closed.addEnded(stream.state.id)
    this.#forget(stream)
    this.#onFreed()
  }

  abort(stream: Http2Stream, code: number): void {
    this.#streams.closed.addReset(stream.state.id)
    this.#outbound.rstStream(stream.state.id, code)
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
  #forget(stream: Http2Stream): Http2StreamHandler | null {
    const state = stream.state
    const handler = state.handler
    state.handler = null
    if (state.isGone) return null
    state.isGone = true
    this.#streams.open.delete(state.id)
    state.queue?.clear()
    state.trailers = null
    if (state.held > 0) this.#inbound.window.release(stream)
    return handler
  }

  #onFreed(): void {
    if (!this.#isServer && this.#state === 'open') this.#handler.onCapacity()
  }

  #canSend(state: StreamState): boolean {
    return this.#state === 'open' && state.id !== 0 && !state.isGone && !state.endGiven
  }
}
