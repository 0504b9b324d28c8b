// The times of a client's HTTP/1 connection: how long a request may take to arrive, how long its stream, and the connection
// without one, may be silent, and how long the connection may last.
import { WheelTimer } from '../../base/timer-wheel.ts'
import { closeBatch, openBatch } from '../../transport/http/write-batch.ts'
import type { ConnectionManagerConfig } from './connection-manager-config.ts'
import type { LocalReply } from './local-reply.ts'
import { REFUSAL } from './request-refusal.ts'

const TIMER = { idle: 0, request: 1, duration: 2 } as const

/** A draining connection without a stream waits this long for a request that may be on its way. */
const DRAIN_GRACE_MS = 500

/** The connection, told which of its times is over. */
export interface TimedConnection {
  readonly hasStream: boolean
  onStreamIdle(): void
  /** Without a stream. */
  onIdle(): void
  /** Of a stream, or of a head that is not here yet. */
  onRequestTimeout(reply: LocalReply): void
  onDuration(): void
}

export class ConnectionTimers {
  readonly #connection: TimedConnection
  readonly #config: ConnectionManagerConfig
  readonly #idle = new WheelTimer(this, TIMER.idle)
  #request: WheelTimer | null = null
  /** When the first part of a head came; 0: it came whole. */
  #headBegan = 0
  #duration: WheelTimer | null = null
  /** Of the current stream; 0: it may be silent for ever. */
  #streamIdleMs = 0

  constructor(connection: TimedConnection, config: ConnectionManagerConfig) {
    this.#connection = connection
    this.#config = config
    const { timeouts, wheel } = config
    if (timeouts.idle > 0) wheel.set(this.#idle, timeouts.idle)
    if (timeouts.connectionDuration > 0) {
      this.#duration = new WheelTimer(this, TIMER.duration)
      wheel.set(this.#duration, timeouts.connectionDuration)
    }
  }

  /** The first part of a head is here. The time for a whole request runs from its first byte on, too (Envoy). */
  awaitHead(): void {
    if (this.#request?.isSet === true) return
    this.#headBegan = this.#config.clock.now()
    this.#setRequest(this.#config.timeouts.head)
  }

  /** A stream has begun, with a head that is here; `endStream`: nothing follows that. */
  beginStream(endStream: boolean): void {
    const { timeouts, clock } = this.#config
    this.endRequest()
    this.setStreamIdle(timeouts.streamIdle)
    if (!endStream && timeouts.request > 0) {
      const headTime = this.#headBegan === 0 ? 0 : clock.now() - this.#headBegan
      this.#setRequest(Math.max(1, timeouts.request - headTime))
    }
    this.#headBegan = 0
  }

  /** The request is here, or it is being answered: the time for it is over then, too (Envoy). */
  endRequest(): void {
    if (this.#request !== null) this.#config.wheel.cancel(this.#request)
  }

  setStreamIdle(timeoutMs: number): void {
    this.#streamIdleMs = timeoutMs
    // With 0 a timer that runs already is left alone: it finds the stream and does nothing.
    if (timeoutMs > 0) this.#config.wheel.set(this.#idle, timeoutMs)
  }

  /** Something happened on the stream. */
  touch(): void {
    if (this.#streamIdleMs > 0) this.#config.wheel.set(this.#idle, this.#streamIdleMs)
  }

  endStream(): void {
    const { timeouts, wheel } = this.#config
    if (timeouts.idle > 0) wheel.set(this.#idle, timeouts.idle)
    else wheel.cancel(this.#idle)
  }

  /** The connection lasts a moment yet, whatever its config says. */
  endSoon(): void {
    this.#duration ??= new WheelTimer(this, TIMER.duration)
    this.#config.wheel.cancel(this.#duration)
    this.#config.wheel.set(this.#duration, DRAIN_GRACE_MS)
  }

  stop(): void {
    const { wheel } = this.#config
    wheel.cancel(this.#idle)
    this.endRequest()
    if (this.#duration !== null) wheel.cancel(this.#duration)
  }

  onTimer(timer: WheelTimer): void {
    openBatch()
    if (timer.purpose === TIMER.idle) this.#onIdle()
    else if (timer.purpose === TIMER.request) this.#connection.onRequestTimeout(this.#countRequestTimeout())
    else this.#connection.onDuration()
    closeBatch()
  }

  #onIdle(): void {
    const connection = this.#connection
    if (!connection.hasStream) connection.onIdle()
    else if (this.#streamIdleMs > 0) connection.onStreamIdle()
  }

  /** In Envoy's words the whole request is late when its head had no time of its own. */
  #countRequestTimeout(): LocalReply {
    const { stats, timeouts } = this.#config
    if (this.#connection.hasStream || timeouts.headIsOfRequest) {
      stats.requestTimeouts.value++
      return REFUSAL.requestTimeout
    }
    stats.requestHeaderTimeouts.value++
    return REFUSAL.requestHeaderTimeout
  }

  #setRequest(timeoutMs: number): void {
    if (timeoutMs <= 0) return
    this.#request ??= new WheelTimer(this, TIMER.request)
    this.#config.wheel.cancel(this.#request)
    this.#config.wheel.set(this.#request, timeoutMs)
  }
}
