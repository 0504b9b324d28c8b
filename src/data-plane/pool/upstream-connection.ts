// One HTTP/1.1 connection to an endpoint, carrying one request at a time: then it is that request's encoder.
import type { Socket } from 'node:net'
import { type TimerWheel, WheelTimer } from '../../base/timer-wheel.ts'
import type { HeaderList } from '../../transport/header-list.ts'
import { closeBatch, openBatch } from '../../transport/http/write-batch.ts'
import type { CodecError } from '../../transport/http1/codec-error.ts'
import type { MessageHandler } from '../../transport/http1/message-parser.ts'
import { MessageWriter } from '../../transport/http1/message-writer.ts'
import { ResponseParser } from '../../transport/http1/response-parser.ts'
import { limitBuffers } from '../../transport/net/buffer-limit.ts'
import { readDirectly } from '../../transport/net/direct-read.ts'
import type { RequestHead } from '../../transport/request-head.ts'
import type { ClusterStats, Endpoint } from '../cluster/cluster.ts'
import { UpstreamConnectionInfo } from '../upstream-connection-info.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'
import type { ConnectionSettings } from './connection-settings.ts'
import { MAX_INTERIM_RESPONSES, type RequestEncoder, type UpstreamStream } from './request-encoder.ts'
import { RESET, type ResetReason } from './reset-reason.ts'

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

export class UpstreamConnection implements MessageHandler, RequestEncoder {
  readonly endpoint: Endpoint
  /** Of the pool: connect and idle time-outs. */
  readonly timer: WheelTimer
  /** Requests that were sent on it. */
  requests = 0
  readonly connection: UpstreamConnectionInfo
  /** What its timer was set to when it was last put by; 0: it was not. Of the pool. */
  idleLimitMs = 0
  /** When it is too old to be given to anybody. Of the pool. */
  expiresAt = Number.POSITIVE_INFINITY
  #state: 'connecting' | 'idle' | 'busy' | 'closed' = 'connecting'
  readonly #owner: ConnectionOwner
  readonly #stats: ClusterStats
  readonly #socket: Socket
  readonly #wheel: TimerWheel
  readonly #parser: ResponseParser
  readonly #writer: MessageWriter
  #stream: UpstreamStream | null = null
  /** Of the current stream. */
  #interimResponses = 0
  #requestComplete = false
  #responseComplete = false
  #paused = false
  #failed = false

