// The router's upstream_log: a line for each try, with what it was answered.
import type { Clock } from '../../../../base/clock.ts'
import type { HeaderList } from '../../../../transport/header-list.ts'
import type { ResponseHead } from '../../../../transport/request-head.ts'
import { tellLogs } from '../../../access-log/early-lines.ts'
import { ACCESS_LOG_TYPE } from '../../../access-log-type.ts'
import type { ResetReason } from '../../../pool/reset-reason.ts'
import { type AccessLog, StreamInfo } from '../../../stream-info.ts'
import type { UpstreamConnectionInfo } from '../../../upstream-connection-info.ts'
import type { UpstreamHost } from '../../../upstream-host.ts'

export interface UpstreamLogTools {
  readonly clock: Clock
  readonly upstreamLogs: readonly AccessLog[]
}

export class UpstreamLog {
  readonly #tools: UpstreamLogTools
  readonly #info: StreamInfo
  readonly #stream: StreamInfo

  constructor(stream: StreamInfo, endpoint: UpstreamHost, tools: UpstreamLogTools) {
    const { clock } = tools
    const info = new StreamInfo(stream.connection, clock.wallNow(), clock.now())
    info.clientIp = stream.clientIp
    info.cluster = stream.cluster
    info.goTo(endpoint)
    this.#tools = tools
    this.#info = info
    this.#stream = stream
  }

  onConnection(connection: UpstreamConnectionInfo): void {
    this.#info.goBy(connection)
  }

  onSent(length: number): void {
    this.#info.bytesSent += length
  }

  onHead({ status, headers }: ResponseHead): void {
    this.#info.responseCode = status
    this.#info.responseHeaders = headers
  }

  onReceived(length: number): void {
    this.#info.bytesReceived += length
  }

  onTrailers(trailers: HeaderList): void {
    this.#info.responseTrailers = trailers
  }

  onReset(reason: ResetReason, failure: string): void {
    this.#info.responseFlags |= reason.flag
    this.#info.upstreamTransportFailureReason = failure
  }

  onTimeout(flag: number): void {
    this.#info.responseFlags |= flag
  }

  /** The try is over. */
  end(): void {
    const info = this.#info
    const { method, path, authority, scheme, requestHeaders, routeName } = this.#stream
    info.routeName = routeName
    info.method = method
    info.path = path
    info.authority = authority
    info.scheme = scheme
    info.requestHeaders = requestHeaders
    info.protocol = info.upstream?.protocol ?? ''
    info.duration = this.#tools.clock.now() - info.startedAt
    tellLogs(info, this.#tools.upstreamLogs, ACCESS_LOG_TYPE.upstreamEnd)
  }
}
