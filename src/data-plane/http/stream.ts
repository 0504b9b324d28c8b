// One request and its response: the only place that begins a response, and the only one that ends a stream.
import { WheelTimer } from '../../base/timer-wheel.ts'
import type { HeaderList } from '../../transport/header-list.ts'
import { closeBatch, openBatch } from '../../transport/http/write-batch.ts'
import { opensTunnel, type RequestHead, type ResponseHead } from '../../transport/request-head.ts'
import { type EarlyLines, PeriodicLines, tellLogs, writeLine } from '../access-log/early-lines.ts'
import { ACCESS_LOG_TYPE } from '../access-log-type.ts'
import type { HttpFilter, TerminalFilter } from '../filters/http/contract/http-filter.ts'
import { RESPONSE_FLAG } from '../response-flag.ts'
import { countRoute } from '../route/route-stats.ts'
import { boundDuration } from '../route/stream-duration.ts'
import type { StreamInfo } from '../stream-info.ts'
import type { ConnectionManagerConfig } from './connection-manager-config.ts'
import { countEnd } from './connection-manager-stats.ts'
import { FilterManager, type ManagedStream } from './filter-manager.ts'
import { isGrpcRequest } from './grpc-status.ts'
import type { LocalReply } from './local-reply.ts'
import { prepareLocalReply } from './prepare-local-reply.ts'
import { prepareRequest, prepareTarget } from './prepare-request.ts'
import { REFUSAL } from './request-refusal.ts'
import { completeResponseHeaders } from './response-headers.ts'
import { RoutedRequest } from './routed-request.ts'
import type { StreamConnection } from './stream-connection.ts'

export class Stream extends RoutedRequest implements ManagedStream {
  isDecodingOver = false
  isEnded = false
  readonly #connection: StreamConnection
  /** As the client speaks: a filter may have made gRPC of it since. Null: no filter has. */
  #isGrpc: boolean | null = null
  #filters: FilterManager | null = null
  #terminal: TerminalFilter | null = null
  /** Its headers have been given to the encode filters, which may hold them still. */
  #responseBegun = false
  #responseStarted = false
  /** The response is made here: what the router may have of another goes nowhere. */
  #isLocal = false
  /** The connection ends with this stream, and the response says so. */
  #close = false
  #durationTimer: WheelTimer | null = null
  #periodicLines: PeriodicLines | null = null
  #readPauses = 0
  /** Filters that hold as much of the response as they may. */
  #responsePauses = 0

  constructor(
    connection: StreamConnection,
    config: ConnectionManagerConfig,
    info: StreamInfo,
    request: RequestHead,
    endStream: boolean,
  ) {
    super(config, info, request, endStream)
    this.#connection = connection
  }

  /** Sends the request on its way through the filters. `fields`: bits of FIELD that occurred in it. */
  begin(fields: number, endStream: boolean): void {
    this.#run(this.#shed() ?? prepareRequest(this, fields, this.#connection, this.config), endStream)
  }

  /** Where an internal redirect has led: what a proxy adds to a client's request is there (Envoy). */
  beginAgain(body: Buffer): void {
    // Before any filter sees the head: an answer to that alone is not early. Its own time begins here.
    this.completeRequest()
    this.#run(this.#shed() ?? prepareTarget(this, this.#connection, this.config), body.length === 0)
    if (body.length > 0) this.onRequestData(body, true)
  }

