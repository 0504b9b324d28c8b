// One HTTP/2 connection to an endpoint, shared by many streams.
import type { Socket } from 'node:net'
import { type TimerWheel, WheelTimer } from '../../base/timer-wheel.ts'
import { closeBatch, openBatch } from '../../transport/http/write-batch.ts'
import { Keepalive, type KeepaliveOwner } from '../../transport/http2/keepalive.ts'
import { Http2Session } from '../../transport/http2/session.ts'
import type { Http2SessionHandler } from '../../transport/http2/session-handler.ts'
import type { Http2StreamHandler } from '../../transport/http2/stream-handler.ts'
import { limitBuffers } from '../../transport/net/buffer-limit.ts'
import { readDirectly } from '../../transport/net/direct-read.ts'
import { LingeringClose } from '../../transport/net/lingering-close.ts'
import type { Endpoint } from '../cluster/cluster.ts'
import { UpstreamConnectionInfo } from '../upstream-connection-info.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'
import type { ConnectionSettings } from './connection-settings.ts'
import { Http2UpstreamStream } from './http2-upstream-stream.ts'
import { RESET, type ResetReason } from './reset-reason.ts'

/** The pool that owns a connection. */
export interface Http2ConnectionOwner {
  onConnected(connection: Http2UpstreamConnection): void
  /** `failure` is the transport's reason, empty when there is none to give. */
  onConnectFailed(connection: Http2UpstreamConnection, reason: ResetReason, failure: string): void
  /** A stream has ended, or the endpoint allows more of them. */
  onCapacity(connection: Http2UpstreamConnection): void
  onClosed(connection: Http2UpstreamConnection): void
}

const NO_ERROR = 0
const WAIT = 0
const LIFETIME = 1

export class Http2UpstreamConnection implements Http2SessionHandler, KeepaliveOwner {
  readonly endpoint: Endpoint
  /** Of the pool: connect and idle time-outs. */
  readonly timer: WheelTimer
  /** Of the pool: set while the cluster bounds how old a connection may become. */
  readonly lifetime: WheelTimer
  /** Streams that were opened on it. */
  requests = 0
  readonly connection: UpstreamConnectionInfo
  readonly #owner: Http2ConnectionOwner
  readonly #cluster: ConnectionSettings
  readonly #socket: Socket
  readonly #session: Http2Session
  readonly #wheel: TimerWheel
  #keepalive: Keepalive | null = null
  #state: 'connecting' | 'open' | 'closed' = 'connecting'
  /** No stream may be added: the endpoint said GOAWAY, has left, or the connection has carried enough. */
  #draining = false
  #failed = false
  /** Given up here, though streams were open. */
  #gaveUp = false
  #brokeProtocol = false

