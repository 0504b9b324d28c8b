// A client's connection: bytes to streams, one at a time and in order, and the responses back.
import type { Socket } from 'node:net'
import { WheelTimer } from '../../base/timer-wheel.ts'
import { getHeader, type HeaderList } from '../../transport/header-list.ts'
import { FIELD } from '../../transport/http/field-name.ts'
import { closeBatch, openBatch } from '../../transport/http/write-batch.ts'
import type { CodecError } from '../../transport/http1/codec-error.ts'
import type { MessageHandler } from '../../transport/http1/message-parser.ts'
import { MessageWriter } from '../../transport/http1/message-writer.ts'
import { RequestParser } from '../../transport/http1/request-parser.ts'
import { readDirectly } from '../../transport/net/direct-read.ts'
import { isTunnel, opensTunnel, type RequestHead, type ResponseHead } from '../../transport/request-head.ts'
import type { ConnectionInfo } from '../connection-info.ts'
import { RESPONSE_FLAG } from '../response-flag.ts'
import { StreamInfo } from '../stream-info.ts'
import type { ConnectionManagerConfig } from './connection-manager-config.ts'
import type { LocalReply } from './local-reply.ts'
import { codecRefusal, REFUSAL } from './request-refusal.ts'
import { Stream } from './stream.ts'
import type { StreamConnection } from './stream-connection.ts'
import { rejectsUnderscores } from './underscored-headers.ts'

const TIMER = { idle: 0, request: 1, duration: 2, close: 3 } as const

/** A draining connection without a stream waits this long for a request that may be on its way. */
const DRAIN_GRACE_MS = 500

/** A downstream connection as the connection manager holds it, whatever its protocol. */
export interface ManagedConnection {
  /** Finishes what runs and takes nothing new. */
  drain(): void
}

/** The listener's connection manager, told of the end. */
export interface ConnectionOwner {
  readonly isDraining: boolean
  /** Whether a response is to be its connection's last; new ones are welcome. */
  readonly drainClose: boolean
  /** While draining: only connections whose client has been told of their end are closed. */
  readonly sparesIdle: boolean
  onConnectionClosed(connection: ManagedConnection): void
  /** `connection` has turned out to be HTTP/2, and leaves its socket alone from now on. */
  onHttp2Preface(connection: ManagedConnection, socket: Socket, info: ConnectionInfo, bytes: Buffer): void
}

/** What an HTTP/2 client begins with (RFC 9113 3.4); no HTTP/1.1 request has such a line. */
const HTTP2_PREFACE = Buffer.from('PRI * HTTP/2.0\r\n')

export class DownstreamConnection implements MessageHandler, StreamConnection, ManagedConnection {
  readonly info: ConnectionInfo
  readonly #owner: ConnectionOwner
  readonly #config: ConnectionManagerConfig
  readonly #socket: Socket
  readonly #parser: RequestParser
  readonly #writer: MessageWriter
  readonly #framing = { toHead: false, close: false, tunnels: false, http10: false }
  readonly #idleTimer = new WheelTimer(this, TIMER.idle)
  #requestTimer: WheelTimer | null = null
  /** When the first part of a head came; 0: it came whole. */
  #headBegan = 0
  #durationTimer: WheelTimer | null = null
  #stream: Stream | null = null
  #requests = 0
  /** Of the current stream. */
  #streamIdleMs = 0
  #state: 'open' | 'closing' | 'closed' = 'open'
  #paused = false
  /** Bytes that waited for the client when it was looked at last, while closing. */
  #unsent = 0
  /** The client asked for, or the connection's age or use demands, an end after the current response. */
  #last = false

  /** First bytes that may yet turn out to be HTTP/2's preface; null once that is decided. */
  #preface: Buffer | null

