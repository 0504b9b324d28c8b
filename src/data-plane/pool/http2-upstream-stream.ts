// One request on an HTTP/2 connection.
import { type HeaderList, removeHeader } from '../../transport/header-list.ts'
import { DETAILS, ERROR_CODE } from '../../transport/http2/error-code.ts'
import type { Http2Session } from '../../transport/http2/session.ts'
import type { Http2Stream } from '../../transport/http2/stream.ts'
import type { Http2StreamHandler } from '../../transport/http2/stream-handler.ts'
import type { RequestHead, ResponseHead } from '../../transport/request-head.ts'
import type { ClusterStats } from '../cluster/cluster.ts'
import type { UpstreamConnectionInfo } from '../upstream-connection-info.ts'
import { MAX_INTERIM_RESPONSES, type RequestEncoder, type UpstreamStream } from './request-encoder.ts'
import { RESET, type ResetReason } from './reset-reason.ts'

/** What the upstream's RST_STREAM says, as Envoy's codec reads it. */
const RESET_BY_CODE: Readonly<Record<number, ResetReason>> = {
  [ERROR_CODE.refusedStream]: RESET.remoteRefused,
  [ERROR_CODE.protocolError]: RESET.protocolError,
}

const TOO_MANY_INTERIM = 'too_many_interim_responses'

/** The connection as its streams see it. */
export interface Http2StreamCarrier {
  readonly requests: number
  readonly connection: UpstreamConnectionInfo
  readonly isClosed: boolean
  /** Why, once it is. */
  readonly closeReason: ResetReason
}

export class Http2UpstreamStream implements RequestEncoder, Http2StreamHandler {
  readonly isReused: boolean
  readonly #carrier: Http2StreamCarrier
  readonly #session: Http2Session
  readonly #stats: ClusterStats
  readonly #http2: Http2Stream
  #stream: UpstreamStream | null = null
  #protocol = ''
  #interimResponses = 0
  #requestComplete = false
  #responseComplete = false

  constructor(carrier: Http2StreamCarrier, session: Http2Session, stats: ClusterStats) {
    this.#carrier = carrier
    this.#session = session
    this.#stats = stats
    this.isReused = carrier.requests > 1
    this.#http2 = session.openStream(this)
  }

  get connection(): UpstreamConnectionInfo {
    return this.#carrier.connection
  }

  get isBlocked(): boolean {
    return this.#http2.isBlocked
  }

  assign(stream: UpstreamStream): void {
    this.#stream = stream
  }

  sendHead(head: RequestHead, path: string, authority: string, endStream: boolean): void {
    this.#requestComplete = endStream
    this.#protocol = head.protocol
    this.#http2.sendRequest(head.protocol === '' ? head : extendedConnect(head), path, authority, endStream)
  }

  sendBody(chunk: Buffer, endStream: boolean): void {
    this.#requestComplete = endStream
    this.#stats.upstreamCxTxBytesTotal.value += chunk.length
    this.#http2.sendData(chunk, endStream)
  }

  sendTrailers(trailers: HeaderList): void {
    this.#requestComplete = true
    this.#http2.sendTrailers(trailers)
  }

  pause(): void {
    this.#http2.pause()
  }

  resume(): void {
    this.#http2.resume()
  }

  abandon(): void {
    const responseComplete = this.#responseComplete
    this.#stream = null
    // RFC 9113 8.1: a request that its response has made pointless ends without an error.
    if (!this.#requestComplete || !responseComplete) {
      this.#http2.reset(responseComplete ? ERROR_CODE.noError : ERROR_CODE.cancel)
    }
  }

  onResponse(head: ResponseHead, fields: number, endStream: boolean): void {
    const stream = this.#stream
    if (stream === null) return
    if (head.status < 200) {
      // A reset of the stream would not stop them: what comes for it would still have to be read.
      if (++this.#interimResponses > MAX_INTERIM_RESPONSES) {
        this.#session.fail(ERROR_CODE.enhanceYourCalm, TOO_MANY_INTERIM)
      } else stream.onInterimResponse(head)
      return
    }
    this.#responseComplete = endStream
    stream.onResponseHead(this.#protocol === '' ? head : upgraded(head, this.#protocol), fields, endStream)
  }

  onData(chunk: Buffer, endStream: boolean): void {
    const stream = this.#stream
    if (stream === null) return
    this.#responseComplete = endStream
    stream.onResponseBody(chunk, endStream)
  }

  onTrailers(trailers: HeaderList): void {
    this.#responseComplete = true
    this.#stream?.onResponseTrailers(trailers)
  }

  onReset(code: number, remote: boolean, details: string): void {
    const stream = this.#stream
    this.#stream = null
    if (stream === null) return
    // A head beyond the limits breaks no rule: Envoy takes it as if the endpoint had reset the stream.
    const isFault = !remote && !isBeyondLimits(details)
    if (isFault) this.#stats.upstreamRqTxReset.value++
    // That the connection is closed may be what followed: a stream that was its last.
    if (details === DETAILS.connectionTermination) stream.onReset(this.#carrier.closeReason)
    else if (isFault) stream.onReset(RESET.protocolError)
    else stream.onReset(RESET_BY_CODE[code] ?? RESET.remoteReset)
  }

  onDrained(): void {
    this.#stream?.onEncoderDrained()
  }
}

function isBeyondLimits(details: string): boolean {
  return details === DETAILS.tooManyHeaders || details === DETAILS.headersTooLarge
}

/** An HTTP/1.1 upgrade as HTTP/2 has it (RFC 8441 5). */
function extendedConnect(head: RequestHead): RequestHead {
  const { path, authority, scheme, protocol } = head
  const headers = head.headers.slice()
  removeHeader(headers, 'connection')
  removeHeader(headers, 'upgrade')
  return { method: 'CONNECT', path, authority, scheme, protocol, headers }
}

/** And the answer that opens it: HTTP/2 has no 101 (RFC 9113 8.6). */
function upgraded(head: ResponseHead, protocol: string): ResponseHead {
  if (head.status !== 200) return head
  head.headers.push('connection', 'upgrade', 'upgrade', protocol)
  return { status: 101, headers: head.headers }
}
