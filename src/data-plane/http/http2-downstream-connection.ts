// A client's HTTP/2 connection: bytes to streams, many at a time.
import type { Socket } from 'node:net'
import { WheelTimer } from '../../base/timer-wheel.ts'
import { closeBatch, openBatch } from '../../transport/http/write-batch.ts'
import { DETAILS, ERROR_CODE } from '../../transport/http2/error-code.ts'
import { Keepalive, type KeepaliveOwner } from '../../transport/http2/keepalive.ts'
import { Http2Session } from '../../transport/http2/session.ts'
import type { Http2SessionHandler } from '../../transport/http2/session-handler.ts'
import type { Http2Stream } from '../../transport/http2/stream.ts'
import type { Http2StreamHandler } from '../../transport/http2/stream-handler.ts'
import { readDirectly } from '../../transport/net/direct-read.ts'
import type { RequestHead } from '../../transport/request-head.ts'
import type { ConnectionInfo } from '../connection-info.ts'
import { RESPONSE_FLAG } from '../response-flag.ts'
import { StreamInfo } from '../stream-info.ts'
import type { ConnectionManagerConfig } from './connection-manager-config.ts'
import { DelayedClose } from './delayed-close.ts'
import { faultFlag, Http2DownstreamStream } from './http2-downstream-stream.ts'
import type { ConnectionOwner, ManagedConnection } from './managed-connection.ts'
import { areTooManyResets } from './premature-resets.ts'

const TIMER = { idle: 0, duration: 1, drain: 2, head: 3, drainLimit: 4 } as const

/**
 * Between the two GOAWAYs of a drain (RFC 9113 6.8): streams that the client opened before it heard of the first are
 * still taken. When it has answered the PING behind the first, they are all here; it need not answer for ever.
 */
const DRAIN_GRACE_MS = 500
const DRAIN_LIMIT_MS = 5000

/** Envoy's words. */
const TOO_MANY_RESETS = 'too_many_premature_resets'
const HEAD_TIMEOUT = 'request_header_timeout'
const REQUEST_TIMEOUT = 'request_overall_timeout'
const PING_TIMEOUT = 'downstream_local_disconnect(http2_ping_timeout)'

export class Http2DownstreamConnection implements Http2SessionHandler, ManagedConnection, KeepaliveOwner {
  readonly info: ConnectionInfo
  /** Why the connection was given up, in Envoy's words: its streams' response code details then. */
  terminationDetails = 'downstream_remote_disconnect'
  terminationFlag: number = RESPONSE_FLAG.DC
  readonly #owner: ConnectionOwner
  readonly #config: ConnectionManagerConfig
  readonly #socket: Socket
  readonly #session: Http2Session
  readonly #idleTimer = new WheelTimer(this, TIMER.idle)
  #keepalive: Keepalive | null = null
  #durationTimer: WheelTimer | null = null
  #drainTimer: WheelTimer | null = null
  #delayedClose: DelayedClose | null = null
  /** Of PINGs sent, which are answered in order. */
  #unanswered = 0
  /** What was unanswered when the client was told of the end, less what has been answered since. */
  #unheard = 0
  #headTimer: WheelTimer | null = null
  /** Whose head `#headTimer` waits for; 0: none. */
  #unfinished = 0
  #state: 'open' | 'draining' | 'closing' | 'closed' = 'open'
  #requests = 0
  #active = 0
  #ended = 0
  #prematureResets = 0

