// One stream of a client's HTTP/2 connection, between the codec and the stream that the filters know.
import { WheelTimer } from '../../base/timer-wheel.ts'
import { getHeader, type HeaderList, removeHeader } from '../../transport/header-list.ts'
import { FIELD } from '../../transport/http/field-name.ts'
import { closeBatch, openBatch } from '../../transport/http/write-batch.ts'
import { DETAILS, ERROR_CODE } from '../../transport/http2/error-code.ts'
import type { Http2Stream } from '../../transport/http2/stream.ts'
import type { Http2StreamHandler } from '../../transport/http2/stream-handler.ts'
import type { RequestHead, ResponseHead } from '../../transport/request-head.ts'
import type { ConnectionInfo } from '../connection-info.ts'
import { RESPONSE_FLAG } from '../response-flag.ts'
import { StreamInfo } from '../stream-info.ts'
import type { ConnectionManagerConfig } from './connection-manager-config.ts'
import { PREMATURE_RESET_MS } from './premature-resets.ts'
import { REFUSAL } from './request-refusal.ts'
import { Stream } from './stream.ts'
import type { StreamConnection } from './stream-connection.ts'
import { rejectsUnderscores } from './underscored-headers.ts'

const TIMER = { idle: 0, request: 1 } as const
const NO_FIELDS: HeaderList = []

/** The connection as its streams see it. */
export interface Http2Carrier {
  readonly info: ConnectionInfo
  /** Why the connection ended, once it has: response code details, and a bit of RESPONSE_FLAG. */
  readonly terminationDetails: string
  readonly terminationFlag: number
  /** Bytes come no more, and streams end with the connection. */
  readonly isClosed: boolean
  /** Before the head of a final response is sent. */
  onResponse(): void
  /** `isPrematureReset`: by the client, soon after it was opened and before a response began. */
  onStreamClosed(isPrematureReset: boolean): void
}

export class Http2DownstreamStream implements StreamConnection, Http2StreamHandler {
  readonly info: ConnectionInfo
  /** What is said of a connection's end is said by GOAWAY. */
  readonly isClosing = false
  readonly #carrier: Http2Carrier
  readonly #config: ConnectionManagerConfig
  readonly #http2: Http2Stream
  #stream: Stream
  readonly #idleTimer = new WheelTimer(this, TIMER.idle)
  #requestTimer: WheelTimer | null = null
  #idleMs = 0
  #responseComplete = false
  /** The codec has told of the stream's end. */
  #reset = false
  #isPrematureReset = false
  /** Over for everybody but the codec, which has some of the response left to send. */
  #isFlushing = false

  constructor(
    carrier: Http2Carrier,
    config: ConnectionManagerConfig,
    http2: Http2Stream,
    head: RequestHead,
    endStream: boolean,
  ) {
    this.#carrier = carrier
    this.#config = config
    this.#http2 = http2
    this.info = carrier.info
    const { clock } = config
    const info = new StreamInfo(carrier.info, clock.wallNow(), clock.now())
    info.protocol = 'HTTP/2'
    this.#stream = this.#createStream(head, info, endStream)
  }

