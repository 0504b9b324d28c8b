// A client's connection: bytes to streams, one at a time and in order, and the responses back.
import type { Socket } from 'node:net'
import { getHeader, type HeaderList } from '../../transport/header-list.ts'
import { closeBatch, openBatch } from '../../transport/http/write-batch.ts'
import type { CodecError } from '../../transport/http1/codec-error.ts'
import type { MessageHandler } from '../../transport/http1/message-parser.ts'
import { MessageWriter } from '../../transport/http1/message-writer.ts'
import { RequestParser } from '../../transport/http1/request-parser.ts'
import { readDirectly } from '../../transport/net/direct-read.ts'
import { opensTunnel, type RequestHead, type ResponseHead } from '../../transport/request-head.ts'
import type { ConnectionInfo } from '../connection-info.ts'
import { RESPONSE_FLAG } from '../response-flag.ts'
import { StreamInfo } from '../stream-info.ts'
import type { ConnectionManagerConfig } from './connection-manager-config.ts'
import { ConnectionReuse } from './connection-reuse.ts'
import { ConnectionTimers, type TimedConnection } from './connection-timers.ts'
import { DelayedClose } from './delayed-close.ts'
import { http1Refusal } from './http1-refusal.ts'
import { beginsHttp2 } from './http2-preface.ts'
import type { LocalReply } from './local-reply.ts'
import type { ConnectionOwner, ManagedConnection } from './managed-connection.ts'
import { codecRefusal, REFUSAL } from './request-refusal.ts'
import { Stream } from './stream.ts'
import type { StreamConnection } from './stream-connection.ts'
import { rejectsUnderscores } from './underscored-headers.ts'