  constructor(
    owner: ConnectionOwner,
    endpoint: Endpoint,
    cluster: ConnectionSettings,
    transport: UpstreamTransport,
    wheel: TimerWheel,
  ) {
    this.#wheel = wheel
    this.connection = new UpstreamConnectionInfo('HTTP/1.1', wheel.now())
    this.#owner = owner
    this.#stats = cluster.stats
    this.endpoint = endpoint
    this.timer = new WheelTimer(this, 0)
    this.#parser = new ResponseParser(this, cluster.http1.limits)
    const socket = transport.connect(endpoint.address, endpoint.port, failure => this.#onReady(failure))
    limitBuffers(socket, cluster.bufferLimit)
    this.connection.watch(socket, wheel)
    this.#socket = socket
    this.#writer = new MessageWriter(socket, cluster.http1)
    // The close event that follows says all there is to say.
    socket.on('error', () => {
      this.#failed = true
    })
    socket.on('close', () => this.#onClose())
  }

  get isConnecting(): boolean {
    return this.#state === 'connecting'
  }

  /** How long the endpoint says that the connection may idle; -1 when it has not said. */
  get keepAliveMs(): number {
    return this.#parser.keepAliveMs
  }

  get isIdle(): boolean {
    return this.#state === 'idle'
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  get isReused(): boolean {
    return this.requests > 1
  }

  get isBlocked(): boolean {
    return this.#writer.isBlocked
  }

  /** Gives the connection, which is idle, to a stream. */
  assign(stream: UpstreamStream): void {
    this.#state = 'busy'
    this.#stream = stream
    this.#interimResponses = 0
    this.#requestComplete = false
    this.#responseComplete = false
    this.requests++
  }

  sendHead(head: RequestHead, path: string, authority: string, endStream: boolean): void {
    const parser = this.#parser
    parser.toHead = head.method === 'HEAD'
    parser.toUpgrade = head.protocol !== ''
    parser.toConnect = head.method === 'CONNECT'
    this.#requestComplete = endStream
    this.#writer.request(head, path, authority, endStream)
  }

  sendBody(chunk: Buffer, endStream: boolean): void {
    this.#writer.body(chunk, endStream)
    this.#stats.upstreamCxTxBytesTotal.value += chunk.length
    if (endStream) this.#endRequest()
  }

  sendTrailers(trailers: HeaderList): void {
    this.#writer.trailers(trailers)
    this.#endRequest()
  }

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

  /** The connection cannot be used any more and is closed. */
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
      if (status !== 101) {
        if (++this.#interimResponses > MAX_INTERIM_RESPONSES) {
          this.#onBroken()
          return
        }
        this.#stream?.onInterimResponse(parser.head)
        parser.next()
        return
      }
      // 101 answers an upgrade, and none was asked for.
      if (!parser.toUpgrade) {
        this.#onBroken()
        return
      }
    }
    if (parser.saysClose) this.#stats.upstreamCxCloseNotify.value++
    this.#stream?.onResponseHead(parser.head, parser.fields, endStream)
    if (endStream) this.#onResponseComplete()
  }

  onBody(chunk: Buffer, endStream: boolean): void {
    this.#stream?.onResponseBody(chunk, endStream)
    if (endStream) this.#onResponseComplete()
  }

  onTrailers(trailers: HeaderList): void {
    this.#stream?.onResponseTrailers(trailers)
    this.#onResponseComplete()
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
    this.connection.onReady(socket, this.#wheel)
    readDirectly(socket, (chunk: Buffer) => this.#onData(chunk))
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
      // Bytes that nobody asked for (RFC 9112 9.2: a client must not take them for the next response). That it gives up
      // waiting is what a server may say (RFC 9110 15.5.9).
      if (chunk.toString('latin1', 9, 12) !== '408') this.#stats.upstreamCxProtocolError.value++
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
    this.#stream?.onEncoderDrained()
    closeBatch()
  }

  #endRequest(): void {
    this.#requestComplete = true
    // A tunnel has no framing: only the connection's end tells of its own.
    if (this.#parser.toUpgrade || this.#parser.toConnect) {
      this.#writer.flush()
      this.#socket.end()
    }
    if (this.#responseComplete) this.#release()
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
    if (parser.hasMore) this.#stats.upstreamCxProtocolError.value++
    if (parser.close || parser.hasMore || this.#socket.destroyed) {
      this.close()
      return
    }
    this.#state = 'idle'
    parser.next()
    this.#owner.onReleased(this)
  }

  #onBroken(): void {
    this.#stats.upstreamCxProtocolError.value++
    const stream = this.#stream
    this.#stream = null
    this.close()
    stream?.onReset(RESET.protocolError)
  }

  #onClose(): void {
    if (this.#state === 'closed') return
    if (this.#state === 'connecting') {
      this.#fail(this.#failed ? RESET.remoteConnectionFailure : RESET.localConnectionFailure, '')
      return
    }
    const stream = this.#stream
    // In the middle of a head or a body Envoy takes it for a breach of the protocol.
    const { isIdle, inTunnel } = this.#parser
    const reason = isIdle || inTunnel ? RESET.connectionTermination : RESET.protocolError
    this.#state = 'closed'
    this.#stream = null
    this.#parser.stop()
    openBatch()
    this.#owner.onClosed(this)
    if (stream) {
      this.#stats.upstreamCxDestroyRemoteWithActiveRq.value++
      stream.onReset(reason)
    }
    closeBatch()
  }
}