  renewStream(head: RequestHead, info: StreamInfo): Stream {
    this.setStreamIdleTimeout(this.#config.timeouts.streamIdle)
    this.#stream = this.#createStream(head, info, true)
    return this.#stream
  }

  #createStream(head: RequestHead, info: StreamInfo, endStream: boolean): Stream {
    const { stats } = this.#config
    stats.requests.value++
    stats.requestsHttp2.value++
    stats.requestsActive.value++
    return new Stream(this, this.#config, info, head, endStream)
  }

  begin(fields: number, endStream: boolean): void {
    const { timeouts } = this.#config
    const stream = this.#stream
    const { request } = stream
    this.setStreamIdleTimeout(timeouts.streamIdle)
    if (!endStream && timeouts.request > 0) {
      this.#requestTimer = new WheelTimer(this, TIMER.request)
      this.#config.wheel.set(this.#requestTimer, timeouts.request)
    }
    if (fields & FIELD.host) takeHost(request)
    if (request.protocol !== '') becomeUpgrade(request)
    stream.info.authority = request.authority
    stream.info.method = request.method
    if (fields & FIELD.underscore && this.#rejectsUnderscores(request.headers)) this.#rejectForUnderscore()
    else if (request.authority === '') stream.localReply(REFUSAL.missingHost)
    else stream.begin(fields & ~FIELD.host, endStream)
  }

  get isBlocked(): boolean {
    return this.#http2.isBlocked
  }

  writeHead(head: ResponseHead, endStream: boolean): void {
    const { status, headers } = head
    if (endStream && status >= 200) this.#responseComplete = true
    if (status >= 200 || status === 101) this.#carrier.onResponse()
    // The time for the request is over once it is being answered (Envoy).
    if (this.#requestTimer !== null && (status >= 200 || status === 101)) this.#config.wheel.cancel(this.#requestTimer)
    if (status === 101) {
      // RFC 9113 8.6, RFC 8441 5: what HTTP/1.1 answers an upgrade with is 200 here.
      removeHeader(headers, 'connection')
      removeHeader(headers, 'upgrade')
      this.#http2.sendResponse(200, headers, false)
    } else this.#http2.sendResponse(status, headers, endStream && status >= 200)
  }

  writeBody(chunk: Buffer, endStream: boolean): void {
    if (endStream) this.#responseComplete = true
    this.#config.stats.sentBytes.value += chunk.length
    this.#http2.sendData(chunk, endStream)
  }

  writeTrailers(trailers: HeaderList): void {
    this.#responseComplete = true
    this.#http2.sendTrailers(trailers)
  }

  writeContinue(): void {
    this.#http2.sendResponse(100, NO_FIELDS, false)
  }

  pauseReading(): void {
    this.#http2.pause()
  }

  resumeReading(): void {
    this.#http2.resume()
  }

  setStreamIdleTimeout(timeoutMs: number): void {
    this.#idleMs = timeoutMs
    if (timeoutMs > 0) this.#config.wheel.set(this.#idleTimer, timeoutMs)
    else this.#config.wheel.cancel(this.#idleTimer)
  }

  touch(): void {
    if (this.#idleMs > 0) this.#config.wheel.set(this.#idleTimer, this.#idleMs)
  }

  onStreamEnd(whole: boolean): void {
    const { wheel, timeouts } = this.#config
    wheel.cancel(this.#idleTimer)
    if (this.#requestTimer !== null) wheel.cancel(this.#requestTimer)
    if (!this.#reset && this.#responseComplete && this.#http2.isSending) {
      this.#isFlushing = true
      const limit = this.#idleMs > 0 ? this.#idleMs : timeouts.idle
      if (limit > 0) wheel.set(this.#idleTimer, limit)
    } else this.#close(whole)
  }

  #close(whole: boolean): void {
    if (!this.#reset && !whole) {
      // RFC 9113 8.1: a whole response may end a request early, which is no error.
      this.#http2.reset(this.#responseComplete ? ERROR_CODE.noError : ERROR_CODE.internalError)
    }
    this.#carrier.onStreamClosed(this.#isPrematureReset)
  }

  onSent(): void {
    if (this.#isFlushing) this.#endFlush(this.#stream.isRequestComplete)
  }

  #endFlush(whole: boolean): void {
    this.#isFlushing = false
    this.#config.wheel.cancel(this.#idleTimer)
    this.#close(whole)
  }

  /** A client that opens no window would have its responses kept for as long as it likes. */
  #onFlushTimeout(): void {
    this.#config.stats.http2FlushTimeouts.value++
    this.#responseComplete = false
    this.#endFlush(false)
  }

  /** A server's stream is asked for no response. */
  onResponse(): void {}

  onData(chunk: Buffer, endStream: boolean): void {
    if (this.#isFlushing) return
    if (endStream && this.#requestTimer !== null) this.#config.wheel.cancel(this.#requestTimer)
    this.touch()
    this.#stream.onRequestData(chunk, endStream)
  }

  onTrailers(trailers: HeaderList): void {
    if (this.#isFlushing) return
    if (this.#requestTimer !== null) this.#config.wheel.cancel(this.#requestTimer)
    this.touch()
    if (this.#rejectsUnderscores(trailers)) this.#rejectForUnderscore()
    else this.#stream.onRequestTrailers(trailers)
  }

  onReset(code: number, remote: boolean, details: string): void {
    this.#reset = true
    if (this.#isFlushing) {
      this.#endFlush(false)
      return
    }
    const { info } = this.#stream
    this.#isPrematureReset =
      remote && info.responseCode === 0 && this.#config.clock.now() - info.startedAt < PREMATURE_RESET_MS
    const { isClosed, terminationDetails, terminationFlag } = this.#carrier
    if (isClosed) this.#stream.onDownstreamGone(terminationDetails, terminationFlag)
    else if (!remote) this.#onFault(details)
    // Without an error the client, having asked, has said that it wants no more: neither flag nor details in Envoy.
    else if (code === ERROR_CODE.noError && this.#stream.isRequestComplete) this.#stream.onDownstreamGone('', 0)
    else {
      const flag = code === ERROR_CODE.protocolError ? RESPONSE_FLAG.DPE : RESPONSE_FLAG.DR
      this.#stream.onDownstreamGone(details, flag)
    }
  }

  #onFault(details: string): void {
    this.#config.stats.http2.countFault(details)
    this.#stream.onDownstreamGone(details, faultFlag(details))
  }

  #rejectsUnderscores(headers: HeaderList): boolean {
    const { underscores } = this.#config
    return underscores !== null && rejectsUnderscores(headers, underscores.rejects, underscores.http2)
  }

  /** Flag and all as in Envoy, whose codec lets no such field in. */
  #rejectForUnderscore(): void {
    this.#stream.onDownstreamGone('http2.unexpected_underscore', RESPONSE_FLAG.DR)
  }

  onDrained(): void {
    if (this.#isFlushing) return
    this.touch()
    this.#stream.onDownstreamDrained()
  }

  onTimer(timer: WheelTimer): void {
    openBatch()
    if (this.#isFlushing) this.#onFlushTimeout()
    else if (timer.purpose === TIMER.idle) this.#stream.onIdleTimeout()
    else {
      this.#config.stats.requestTimeouts.value++
      this.#stream.localReply(REFUSAL.requestTimeout)
    }
    closeBatch()
  }
}

/** More than the limits allow is no fault of the protocol. */
export function faultFlag(details: string): number {
  const isLimit = details === DETAILS.tooManyHeaders || details === DETAILS.headersTooLarge
  return isLimit ? RESPONSE_FLAG.DR : RESPONSE_FLAG.DPE
}

/** RFC 9113 8.3.1: `host` stands in for an :authority that is not there, and yields to one that is. */
function takeHost(request: RequestHead): void {
  if (request.authority === '') request.authority = getHeader(request.headers, 'host') ?? ''
  removeHeader(request.headers, 'host')
}

/** An extended CONNECT (RFC 8441) as the upgrade that HTTP/1.1 has for it: routes and filters see one form (Envoy). */
function becomeUpgrade(request: RequestHead): void {
  request.method = 'GET'
  request.headers.push('connection', 'upgrade', 'upgrade', request.protocol)
}