  #shed(): LocalReply | null {
    if (!this.config.overload.stopAcceptingRequests) return null
    this.config.stats.requestsOverloadClose.value++
    return REFUSAL.overload
  }

  #run(refusal: LocalReply | null, endStream: boolean): void {
    if (refusal !== null) {
      this.localReply(refusal)
      return
    }
    if (!this.#startDurationTimer()) return
    if (this.config.earlyLines !== null) this.#beginLog(this.config.earlyLines)
    const { chain, bufferLimit } = this.config
    this.#terminal = chain.terminal.createTerminalFilter(this)
    if (chain.filters.length > 0 && chain.isNeeded(this.routeFilters())) {
      this.#isGrpc = isGrpcRequest(this.request.headers)
      this.nameCluster()
      this.#filters = new FilterManager(this, chain, bufferLimit)
      this.#filters.decodeHeaders(endStream)
    } else this.#terminal.decodeHeaders?.(this.request, endStream)
  }

  onRequestData(chunk: Buffer, endStream: boolean): void {
    this.info.bytesReceived += chunk.length
    if (endStream) this.completeRequest()
    if (this.isDecodingOver) return
    if (this.#filters !== null) this.#filters.decodeData(chunk, endStream)
    else this.#terminal?.decodeData?.(chunk, endStream)
  }

  onRequestTrailers(trailers: HeaderList): void {
    this.completeRequest()
    if (this.isDecodingOver) return
    if (this.#filters !== null) this.#filters.decodeTrailers(trailers)
    else this.#terminal?.decodeTrailers?.(trailers)
  }

  get remoteIp(): string {
    return this.info.clientIp || this.#connection.info.remoteIp
  }

  replaceRequestData(bytes: Buffer): void {
    this.#filters?.replaceRequestData(bytes)
  }

  replaceResponseData(bytes: Buffer): void {
    this.#filters?.replaceResponseData(bytes)
  }

  injectResponseData(filter: HttpFilter, chunk: Buffer, endStream: boolean): void {
    this.#filters?.injectResponseData(filter, chunk, endStream)
  }

  get bufferLimit(): number {
    return this.config.bufferLimit
  }

  raiseRequestBufferLimit(bytes: number): void {
    this.#filters?.raiseRequestLimit(bytes)
  }

  /** The client has reset the stream or gone, or its connection is being closed under the stream. */
  onDownstreamGone(details: string, flag: number): void {
    if (this.isEnded) return
    this.info.responseFlags |= flag
    // Who went without an error leaves the word of the response that was under way (Envoy).
    if (details !== '') this.info.responseCodeDetails = details
    this.config.stats.requestsReset.value++
    this.#end(true)
  }

  onDownstreamDrained(): void {
    if (this.#responsePauses > 0) return
    this.#terminal?.onDownstreamDrained()
  }

  onIdleTimeout(): void {
    this.config.stats.requestIdleTimeouts.value++
    if (this.#responseStarted) this.resetResponse('stream_idle_timeout', RESPONSE_FLAG.SI)
    else this.localReply(this.isRequestComplete ? REFUSAL.streamIdle : REFUSAL.requestIdle)
  }

  headersToTerminal(endStream: boolean): void {
    this.#terminal?.decodeHeaders?.(this.request, endStream)
  }

  dataToTerminal(chunk: Buffer, endStream: boolean): void {
    this.#terminal?.decodeData?.(chunk, endStream)
  }

  trailersToTerminal(trailers: HeaderList): void {
    this.#terminal?.decodeTrailers?.(trailers)
  }

  continueDecoding(filter: HttpFilter): void {
    this.#filters?.continueDecoding(filter)
  }

  continueEncoding(filter: HttpFilter): void {
    this.#filters?.continueEncoding(filter)
  }

  onRequestTooLarge(): void {
    this.config.stats.requestsTooLarge.value++
    this.localReply(REFUSAL.requestTooLarge)
  }

  onResponseTooLarge(): void {
    // The headers have not left: a filter held them, or its bytes would not have been kept.
    if (this.#responseStarted) this.resetResponse('response_payload_too_large', 0)
    else this.localReply(REFUSAL.responseTooLarge)
  }

  encodeInterim(head: ResponseHead): void {
    if (this.isEnded || this.#responseStarted || !this.config.forwardsInterimResponses) return
    // Nothing holds an upstream back that sends no end of them; a client that does not keep up can do without.
    if (this.#connection.isBlocked) return
    this.#connection.writeHead(head, true, false)
  }

  encodeHeaders(head: ResponseHead, endStream: boolean): void {
    if (this.isEnded || this.#responseBegun) return
    this.#responseBegun = true
    if (this.#filters === null) this.headersToClient(head, endStream)
    else this.#filters.encodeHeaders(head, endStream)
  }

  encodeData(chunk: Buffer, endStream: boolean): boolean {
    if (this.isEnded || this.#isLocal) return true
    if (this.#filters === null) this.dataToClient(chunk, endStream)
    else this.#filters.encodeData(chunk, endStream)
    return !this.#connection.isBlocked && this.#responsePauses === 0
  }

  encodeTrailers(trailers: HeaderList): void {
    if (this.isEnded || this.#isLocal) return
    if (this.#filters === null) this.trailersToClient(trailers)
    else this.#filters.encodeTrailers(trailers)
  }

  headersToClient(head: ResponseHead, endStream: boolean): void {
    if (this.isEnded) return
    const info = this.info
    const headers = head.headers
    this.#responseStarted = true
    if (info.record !== null) info.record.firstDownstreamTx = this.config.clock.now()
    completeResponseHeaders(headers, this.config, this.request.headers)
    info.responseCode = head.status
    info.responseHeaders = headers
    const connection = this.#connection
    if (!this.isRequestComplete) this.config.stats.responsesBeforeRequestComplete.value++
    if (connection.isClosing || (endStream && !this.isRequestComplete)) this.#close = true
    connection.writeHead(head, endStream, this.#close)
    if (this.config.earlyLines?.onConnected && opensTunnel(this.request, head.status))
      writeLine(info, this.config, ACCESS_LOG_TYPE.downstreamTunnelEstablished)
    if (endStream) this.#complete()
    else connection.touch()
  }

  dataToClient(chunk: Buffer, endStream: boolean): void {
    if (this.isEnded) return
    const connection = this.#connection
    if (this.request.method !== 'HEAD') {
      this.info.bytesSent += chunk.length
      connection.writeBody(chunk, endStream)
    }
    if (endStream) this.#complete()
    else connection.touch()
  }

  trailersToClient(trailers: HeaderList): void {
    if (this.isEnded) return
    this.info.responseTrailers = trailers
    if (this.request.method !== 'HEAD') this.#connection.writeTrailers(trailers)
    this.#complete()
  }

  localReply(reply: LocalReply): void {
    if (this.isEnded) return
    if (this.#responseStarted) {
      this.resetResponse(reply.details, reply.flags)
      return
    }
    const info = this.info
    this.isDecodingOver = true
    info.responseFlags |= reply.flags
    info.responseCodeDetails = reply.details
    this.nameCluster()
    const isGrpc = !reply.isOwnAnswer && (this.#isGrpc ?? isGrpcRequest(this.request.headers))
    const head = prepareLocalReply(reply, isGrpc, this, this.config)
    const { body } = head
    const endStream = body.length === 0 || this.request.method === 'HEAD'
    // What a client still sends of this request is not read: it must not take the connection for one that goes on.
    // Nor is it trusted any more after a bad request (Envoy closes on every 400 of its own).
    if (!this.isRequestComplete || reply.status === 400) this.#close = true
    // Past filters that have seen another response: each knows of one only (Envoy).
    const filters = this.#responseBegun ? null : this.#filters
    this.#responseBegun = this.#isLocal = true
    if (filters === null) this.headersToClient(head, endStream)
    else filters.encodeHeaders(head, endStream)
    if (endStream) return
    if (filters === null) this.dataToClient(body, true)
    else filters.encodeData(body, true)
  }

  resetResponse(details: string, flags: number): void {
    if (this.isEnded) return
    this.info.responseFlags |= flags
    this.info.responseCodeDetails = details
    this.#end(true)
  }

  setIdleTimeout(timeoutMs: number): void {
    this.#connection.setStreamIdleTimeout(timeoutMs)
  }

  pauseRequest(): void {
    if (++this.#readPauses === 1) this.#connection.pauseReading()
  }

  resumeRequest(): void {
    if (--this.#readPauses === 0) this.#connection.resumeReading()
  }

  /** The router hears of it with its next chunk. */
  pauseResponse(): void {
    this.#responsePauses++
  }

  resumeResponse(): void {
    if (--this.#responsePauses === 0 && !this.isEnded) this.#terminal?.onDownstreamDrained()
  }

  onTimer(): void {
    openBatch()
    this.#onMaxDuration()
    closeBatch()
  }

  #onMaxDuration(): void {
    this.config.stats.requestMaxDurationReached.value++
    this.localReply(this.isRequestComplete ? REFUSAL.maxDuration : REFUSAL.requestMaxDuration)
  }

  /** The route is looked up before any filter has seen the request, as in Envoy. False: the time is over already. */
  #startDurationTimer(): boolean {
    const { timeouts, wheel } = this.config
    const timeout = boundDuration(this.route(), this.request.headers, timeouts.streamDuration)
    if (timeout > 0) {
      this.#durationTimer = new WheelTimer(this, 0)
      wheel.set(this.#durationTimer, timeout)
    } else if (timeout === 0) this.#onMaxDuration()
    return timeout !== 0
  }

  /** The response's last byte is on its way. */
  #complete(): void {
    if (this.info.record !== null) this.info.record.lastDownstreamTx = this.config.clock.now()
    this.#end(this.#close)
  }

  #beginLog({ onBegin, intervalMs }: EarlyLines): void {
    if (this.clusterChoice() !== null) this.nameCluster()
    this.info.record?.receivedDownstream(this)
    if (onBegin) writeLine(this.info, this.config, ACCESS_LOG_TYPE.downstreamStart)
    if (intervalMs <= 0) return
    this.#periodicLines = new PeriodicLines(this.info, this.config, intervalMs, ACCESS_LOG_TYPE.downstreamPeriodic)
  }

  redirect(head: RequestHead, body: Buffer, { status, headers }: ResponseHead): boolean {
    if (this.#responseBegun) return false
    const { info } = this
    info.responseCode = status
    info.responseHeaders = headers
    info.responseCodeDetails = 'internal_redirect'
    this.#finish(0)
    // Held back for the sake of what has ended, a client would be gone without anybody's seeing it.
    if (this.#readPauses > 0) this.#connection.resumeReading()
    const next = this.#connection.renewStream(head, info.again())
    next.redirects = this.redirects
    next.beginAgain(body)
    return true
  }

  #end(close: boolean): void {
    if (this.isEnded) return
    this.#finish(this.info.responseCode)
    this.#connection.onStreamEnd(!close && this.isRequestComplete)
  }

  /** `status`: what the client was answered, for those who count. */
  #finish(status: number): void {
    this.isEnded = true
    this.isDecodingOver = true
    const config = this.config
    const info = this.info
    if (this.#durationTimer !== null) config.wheel.cancel(this.#durationTimer)
    this.#periodicLines?.stop()
    info.duration = config.clock.now() - info.startedAt
    this.#terminal?.onDestroy?.()
    this.#filters?.destroy()
    countEnd(config.stats, status, info.duration)
    countRoute(info, this.knownRoute)
    info.record?.receivedDownstream(this)
    tellLogs(info, config.accessLogs, ACCESS_LOG_TYPE.downstreamEnd)
  }
}