  constructor(
    owner: Http2ConnectionOwner,
    cluster: ConnectionSettings,
    endpoint: Endpoint,
    transport: UpstreamTransport,
    wheel: TimerWheel,
  ) {
    this.#owner = owner
    this.#wheel = wheel
    this.connection = new UpstreamConnectionInfo('HTTP/2', wheel.now())
    this.#cluster = cluster
    this.endpoint = endpoint
    this.timer = new WheelTimer(this, WAIT)
    this.lifetime = new WheelTimer(this, LIFETIME)
    const socket = transport.connect(endpoint.address, endpoint.port, failure => this.#onReady(failure))
    limitBuffers(socket, cluster.bufferLimit)
    this.connection.watch(socket, wheel)
    this.#socket = socket
    this.#session = new Http2Session('client', socket, this, cluster.http2)
    // The close event that follows says all there is to say.
    socket.on('error', () => {
      this.#failed = true
    })
    socket.on('close', () => this.#onClose())
  }

  get isConnecting(): boolean {
    return this.#state === 'connecting'
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  /** Why streams end with a connection that is closed. */
  get closeReason(): ResetReason {
    return this.#brokeProtocol ? RESET.protocolError : RESET.connectionTermination
  }

  get isIdle(): boolean {
    return this.#session.activeStreams === 0
  }

  /** Within what the endpoint allows, and the cluster. */
  get canOpenStream(): boolean {
    const session = this.#session
    if (this.#state !== 'open' || this.#draining || !session.canOpenStream) return false
    return session.activeStreams < this.#cluster.http2.maxConcurrentStreams
  }

  openStream(): Http2UpstreamStream {
    this.requests++
    this.#keepalive?.onStream()
    const stream = new Http2UpstreamStream(this, this.#session, this.#cluster.stats)
    const max = this.#cluster.maxRequestsPerConnection
    if (max > 0 && this.requests >= max) this.#draining = true
    return stream
  }

  /** Ends with its last stream. */
  drain(): void {
    this.#draining = true
    if (this.isIdle) this.close()
  }

  close(): void {
    if (this.#state === 'closed') return
    if (this.#state === 'open') {
      this.#session.goAway(NO_ERROR, true)
    }
    this.#end()
  }

  onTimer(timer: WheelTimer): void {
    if (timer.purpose === LIFETIME) {
      this.#cluster.stats.upstreamCxMaxDurationReached.value++
      this.drain()
      return
    }
    if (this.#state === 'connecting') this.#fail(RESET.connectionTimeout, '')
    else if (this.isIdle) this.close()
  }

  onRequest(): Http2StreamHandler {
    // The codec lets no request into a client's session (RFC 9113 8.4: push is switched off).
    return NOBODY
  }

  onCapacity(): void {
    if (this.#state !== 'open') return
    if (this.#draining && this.isIdle) this.close()
    else this.#owner.onCapacity(this)
  }

  onGoAway(): void {
    this.#draining = true
    this.#cluster.stats.upstreamCxCloseNotify.value++
    if (this.isIdle) this.close()
  }

  onSessionError(): void {
    this.#brokeProtocol = true
    this.#cluster.stats.upstreamCxProtocolError.value++
    this.#end()
  }

  /** With a last word, unless the endpoint has taken none of those before: it would be waited for without end. */
  #end(): void {
    if (this.#socket.writableLength > 0) this.#socket.destroy()
    else {
      this.#session.flush()
      LingeringClose.begin(this.#socket, this.#wheel)
    }
    this.#onClose()
  }

  onPing(): void {
    this.#keepalive?.onAnswer()
  }

  sendPing(): void {
    this.#session.ping()
  }

  /** Without a GOAWAY: nobody is there to read it (Envoy). */
  onKeepaliveTimeout(): void {
    this.#cluster.stats.http2KeepaliveTimeout.value++
    this.#gaveUp = true
    this.#socket.destroy()
    this.#onClose()
  }

  #onReady(failure: string | null): void {
    if (this.#state !== 'connecting') return
    if (failure !== null) {
      this.#fail(RESET.remoteConnectionFailure, failure)
      return
    }
    this.#state = 'open'
    const socket = this.#socket
    this.connection.onReady(socket, this.#wheel)
    readDirectly(socket, (chunk: Buffer) => this.#onData(chunk))
    socket.on('end', () => this.close())
    socket.on('drain', () => this.#onDrain())
    openBatch()
    this.#session.start()
    const { http2, random } = this.#cluster
    if (http2.keepalive !== null) this.#keepalive = new Keepalive(this, http2.keepalive, this.#wheel, random)
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
    if (this.#state !== 'open') return
    this.#cluster.stats.upstreamCxRxBytesTotal.value += chunk.length
    this.#keepalive?.onReceived()
    openBatch()
    this.#session.receive(chunk)
    closeBatch()
  }

  #onDrain(): void {
    openBatch()
    this.#session.drained()
    closeBatch()
  }

  #onClose(): void {
    if (this.#state === 'closed') return
    if (this.#state === 'connecting') {
      this.#fail(this.#failed ? RESET.remoteConnectionFailure : RESET.localConnectionFailure, '')
      return
    }
    this.#state = 'closed'
    this.#keepalive?.stop()
    const { upstreamCxDestroyLocalWithActiveRq: local, upstreamCxDestroyRemoteWithActiveRq: remote } =
      this.#cluster.stats
    if (!this.isIdle) (this.#gaveUp ? local : remote).value++
    openBatch()
    // First, so that a stream that tries again is not given this connection.
    this.#owner.onClosed(this)
    this.#session.end()
    closeBatch()
  }
}

const NOBODY: Http2StreamHandler = {
  onResponse: () => {},
  onData: () => {},
  onTrailers: () => {},
  onReset: () => {},
  onDrained: () => {},
}
