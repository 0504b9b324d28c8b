// One connection to an endpoint, carrying one request at a time.
import type { Socket } from 'node:net'
import { WheelTimer } from '../../base/timer-wheel.ts'
import { closeBatch, openBatch } from '../../transport/http/write-batch.ts'
import type { CodecError } from '../../transport/http1/codec-error.ts'
import type { MessageHandler, ParserLimits } from '../../transport/http1/message-parser.ts'
import { MessageWriter } from '../../transport/http1/message-writer.ts'
import { ResponseParser } from '../../transport/http1/response-parser.ts'
import type { RequestHead, ResponseHead } from '../../transport/request-head.ts'
import type { ClusterStats, Endpoint } from '../cluster/cluster.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'
import { RESET, type ResetReason } from './reset-reason.ts'

/** The stream that holds a connection. */
export interface UpstreamStream {
  /** `fields`: bits of the codec's FIELD that occurred. */
  onResponseHead(head: ResponseHead, fields: number, endStream: boolean): void
  onResponseBody(chunk: Buffer, endStream: boolean): void
  /** A 1xx, before the response. */
  onInterimResponse(head: ResponseHead): void
  /** The connection is gone before the response's end. */
  onConnectionLost(reason: ResetReason): void
  /** `isBlocked` has become false. */
  onConnectionDrained(): void
}

/** The pool that owns a connection. */
export interface ConnectionOwner {
  onConnected(connection: UpstreamConnection): void
  /** `failure` is the transport's reason, empty when there is none to give. */
  onConnectFailed(connection: UpstreamConnection, reason: ResetReason, failure: string): void
  /** Request and response are complete, and the connection can carry another. */
  onReleased(connection: UpstreamConnection): void
  onClosed(connection: UpstreamConnection): void
  onIdleTimeout(connection: UpstreamConnection): void
}

const LIMITS: ParserLimits = { maxHeadBytes: 60 * 1024, maxFieldCount: 100 }

export class UpstreamConnection implements MessageHandler {
  readonly endpoint: Endpoint
  /** Of the pool: connect and idle time-outs. */
  readonly timer: WheelTimer
  /** Requests that were sent on it. */
  requests = 0
  /** `address:port` of this end, once connected. */
  localAddress = ''
  #state: 'connecting' | 'idle' | 'busy' | 'closed' = 'connecting'
  readonly #owner: ConnectionOwner
  readonly #stats: ClusterStats
  readonly #socket: Socket
  readonly #parser: ResponseParser
  readonly #writer: MessageWriter
  #stream: UpstreamStream | null = null
  #requestComplete = false
  #responseComplete = false
  #paused = false
  #failed = false

