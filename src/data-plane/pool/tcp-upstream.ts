// A CONNECT's bytes as they are: the stream's body is what the endpoint reads, and what it writes is the response's.
import type { Socket } from 'node:net'
import { type TimerWheel, WheelTimer } from '../../base/timer-wheel.ts'
import { SocketWriter } from '../../transport/http/socket-writer.ts'
import { closeBatch, openBatch } from '../../transport/http/write-batch.ts'
import { limitBuffers } from '../../transport/net/buffer-limit.ts'
import { readDirectly } from '../../transport/net/direct-read.ts'
import { LingeringClose } from '../../transport/net/lingering-close.ts'
import type { RequestHead } from '../../transport/request-head.ts'
import type { Cluster, ClusterStats, Endpoint } from '../cluster/cluster.ts'
import { UpstreamConnectionInfo } from '../upstream-connection-info.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'
import type { PoolWaiter, RequestEncoder, UpstreamStream } from './request-encoder.ts'
import { RESET, type ResetReason } from './reset-reason.ts'

/** The pool that made it. */
export interface TcpUpstreamOwner {
  onConnected(upstream: TcpUpstream, waiter: PoolWaiter): void
  onConnectFailed(upstream: TcpUpstream, waiter: PoolWaiter, reason: ResetReason, failure: string): void
  onAbandoned(upstream: TcpUpstream, waiter: PoolWaiter): void
  onClosed(): void
}

const NO_BYTES = Buffer.alloc(0)

export class TcpUpstream implements RequestEncoder {
  readonly isReused = false
  readonly timer = new WheelTimer(this, 0)
  readonly connection: UpstreamConnectionInfo
  readonly #owner: TcpUpstreamOwner
  readonly #stats: ClusterStats
  readonly #waiter: PoolWaiter
  readonly #socket: Socket
  readonly #wheel: TimerWheel
  readonly #writer: SocketWriter
  #stream: UpstreamStream | null = null
  #state: 'connecting' | 'open' | 'closed' = 'connecting'
  #requestEnded = false
  #responseEnded = false

  constructor(
    owner: TcpUpstreamOwner,
    endpoint: Endpoint,
    transport: UpstreamTransport,
    cluster: Cluster,
    waiter: PoolWaiter,
    wheel: TimerWheel,
  ) {
    this.#wheel = wheel
    this.connection = new UpstreamConnectionInfo('', wheel.now())
    this.#owner = owner
    this.#stats = cluster.stats
    this.#waiter = waiter
    const socket = transport.connect(endpoint.address, endpoint.port, failure => this.#onReady(failure))
    // An end in one direction is no end of the other.
    socket.allowHalfOpen = true
    limitBuffers(socket, cluster.bufferLimit)
    this.connection.watch(socket, wheel)
    this.#socket = socket
    this.#writer = new SocketWriter(socket)
    // The close event that follows says all there is to say.
    socket.on('error', () => {})
    socket.on('close', () => this.#onClose())
  }

  get isBlocked(): boolean {
    return this.#writer.isBlocked
  }

  assign(stream: UpstreamStream): void {
    this.#stream = stream
  }

  /** Connected is answered: the tunnel stands (RFC 9110 9.3.6). */
  sendHead(_head: RequestHead, _path: string, _authority: string, endStream: boolean): void {
    this.#stream?.onResponseHead({ status: 200, headers: [] }, 0, false)
    if (endStream) this.#endRequest()
    this.#socket.resume()
  }

  sendBody(chunk: Buffer, endStream: boolean): void {
    this.#stats.upstreamCxTxBytesTotal.value += chunk.length
    if (chunk.length > 0) this.#writer.body(chunk)
    if (endStream) this.#endRequest()
  }

  /** A tunnel has no place for them. */
  sendTrailers(): void {
    this.#endRequest()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  abandon(): void {
    this.#stream = null
    if (this.#state === 'connecting') {
      this.#state = 'closed'
      this.#socket.destroy()
      this.#owner.onAbandoned(this, this.#waiter)
    } else if (this.#state === 'open') this.#giveUp()
  }

  onTimer(): void {
    if (this.#state === 'connecting') this.#fail(RESET.connectionTimeout, '')
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
    // Nothing is read before the stream has been told that it stands.
    socket.pause()
    readDirectly(socket, (chunk: Buffer) => this.#onData(chunk))
    socket.on('end', () => this.#onEnd())
    socket.on('drain', () => this.#onDrain())
    openBatch()
    this.#owner.onConnected(this, this.#waiter)
    closeBatch()
  }

  #fail(reason: ResetReason, failure: string): void {
    this.#state = 'closed'
    this.#socket.destroy()
    openBatch()
    this.#owner.onConnectFailed(this, this.#waiter, reason, failure)
    closeBatch()
  }

  #onData(chunk: Buffer): void {
    this.#stats.upstreamCxRxBytesTotal.value += chunk.length
    openBatch()
    this.#stream?.onResponseBody(chunk, false)
    closeBatch()
  }

  #onEnd(): void {
    this.#responseEnded = true
    const stream = this.#stream
    this.#stream = null
    openBatch()
    stream?.onResponseBody(NO_BYTES, true)
    closeBatch()
    if (this.#requestEnded) LingeringClose.begin(this.#socket, this.#wheel)
  }

  #onDrain(): void {
    openBatch()
    this.#writer.drained()
    this.#stream?.onEncoderDrained()
    closeBatch()
  }

  #endRequest(): void {
    this.#requestEnded = true
    this.#writer.flush()
    // Ended both ways it counts until all is sent, as nobody else waits for it.
    if (this.#responseEnded) LingeringClose.begin(this.#socket, this.#wheel)
    else this.#socket.end()
  }

  /** The pool forgets the connection now. An endpoint that has not taken what came before is sent no more (Envoy). */
  #giveUp(): void {
    const socket = this.#socket
    if (socket.writableLength > 0) socket.destroy()
    else {
      this.#writer.flush()
      LingeringClose.begin(socket, this.#wheel)
    }
    this.#onClose()
  }

  #onClose(): void {
    if (this.#state === 'closed') return
    if (this.#state === 'connecting') {
      this.#fail(RESET.localConnectionFailure, '')
      return
    }
    this.#state = 'closed'
    const stream = this.#stream
    this.#stream = null
    openBatch()
    this.#owner.onClosed()
    if (!this.#responseEnded) stream?.onReset(RESET.connectionTermination)
    closeBatch()
  }
}