export class DownstreamConnection implements MessageHandler, StreamConnection, ManagedConnection, TimedConnection {
  readonly info: ConnectionInfo
  readonly #owner: ConnectionOwner
  readonly #config: ConnectionManagerConfig
  readonly #socket: Socket
  readonly #parser: RequestParser
  readonly #writer: MessageWriter
  readonly #framing = { toHead: false, close: false, tunnels: false, http10: false }
  readonly #reuse: ConnectionReuse
  readonly #timers: ConnectionTimers
  #delayedClose: DelayedClose | null = null
  #stream: Stream | null = null
  #state: 'open' | 'closing' | 'closed' = 'open'
  #paused = false
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
    this.#reuse = new ConnectionReuse(owner, config)
    this.#timers = new ConnectionTimers(this, config)
    config.stats.connections.value++
    config.stats.connectionsActive.value++
  }

  /** `early`: bytes that were read before the connection came here. */
  start(early: Buffer | null): void {
    const socket = this.#socket
    // The close event that follows says all there is to say.
    socket.on('error', () => {})
    socket.on('close', () => this.#onClose())
    socket.on('end', () => this.#onClientEnd())
    socket.on('drain', () => this.#onDrain())
    // Before the first bytes are looked at: where they are HTTP/2 the socket has another reader from then on.
    readDirectly(socket, (chunk: Buffer) => this.#onData(chunk))
    if (early !== null && early.length > 0) this.#onData(early)
  }

  get isClosing(): boolean {
    return this.#reuse.endsWithResponse()
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
    if (!isInterim) this.#timers.endRequest()
    const framing = this.#framing
    framing.toHead = request.method === 'HEAD'
    framing.tunnels = opensTunnel(request, status)
    framing.http10 = http10 && this.#config.http1.acceptsHttp10
    // Where the response ends first the rest of the request would have to be read; so it ends the connection (Envoy).
    const isEarly = !isInterim && !isRequestComplete
    // RFC 9112 6.3: without chunks a body of unknown length ends with the connection. Envoy asks for a length always.
    const isUnbounded = framing.http10 && getHeader(head.headers, 'content-length') === undefined
    if (isEarly || isUnbounded) this.#reuse.isOver = true
    framing.close = (close || isEarly || (framing.http10 && this.#reuse.isOver)) && !framing.tunnels
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
    this.#timers.setStreamIdle(timeoutMs)
  }

  touch(): void {
    this.#timers.touch()
  }

  /** Waits for the current stream; a connection without one has a moment left for a request already on its way. */
  drain(): void {
    // Spared, it is told in its next response: until then a request may be on its way at any time.
    if (this.#state !== 'open' || this.#stream !== null || this.#owner.sparesIdle) return
    this.#timers.endSoon()
  }

  /** Ends the connection at once, whatever is under way. */
  destroy(): void {
    this.#socket.destroy()
    this.#onClose()
  }

  onHead(endStream: boolean): void {
    const parser = this.#parser
    const stream = this.#openStream(parser.head, endStream)
    this.#timers.beginStream(endStream)
    const refusal = http1Refusal(parser, this.#config)
    this.#reuse.onRequest(parser.close)
    if (refusal !== null) stream.localReply(refusal)
    else stream.begin(parser.fields, endStream)
  }

  onBody(chunk: Buffer, endStream: boolean): void {
    const stream = this.#stream
    if (stream === null) return
    if (endStream) this.#timers.endRequest()
    this.#timers.touch()
    stream.onRequestData(chunk, endStream)
  }

  onTrailers(trailers: HeaderList): void {
    const stream = this.#stream
    if (stream === null) return
    this.#timers.endRequest()
    this.#timers.touch()
    const { underscores } = this.#config
    if (underscores !== null && rejectsUnderscores(trailers, underscores.rejects, underscores.http1))
      stream.localReply(REFUSAL.underscore)
    else stream.onRequestTrailers(trailers)
  }

  onProtocolError(error: CodecError): void {
    this.#config.stats.connectionProtocolErrors.value++
    this.#reuse.isOver = true
    // The access log has a line for what was no request, too.
    const stream = this.#stream ?? this.#openStream(emptyHead(), false)
    stream.localReply(codecRefusal(error))
  }

  onStreamEnd(whole: boolean): void {
    this.#stream = null
    if (this.#state === 'closed') return
    if (!whole || this.#reuse.isOver) {
      this.#closeGently()
      return
    }
    this.#timers.endStream()
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

  renewStream(head: RequestHead, info: StreamInfo): Stream {
    this.#timers.beginStream(true)
    return this.#createStream(head, info, true)
  }

  #openStream(head: RequestHead, endStream: boolean): Stream {
    const { clock } = this.#config
    const info = new StreamInfo(this.info, clock.wallNow(), clock.now())
    if (this.#parser.version === 10) info.protocol = 'HTTP/1.0'
    return this.#createStream(head, info, endStream)
  }

  #createStream(head: RequestHead, info: StreamInfo, endStream: boolean): Stream {
    const { stats } = this.#config
    stats.requests.value++
    stats.requestsHttp1.value++
    stats.requestsActive.value++
    const stream = new Stream(this, this.#config, info, head, endStream)
    this.#stream = stream
    return stream
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
    } else if (parser.inHead && !parser.isIdle) this.#timers.awaitHead()
    closeBatch()
    // Answered here, all of it, and not taken by the client.
    if (this.#state === 'open' && this.#stream === null && this.#writer.isBlocked) this.pauseReading()
  }

  /** What is to be parsed as HTTP/1.1; null while that is not known, or when it is HTTP/2. */
  #detectHttp2(chunk: Buffer): Buffer | null {
    const bytes = this.#preface!.length === 0 ? chunk : Buffer.concat([this.#preface!, chunk])
    const isHttp2 = beginsHttp2(bytes)
    this.#preface = isHttp2 === null ? bytes : null
    if (isHttp2 === false) return bytes
    if (isHttp2 === null) {
      this.#timers.awaitHead()
      return null
    }
    this.#state = 'closed'
    this.#timers.stop()
    this.#owner.onHttp2Preface(this, this.#socket, this.info, bytes)
    return null
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
    this.#timers.stop()
    this.#delayedClose?.stop()
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
      this.#timers.touch()
      this.#stream.onDownstreamDrained()
    } else if (this.#state === 'open') this.#continue()
    closeBatch()
  }

  onStreamIdle(): void {
    this.#stream?.onIdleTimeout()
  }

  onIdle(): void {
    this.#config.stats.connectionIdleTimeouts.value++
    this.#closeGently()
  }

  onRequestTimeout(reply: LocalReply): void {
    if (this.#stream === null) this.#reuse.isOver = true
    const stream = this.#stream ?? this.#openStream(emptyHead(), false)
    stream.localReply(reply)
  }

  onDuration(): void {
    const { stats } = this.#config
    const { isDraining } = this.#owner
    if (this.#stream !== null) {
      // Of a connection that drains, the response says so by itself.
      if (!isDraining) this.#reuse.isOver = true
      return
    }
    if (isDraining) stats.connectionDrainClose.value++
    else stats.connectionMaxDurationReached.value++
    this.#closeGently()
  }

  /** Sends what is left, then a FIN; reads on a while, as closing on unread bytes would reset what was sent (RFC 9112 9.6). */
  #closeGently(): void {
    if (this.#state !== 'open') return
    this.#state = 'closing'
    this.#parser.stop()
    this.#writer.flush()
    this.#timers.stop()
    this.#delayedClose = new DelayedClose(this, this.#socket, this.#config)
    this.#paused = false
    this.#socket.resume()
  }
}

const NO_BYTES = Buffer.alloc(0)

function emptyHead(): RequestHead {
  return { method: '', path: '', authority: '', scheme: 'http', headers: [], protocol: '' }
}