  constructor(owner: ConnectionOwner, endpoint: Endpoint, stats: ClusterStats, transport: UpstreamTransport) {
    this.#owner = owner
    this.#stats = stats
    this.endpoint = endpoint
    this.timer = new WheelTimer(this, 0)
    this.#parser = new ResponseParser(this, LIMITS)
    const socket = transport.connect(endpoint.address, endpoint.port, failure => this.#onReady(failure))
    this.#socket = socket
    this.#writer = new MessageWriter(socket)
    // The close event that follows says all there is to say.
    socket.on('error', () => {
      this.#failed = true
    })
    socket.on('close', () => this.#onClose())
  }

  get isConnecting(): boolean {
    return this.#state === 'connecting'
  }

  get isIdle(): boolean {
    return this.#state === 'idle'
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  get isBlocked(): boolean {
    return this.#writer.isBlocked
  }

  /** Gives the connection, which is idle, to a stream. */
  assign(stream: UpstreamStream): void {
    this.#state = 'busy'
    this.#stream = stream
    this.#requestComplete = false
    this.#responseComplete = false
    this.requests++
  }

  sendHead(head: RequestHead, path: string, authority: string, endStream: boolean): void {
    this.#parser.toHead = head.method === 'HEAD'
    this.#requestComplete = endStream
    this.#writer.request(head, path, authority, endStream)
  }

  /** Nothing may be sent after `endStream`. */
  sendBody(chunk: Buffer, endStream: boolean): void {
    this.#writer.body(chunk, endStream)
    this.#stats.upstreamCxTxBytesTotal.value += chunk.length
    if (!endStream) return
    this.#requestComplete = true
    if (this.#responseComplete) this.#release()
  }

  /** Stops reading until `resume`: the response's receiver is slower than its sender. */
  pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#socket.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#socket.resume()
  }

  /** The stream gives up before the response's end: the connection cannot be used any more and is closed. */
  abandon(): void {
    this.#stream = null
    this.close()
  }

  close(): void {
    if (this.#state === 'closed') return
    this.#socket.destroy()
    this.#onClose()
  }

  onTimer(): void {
    if (this.#state === 'idle') this.#owner.onIdleTimeout(this)
    else if (this.#state === 'connecting') this.#fail(RESET.connectionTimeout, '')
  }

  onHead(endStream: boolean): void {
    const parser = this.#parser
    const status = parser.head.status
    if (status < 200) {
      // 101 answers an upgrade, and none was asked for.
      if (status === 101) this.#onBroken()
      else {
        this.#stream?.onInterimResponse(parser.head)
        parser.next()
      }
      return
    }
    this.#stream?.onResponseHead(parser.head, parser.fields, endStream)
    if (endStream) this.#onResponseComplete()
  }

  onBody(chunk: Buffer, endStream: boolean): void {
    this.#stream?.onResponseBody(chunk, endStream)
    if (endStream) this.#onResponseComplete()
  }

  onProtocolError(_error: CodecError): void {
    this.#onBroken()
  }

  #onReady(failure: string | null): void {
    if (this.#state !== 'connecting') return
    if (failure !== null) {
      this.#fail(RESET.remoteConnectionFailure, failure)
      return
    }
    this.#state = 'idle'
    const socket = this.#socket
    this.localAddress = `${socket.localAddress ?? ''}:${socket.localPort ?? 0}`
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('end', () => this.#onEnd())
    socket.on('drain', () => this.#onDrain())
    openBatch()
    this.#owner.onConnected(this)
    closeBatch()
  }

  #fail(reason: ResetReason, failure: string): void {
    this.#state = 'closed'
    this.#socket.destroy()
    openBatch()
    this.#owner.onConnectFailed(this, reason, failure)
    closeBatch()
  }

  #onData(chunk: Buffer): void {
    if (this.#state !== 'busy') {
      // Bytes that nobody asked for (RFC 9112 9.2: a client must not take them for the next response).
      this.close()
      return
    }
    this.#stats.upstreamCxRxBytesTotal.value += chunk.length
    openBatch()
    this.#parser.execute(chunk)
    closeBatch()
  }

  #onEnd(): void {
    openBatch()
    // A connection that ends as one without a length may be the right end of a response.
    if (this.#state === 'busy') this.#parser.finish()
    this.close()
    closeBatch()
  }

  #onDrain(): void {
    openBatch()
    this.#writer.drained()
    this.#stream?.onConnectionDrained()
    closeBatch()
  }

  #onResponseComplete(): void {
    this.#responseComplete = true
    if (this.#requestComplete) this.#release()
  }

  #release(): void {
    if (this.#state !== 'busy') return
    this.#stream = null
    this.resume()
    const parser = this.#parser
    // Bytes behind a response would be read as the answer to the next request, whoever sent it (RFC 9112 9.2).
    if (parser.close || parser.hasMore || this.#socket.destroyed) {
      this.close()
      return
    }
    this.#state = 'idle'
    parser.next()
    this.#owner.onReleased(this)
  }

  #onBroken(): void {
    const stream = this.#stream
    this.#stream = null
    this.close()
    stream?.onConnectionLost(RESET.protocolError)
  }

  #onClose(): void {
    if (this.#state === 'closed') return
    if (this.#state === 'connecting') {
      this.#fail(this.#failed ? RESET.remoteConnectionFailure : RESET.localConnectionFailure, '')
      return
    }
    const stream = this.#stream
    // In the middle of a head or a body Envoy takes it for a breach of the protocol.
    const reason = this.#parser.isIdle ? RESET.connectionTermination : RESET.protocolError
    this.#state = 'closed'
    this.#stream = null
    this.#parser.stop()
    openBatch()
    this.#owner.onClosed(this)
    if (stream) {
      this.#stats.upstreamCxDestroyRemoteWithActiveRq.value++
      stream.onConnectionLost(reason)
    }
    closeBatch()
  }
}