  /** `counted`: the connection is in the stats already, as one whose protocol was not known. */
  constructor(
    owner: ConnectionOwner,
    config: ConnectionManagerConfig,
    socket: Socket,
    info: ConnectionInfo,
    counted: boolean,
  ) {
    this.#owner = owner
    this.#config = config
    this.#socket = socket
    this.info = info
    this.#session = new Http2Session('server', socket, this, config.http2)
    const { stats, timeouts, wheel } = config
    if (!counted) {
      stats.connections.value++
      stats.connectionsActive.value++
    }
    stats.connectionsHttp2.value++
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
    socket.on('end', () => this.destroy())
    socket.on('drain', () => this.#onDrain())
    openBatch()
    this.#session.start()
    closeBatch()
    const { http2, wheel, random } = this.#config
    if (http2.keepalive !== null) this.#keepalive = new Keepalive(this, http2.keepalive, wheel, random)
    if (early !== null && early.length > 0) this.#onData(early)
    readDirectly(socket, (chunk: Buffer) => this.#onData(chunk))
  }

  /** Unless those that say nothing are spared: they hear of it with their next response, as in Envoy. */
  drain(): void {
    if (!this.#owner.sparesIdle) this.#announceEnd()
  }

  /** A stream is about to be answered. */
  onResponse(): void {
    if (this.#owner.drainClose) this.#announceEnd()
  }

  /** Streams that run go on; the client is told to open no more. */
  #announceEnd(): void {
    if (this.#state !== 'open') return
    this.#state = 'draining'
    this.#config.stats.connectionDrainClose.value++
    openBatch()
    this.#session.goAway(ERROR_CODE.noError, false)
    const { drain } = this.#config.timeouts
    if (drain === null) {
      this.sendPing()
      this.#unheard = this.#unanswered
    }
    closeBatch()
    this.#drainTimer = new WheelTimer(this, TIMER.drain)
    this.#config.wheel.set(this.#drainTimer, drain ?? DRAIN_GRACE_MS)
  }

  /** Ends the connection at once, whatever is under way. */
  destroy(): void {
    this.#socket.destroy()
    this.#onClose()
  }

  onRequest(http2: Http2Stream, head: RequestHead, fields: number, endStream: boolean): Http2StreamHandler {
    const { wheel, maxRequestsPerConnection, stats } = this.#config
    this.#requests++
    if (this.#active++ === 0) wheel.cancel(this.#idleTimer)
    const stream = new Http2DownstreamStream(this, this.#config, http2, head, endStream)
    stream.begin(fields, endStream)
    if (this.#config.overload.disableHttpKeepalive && this.#state === 'open') {
      stats.connectionOverloadDisableKeepalive.value++
      this.#announceEnd()
    }
    if (maxRequestsPerConnection > 0 && this.#requests === maxRequestsPerConnection) {
      stats.connectionMaxRequestsReached.value++
      this.#announceEnd()
    }
    return stream
  }

  /** One of the streams is over. */
  onStreamClosed(isPrematureReset: boolean): void {
    this.#active--
    this.#ended++
    if (isPrematureReset) this.#onPrematureReset()
    if (this.#active > 0 || !this.#isServing) return
    if (this.#state === 'draining' && this.#drainTimer === null) {
      this.#closeGently()
      return
    }
    const { timeouts, wheel } = this.#config
    if (timeouts.idle > 0) wheel.set(this.#idleTimer, timeouts.idle)
  }

  get isClosed(): boolean {
    return !this.#isServing
  }

  get #isServing(): boolean {
    return this.#state === 'open' || this.#state === 'draining'
  }

  onCapacity(): void {}

  /** The client opens no more streams; those that run go on. */
  onGoAway(): void {}

  onRequestRefused(_code: number, details: string, isFatal: boolean): void {
    const { stats, clock, accessLogs } = this.#config
    if (!isFatal) stats.http2.countFault(details)
    // Who opens more streams than allowed hears of it and asks again: nothing has been lost.
    if (details === DETAILS.streamLimit) return
    const info = new StreamInfo(this.info, clock.wallNow(), clock.now())
    info.protocol = 'HTTP/2'
    info.responseFlags = faultFlag(details)
    info.responseCodeDetails = details
    for (let i = 0; i < accessLogs.length; i++) accessLogs[i]!.log(info)
  }

  onSessionError(_code: number, details: string): void {
    const { stats } = this.#config
    stats.http2.countFault(details)
    const isTimeout = details === HEAD_TIMEOUT || details === REQUEST_TIMEOUT
    if (!isTimeout && !stats.http2.countFlood(details)) stats.connectionProtocolErrors.value++
    if (details === TOO_MANY_RESETS) this.terminationFlag = 0
    else if (!isTimeout) this.terminationFlag = RESPONSE_FLAG.DPE
    this.terminationDetails = details
    this.#closeGently()
    this.#session.end()
  }

  onPing(): void {
    this.#unanswered--
    this.#keepalive?.onAnswer()
    if (this.#unheard > 0 && --this.#unheard === 0 && this.#drainTimer?.purpose === TIMER.drainLimit) this.#endDrain()
  }

  sendPing(): void {
    this.#unanswered++
    this.#session.ping()
  }

  /** Without a GOAWAY: nobody is there to read it (Envoy). */
  onKeepaliveTimeout(): void {
    this.#config.stats.http2KeepaliveTimeouts.value++
    this.terminationDetails = PING_TIMEOUT
    this.destroy()
  }

  onTimer(timer: WheelTimer): void {
    openBatch()
    if (timer.purpose === TIMER.idle) this.#onIdle()
    else if (timer.purpose === TIMER.duration) this.#onDuration()
    else if (timer.purpose === TIMER.drain) this.#onDrainGrace()
    else if (timer.purpose === TIMER.drainLimit) this.#endDrain()
    else this.#onHeadTimeout()
    closeBatch()
  }

  #onData(chunk: Buffer): void {
    if (!this.#isServing) return
    this.#config.stats.receivedBytes.value += chunk.length
    this.#keepalive?.onReceived()
    openBatch()
    this.#session.receive(chunk)
    if (this.#session.unfinishedStream !== this.#unfinished) this.#onHeadProgress()
    closeBatch()
  }

  /** A head that takes more than one frame has begun, or ended. */
  #onHeadProgress(): void {
    const { timeouts, wheel } = this.#config
    this.#unfinished = this.#session.unfinishedStream
    if (this.#headTimer !== null) wheel.cancel(this.#headTimer)
    if (this.#unfinished === 0 || timeouts.head === 0 || !this.#isServing) return
    this.#headTimer ??= new WheelTimer(this, TIMER.head)
    wheel.set(this.#headTimer, timeouts.head)
  }

  /** RFC 9113 4.3: nothing else can arrive before that head ends, so this ends the connection, not a stream. */
  #onHeadTimeout(): void {
    if (!this.#isServing) return
    const { stats, timeouts } = this.#config
    const { headIsOfRequest } = timeouts
    if (headIsOfRequest) stats.requestTimeouts.value++
    else stats.requestHeaderTimeouts.value++
    this.#session.fail(ERROR_CODE.enhanceYourCalm, headIsOfRequest ? REQUEST_TIMEOUT : HEAD_TIMEOUT)
  }

  #onDrain(): void {
    openBatch()
    this.#session.drained()
    closeBatch()
  }

  #onClose(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    const { stats } = this.#config
    this.#stopTimers()
    this.#delayedClose?.stop()
    stats.connectionsActive.value--
    stats.connectionsDestroyed.value++
    if (this.#active > 0) stats.connectionsDestroyedWithActiveRequest.value++
    openBatch()
    this.#session.end()
    this.#owner.onConnectionClosed(this)
    closeBatch()
  }

  #onPrematureReset(): void {
    this.#prematureResets++
    if (!this.#isServing) return
    if (!areTooManyResets(this.#prematureResets, this.#ended)) return
    this.#config.stats.requestsTooManyPrematureResets.value++
    this.#session.fail(ERROR_CODE.enhanceYourCalm, TOO_MANY_RESETS)
  }

  #onIdle(): void {
    if (this.#active > 0) return
    this.#config.stats.connectionIdleTimeouts.value++
    this.#closeGently()
  }

  #onDuration(): void {
    this.#config.stats.connectionMaxDurationReached.value++
    this.#announceEnd()
  }

  #onDrainGrace(): void {
    if (this.#unheard === 0) {
      this.#endDrain()
      return
    }
    this.#drainTimer = new WheelTimer(this, TIMER.drainLimit)
    this.#config.wheel.set(this.#drainTimer, DRAIN_LIMIT_MS - DRAIN_GRACE_MS)
  }

  #endDrain(): void {
    if (this.#drainTimer !== null) this.#config.wheel.cancel(this.#drainTimer)
    this.#drainTimer = null
    this.#session.goAway(ERROR_CODE.noError, true)
    if (this.#active === 0) this.#closeGently()
  }

  /** GOAWAY, what is left, a FIN; the client is given a moment to read them. */
  #closeGently(): void {
    if (!this.#isServing) return
    this.#state = 'closing'
    this.#stopTimers()
    this.#session.goAway(ERROR_CODE.noError, true)
    this.#session.flush()
    this.#delayedClose = new DelayedClose(this, this.#socket, this.#config)
  }

  #stopTimers(): void {
    const { wheel } = this.#config
    this.#keepalive?.stop()
    wheel.cancel(this.#idleTimer)
    if (this.#durationTimer !== null) wheel.cancel(this.#durationTimer)
    if (this.#drainTimer !== null) wheel.cancel(this.#drainTimer)
    if (this.#headTimer !== null) wheel.cancel(this.#headTimer)
  }
}
