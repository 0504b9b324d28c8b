// Holds requests back or turns them away on purpose: first the delay, then, when it is over, the abort.
import type { Random } from '../../../../base/random.ts'
import { type TimerWheel, WheelTimer } from '../../../../base/timer-wheel.ts'
import { getHeader, type HeaderList } from '../../../../transport/header-list.ts'
import { closeBatch, openBatch } from '../../../../transport/http/write-batch.ts'
import type { RequestHead } from '../../../../transport/request-head.ts'
import type { LocalReply } from '../../../http/local-reply.ts'
import { RESPONSE_FLAG } from '../../../response-flag.ts'
import type { DataStatus, FilterStream, HeadersStatus, HttpFilter } from '../contract/http-filter.ts'
import { grpcAbort, httpAbort } from './abort-reply.ts'
import { type AbortFault, type DelayFault, FaultSettings, type FaultShare, type ResponseLimitFault } from './config.ts'
import type { FaultStats } from './fault-stats.ts'
import { ResponseLimiter } from './response-limiter.ts'

export interface FaultTools {
  readonly name: string
  readonly settings: FaultSettings
  readonly stats: FaultStats
  readonly random: Random
  readonly wheel: TimerWheel
}

export class FaultFilter implements HttpFilter {
  readonly #stream: FilterStream
  readonly #tools: FaultTools
  #settings: FaultSettings
  #timer: WheelTimer | null = null
  #limiter: ResponseLimiter | null = null
  #isActive = false

  constructor(stream: FilterStream, tools: FaultTools) {
    this.#stream = stream
    this.#tools = tools
    this.#settings = tools.settings
  }

  decodeHeaders(head: RequestHead, _endStream: boolean): HeadersStatus {
    const ofRoute = this.#stream.routeConfig(this.#tools.name)
    if (ofRoute instanceof FaultSettings) this.#settings = ofRoute
    if (!this.#concerns(head)) return 'continue'
    const { responseLimit, delay } = this.#settings
    if (responseLimit !== null) this.#limitResponse(responseLimit, head.headers)
    if (delay !== null && this.#startDelay(delay, head.headers)) return 'stop'
    return this.#abort(head.headers) ? 'stop' : 'continue'
  }

  decodeData(_chunk: Buffer, _endStream: boolean): DataStatus {
    return this.#timer === null ? 'continue' : 'pause'
  }

  encodeData(chunk: Buffer, endStream: boolean): DataStatus {
    if (this.#limiter === null) return 'continue'
    this.#limiter.write(chunk, endStream)
    return 'take'
  }

  encodeTrailers(_trailers: HeaderList): HeadersStatus {
    return this.#limiter?.holdTrailers() ? 'stop' : 'continue'
  }

  onDestroy(): void {
    this.#limiter?.stop()
    if (this.#timer !== null) this.#tools.wheel.cancel(this.#timer)
    if (this.#isActive) this.#tools.stats.activeFaults.release()
  }

  onTimer(): void {
    openBatch()
    this.#timer = null
    if (!this.#abort(this.#stream.request.headers)) this.#stream.continueDecoding(this)
    closeBatch()
  }

  #concerns(head: RequestHead): boolean {
    const { upstreamCluster, downstreamNodes, headers } = this.#settings
    if (upstreamCluster !== '' && this.#stream.clusterChoice()?.cluster !== upstreamCluster) return false
    if (downstreamNodes.length > 0) {
      const node = getHeader(head.headers, 'x-envoy-downstream-service-node')
      if (node === undefined || !downstreamNodes.includes(node)) return false
    }
    for (let i = 0; i < headers.length; i++) if (!headers[i]!.test(head)) return false
    return true
  }

  #limitResponse(limit: ResponseLimitFault, headers: HeaderList): void {
    const kbps = limit.fixedKbps ?? numberOf(headers, 'x-envoy-fault-throughput-response')
    if (kbps <= 0 || !this.#draws(limit, headers, 'x-envoy-fault-throughput-response-percentage')) return
    if (!this.#activate()) return
    this.#tools.stats.responseLimitsInjected.value++
    this.#limiter = new ResponseLimiter(this.#stream, this, kbps, this.#tools.wheel)
  }

  #startDelay(delay: DelayFault, headers: HeaderList): boolean {
    const delayMs = delay.fixedMs ?? numberOf(headers, 'x-envoy-fault-delay-request')
    if (delayMs <= 0 || !this.#draws(delay, headers, 'x-envoy-fault-delay-request-percentage')) return false
    if (!this.#activate()) return false
    this.#tools.stats.delaysInjected.value++
    this.#stream.info.responseFlags |= RESPONSE_FLAG.DI
    this.#timer = new WheelTimer(this, 0)
    this.#tools.wheel.set(this.#timer, delayMs)
    return true
  }

  #abort(headers: HeaderList): boolean {
    const { abort } = this.#settings
    if (abort === null || !this.#draws(abort, headers, 'x-envoy-fault-abort-request-percentage')) return false
    const reply = replyOf(abort, headers)
    if (reply === null || !this.#activate()) return false
    this.#tools.stats.abortsInjected.value++
    this.#stream.localReply(reply)
    return true
  }

  /** Where headers ask for faults, one may ask for a smaller share than the config allows, never for a larger. */
  #draws({ share, unit }: FaultShare, headers: HeaderList, percentageHeader: string): boolean {
    let fraction = share
    if (unit > 0) {
      const asked = numberOf(headers, percentageHeader)
      if (asked >= 0) fraction = Math.min(share, asked * unit)
    }
    return fraction > 0 && (fraction >= 1 || this.#tools.random.next() < fraction)
  }

  /** Counts the stream among those with a fault, unless there are too many. */
  #activate(): boolean {
    if (this.#isActive) return true
    const { stats } = this.#tools
    if (!stats.activeFaults.claim(this.#settings.maxActiveFaults)) {
      stats.faultsOverflow.value++
      return false
    }
    this.#isActive = true
    return true
  }
}

function replyOf(abort: AbortFault, headers: HeaderList): LocalReply | null {
  if (abort.reply !== null) return abort.reply
  const http = numberOf(headers, 'x-envoy-fault-abort-request')
  if (http >= 200 && http < 600) return httpAbort(http)
  const grpc = numberOf(headers, 'x-envoy-fault-abort-grpc-request')
  return grpc < 0 ? null : grpcAbort(grpc)
}

/** Whole and decimal; -1 for anything else. */
function numberOf(headers: HeaderList, name: string): number {
  const text = getHeader(headers, name)
  if (text === undefined || text.length === 0 || text.length > 15) return -1
  let value = 0
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}