  /** `detectsHttp2`: the protocol was not agreed on, so the first bytes decide. */
  constructor(
    owner: ConnectionOwner,
    config: ConnectionManagerConfig,
    socket: Socket,
    info: ConnectionInfo,
    detectsHttp2: boolean,
  ) {
    this.#owner = owner
    this.#preface = detectsHttp2 ? NO_BYTES : null
    this.#config = config
    this.#socket = socket
    this.info = info
    this.#parser = new RequestParser(this, config.limits)
    this.#writer = new MessageWriter(socket, config.http1)
    const { stats, timeouts, wheel } = config
    stats.connections.value++
    stats.connectionsActive.value++
    if (timeouts.idle > 0) wheel.set(this.#idleTimer, timeouts.idle)
    if (timeouts.connectionDuration > 0) {
      this.#durationTimer = new WheelTimer(this, TIMER.duration)
      wheel.set(this.#durationTimer, timeouts.connectionDuration)
    }
  }

  /** `early`: bytes that were read before the connection came here. */
  start(early: Buffer | null): void {
    const socket = this.#socket
    // The close event that follows says all there is to say.
    socket.on('error', () => {})
    socket.on('close', () => this.#onClose())
    socket.on('end', () => this.#onClientEnd())
    socket.on('drain', () => this.#onDrain())
    if (early !== null && early.length > 0) this.#onData(early)
    readDirectly(socket, (chunk: Buffer) => this.#onData(chunk))
  }

  get isClosing(): boolean {
    if (this.#last) return true
    const { stats, overload } = this.#config
    if (this.#owner.drainClose) stats.connectionDrainClose.value++
    else if (overload.disableHttpKeepalive) stats.connectionOverloadDisableKeepalive.value++
    else return false
    this.#last = true
    return true
  }

  get isBlocked(): boolean {
    return this.#writer.isBlocked
  }

  get hasStream(): boolean {
    return this.#stream !== null
  }

  writeHead(head: ResponseHead, endStream: boolean, close: boolean): void {
    const { request, isRequestComplete } = this.#stream!
    const { status } = head
    const isInterim = status < 200 && status !== 101
    const http10 = this.#parser.version === 10
    // RFC 9110 15.2: such a client takes it for the response.
    if (isInterim && http10) return
    // The time for the request is over once it is being answered (Envoy).
    if (!isInterim && this.#requestTimer !== null) this.#config.wheel.cancel(this.#requestTimer)
    const framing = this.#framing
    framing.toHead = request.method === 'HEAD'
    framing.tunnels = opensTunnel(request, status)
    framing.http10 = http10 && this.#config.http1.acceptsHttp10
    // Where the response ends first the rest of the request would have to be read; so it ends the connection (Envoy).
    const isEarly = !isInterim && !isRequestComplete
    // RFC 9112 6.3: without chunks a body of unknown length ends with the connection. Envoy asks for a length always.
    const isUnbounded = framing.http10 && getHeader(head.headers, 'content-length') === undefined
    if (isEarly || isUnbounded) this.#last = true
    framing.close = (close || isEarly || (framing.http10 && this.#last)) && !framing.tunnels
    this.#writer.response(head, endStream, framing)
  }

  writeBody(chunk: Buffer, endStream: boolean): void {
    this.#config.stats.sentBytes.value += chunk.length
    this.#writer.body(chunk, endStream)
  }

  writeTrailers(trailers: HeaderList): void {
    this.#writer.trailers(trailers)
  }

  writeContinue(): void {
    if (this.#parser.version === 11) this.#writer.continue100()
  }

  pauseReading(): void {
    if (this.#paused) return
    this.#paused = true
    this.#socket.pause()
  }

  resumeReading(): void {
    // What was sent ahead is served first; then there is room again.
    if (!this.#paused || (this.#stream !== null && this.#parser.hasLeftover)) return
    this.#paused = false
    this.#socket.resume()
  }

  setStreamIdleTimeout(timeoutMs: number): void {
    this.#streamIdleMs = timeoutMs
    // With 0 a timer that runs already is left alone: it finds the stream and does nothing.
    if (timeoutMs > 0) this.#config.wheel.set(this.#idleTimer, timeoutMs)
  }

  touch(): void {
    if (this.#streamIdleMs > 0) this.#config.wheel.set(this.#idleTimer, this.#streamIdleMs)
  }

  /** Waits for the current stream; a connection without one has a moment left for a request already on its way. */
  drain(): void {
    // Spared, it is told in its next response: until then a request may be on its way at any time.
    if (this.#state !== 'open' || this.#stream !== null || this.#owner.sparesIdle) return
    const timer = this.#durationTimer ?? new WheelTimer(this, TIMER.duration)
    this.#durationTimer = timer
    this.#config.wheel.cancel(timer)
    this.#config.wheel.set(timer, DRAIN_GRACE_MS)
  }

  /** Ends the connection at once, whatever is under way. */
  destroy(): void {
    this.#socket.destroy()
    this.#onClose()
  }

  onHead(endStream: boolean): void {
    const parser = this.#parser
    const { timeouts, wheel, maxRequestsPerConnection, stats } = this.#config
    this.#requests++
    this.#last = parser.close
    if (maxRequestsPerConnection > 0 && this.#requests >= maxRequestsPerConnection) {
      stats.connectionMaxRequestsReached.value++
      this.#last = true
    }
    if (this.#requestTimer !== null) wheel.cancel(this.#requestTimer)
    const stream = this.#openStream(parser.head, endStream)
    this.setStreamIdleTimeout(timeouts.streamIdle)
    if (!endStream && timeouts.request > 0) this.#setRequestTimer(Math.max(1, timeouts.request - this.#headTime()))
    this.#headBegan = 0
    const refusal = this.#refusalOf(parser)
    if (refusal !== null) stream.localReply(refusal)
    else stream.begin(parser.fields, endStream)
  }

  onBody(chunk: Buffer, endStream: boolean): void {
    const stream = this.#stream
    if (stream === null) return
    if (endStream && this.#requestTimer !== null) this.#config.wheel.cancel(this.#requestTimer)
    this.touch()
    stream.onRequestData(chunk, endStream)
  }

  onTrailers(trailers: HeaderList): void {
    const stream = this.#stream
    if (stream === null) return
    if (this.#requestTimer !== null) this.#config.wheel.cancel(this.#requestTimer)
    this.touch()
    if (this.#rejectsUnderscores(trailers)) stream.localReply(REFUSAL.underscore)
    else stream.onRequestTrailers(trailers)
  }

  onProtocolError(error: CodecError): void {
    this.#config.stats.connectionProtocolErrors.value++
    this.#last = true
    // The access log has a line for what was no request, too.
    const stream = this.#stream ?? this.#openStream(emptyHead(), false)
    stream.localReply(codecRefusal(error))
  }

  onStreamEnd(whole: boolean): void {
    this.#stream = null
    if (this.#state === 'closed') return
    if (!whole || this.#last) {
      this.#closeGently()
      return
    }
    const { timeouts, wheel } = this.#config
    if (timeouts.idle > 0) wheel.set(this.#idleTimer, timeouts.idle)
    else wheel.cancel(this.#idleTimer)
    // A client that sends requests ahead and reads no response would have them all pile up here.
    if (this.#writer.isBlocked) this.pauseReading()
    else this.#continue()
    if (this.#owner.isDraining) this.drain()
  }

  /** With the next request, which may be here already. */
  #continue(): void {
    this.#parser.next()
    if (this.#stream === null || !this.#parser.hasLeftover) this.resumeReading()
  }

  onTimer(timer: WheelTimer): void {
    openBatch()
    if (timer.purpose === TIMER.idle) this.#onIdle()
    else if (timer.purpose === TIMER.request) this.#onRequestTimeout()
    else if (timer.purpose === TIMER.close) this.#onDelayedClose(timer)
    else this.#onDuration()
    closeBatch()
  }

  #openStream(head: RequestHead, endStream: boolean): Stream {
    const { clock, stats } = this.#config
    stats.requests.value++
    stats.requestsHttp1.value++
    stats.requestsActive.value++
    const info = new StreamInfo(this.info, clock.wallNow(), clock.now())
    if (this.#parser.version === 10) info.protocol = 'HTTP/1.0'
    const stream = new Stream(this, this.#config, info, head, endStream)
    this.#stream = stream
    return stream
  }

  /** What no filter need see. */
  #refusalOf(parser: RequestParser): LocalReply | null {
    const { defaultHost } = this.#config.http1
    if (parser.version === 10 && !this.#config.http1.acceptsHttp10) {
      this.#config.stats.connectionProtocolErrors.value++
      this.#last = true
      return REFUSAL.http10
    }
    if (parser.missingHost && parser.version === 10 && defaultHost !== '') {
      parser.head.authority = defaultHost
      parser.missingHost = false
    }
    if (parser.missingHost) {
      this.#last = true
      return REFUSAL.missingHost
    }
    if (parser.fields & FIELD.underscore && this.#rejectsUnderscores(parser.head.headers)) return REFUSAL.underscore
    if (isTunnel(parser.head)) this.#last = true
    return null
  }

  #rejectsUnderscores(headers: HeaderList): boolean {
    const { underscores } = this.#config
    return underscores !== null && rejectsUnderscores(headers, underscores.rejects, underscores.http1)
  }

  #onData(chunk: Buffer): void {
    if (this.#state !== 'open') return
    const bytes = this.#preface === null ? chunk : this.#detectHttp2(chunk)
    if (bytes === null) return
    this.#config.stats.receivedBytes.value += bytes.length
    openBatch()
    const parser = this.#parser
    parser.execute(bytes)
    if (parser.hasLeftover) {
      // Sent ahead of the response: kept up to this read, and no more read until its turn (RFC 9112 9.3.2).
      this.pauseReading()
    } else if (parser.inHead && !parser.isIdle) this.#awaitHead()
    closeBatch()
    // Answered here, all of it, and not taken by the client.
    if (this.#state === 'open' && this.#stream === null && this.#writer.isBlocked) this.pauseReading()
  }

  /** What is to be parsed as HTTP/1.1; null while that is not known, or when it is HTTP/2. */
  #detectHttp2(chunk: Buffer): Buffer | null {
    const bytes = this.#preface!.length === 0 ? chunk : Buffer.concat([this.#preface!, chunk])
    const length = Math.min(bytes.length, HTTP2_PREFACE.length)
    if (bytes.compare(HTTP2_PREFACE, 0, length, 0, length) !== 0) {
      this.#preface = null
      return bytes
    }
    if (length < HTTP2_PREFACE.length) {
      this.#preface = bytes
      this.#awaitHead()
      return null
    }
    this.#state = 'closed'
    this.#cancelTimers()
    this.#owner.onHttp2Preface(this, this.#socket, this.info, bytes)
    return null
  }

  #cancelTimers(): void {
    const { wheel } = this.#config
    wheel.cancel(this.#idleTimer)
    if (this.#requestTimer !== null) wheel.cancel(this.#requestTimer)
    if (this.#durationTimer !== null) wheel.cancel(this.#durationTimer)
  }

  #onClientEnd(): void {
    if (this.#state === 'closed') return
    // A client that half-closes has gone, as for Envoy: who wants an answer keeps the connection whole.
    this.destroy()
  }

  #onClose(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    const { stats } = this.#config
    openBatch()
    this.#parser.stop()
    this.#cancelTimers()
    stats.connectionsActive.value--
    stats.connectionsDestroyed.value++
    const stream = this.#stream
    if (stream !== null) {
      stats.connectionsDestroyedWithActiveRequest.value++
      stream.onDownstreamGone('downstream_remote_disconnect', RESPONSE_FLAG.DC)
    }
    this.#owner.onConnectionClosed(this)
    closeBatch()
  }

  #onDrain(): void {
    if (this.#state === 'closed') return
    openBatch()
    this.#writer.drained()
    if (this.#stream !== null) {
      this.touch()
      this.#stream.onDownstreamDrained()
    } else if (this.#state === 'open') this.#continue()
    closeBatch()
  }

  #onIdle(): void {
    const stream = this.#stream
    if (stream !== null) {
      if (this.#streamIdleMs > 0) stream.onIdleTimeout()
      return
    }
    this.#config.stats.connectionIdleTimeouts.value++
    this.#closeGently()
  }

  #onRequestTimeout(): void {
    const { stats, timeouts } = this.#config
    const stream = this.#stream
    if (stream !== null) {
      stats.requestTimeouts.value++
      stream.localReply(REFUSAL.requestTimeout)
      return
    }
    const { headIsOfRequest } = timeouts
    if (headIsOfRequest) stats.requestTimeouts.value++
    else stats.requestHeaderTimeouts.value++
    this.#last = true
    this.#openStream(emptyHead(), false).localReply(
      headIsOfRequest ? REFUSAL.requestTimeout : REFUSAL.requestHeaderTimeout,
    )
  }

  #onDuration(): void {
    const { stats } = this.#config
    const { isDraining } = this.#owner
    if (this.#stream !== null) {
      // Of a connection that drains, the response says so by itself.
      if (!isDraining) this.#last = true
      return
    }
    if (isDraining) stats.connectionDrainClose.value++
    else stats.connectionMaxDurationReached.value++
    this.#closeGently()
  }

  /** The time for a whole request runs from its first byte on, too (Envoy). */
  #awaitHead(): void {
    if (this.#requestTimer?.isSet === true) return
    this.#headBegan = this.#config.clock.now()
    this.#setRequestTimer(this.#config.timeouts.head)
  }

  #headTime(): number {
    return this.#headBegan === 0 ? 0 : this.#config.clock.now() - this.#headBegan
  }

  #setRequestTimer(timeoutMs: number): void {
    if (timeoutMs <= 0) return
    this.#requestTimer ??= new WheelTimer(this, TIMER.request)
    this.#config.wheel.cancel(this.#requestTimer)
    this.#config.wheel.set(this.#requestTimer, timeoutMs)
  }

  /** Sends what is left, then a FIN; reads on a while, as closing on unread bytes would reset what was sent (RFC 9112 9.6). */
  #closeGently(): void {
    if (this.#state !== 'open') return
    this.#state = 'closing'
    this.#parser.stop()
    this.#writer.flush()
    const { wheel, timeouts } = this.#config
    wheel.cancel(this.#idleTimer)
    this.#socket.end()
    this.#paused = false
    this.#socket.resume()
    if (this.#requestTimer !== null) wheel.cancel(this.#requestTimer)
    if (timeouts.delayedClose === 0) {
      // As in Envoy: no moment to read, but all the time to take what is left.
      this.#socket.once('finish', () => this.destroy())
      return
    }
    const timer = new WheelTimer(this, TIMER.close)
    this.#requestTimer = timer
    this.#unsent = this.#socket.writableLength
    wheel.set(timer, timeouts.delayedClose)
  }

  /** A client that still takes the last response, slowly, is waited for; one that stands still is not. */
  #onDelayedClose(timer: WheelTimer): void {
    const unsent = this.#socket.writableLength
    if (unsent === 0 || unsent === this.#unsent) {
      this.destroy()
      return
    }
    this.#unsent = unsent
    this.#config.wheel.set(timer, this.#config.timeouts.delayedClose)
  }
}

const NO_BYTES = Buffer.alloc(0)

function emptyHead(): RequestHead {
  return { method: '', path: '', authority: '', scheme: 'http', headers: [], protocol: '' }
}
