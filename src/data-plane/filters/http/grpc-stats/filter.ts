// Counts gRPC calls and their messages at the cluster they go to.
import type { Clock } from '../../../../base/clock.ts'
import { getHeader, type HeaderList } from '../../../../transport/header-list.ts'
import type { RequestHead, ResponseHead } from '../../../../transport/request-head.ts'
import type { ClusterSource } from '../../../cluster/cluster.ts'
import { isGrpcContentType, isGrpcRequest } from '../../../http/grpc-status.ts'
import { pathEnd } from '../../../route/path-rewrite.ts'
import { countCall, type GrpcStats, type MethodStats } from '../../../stats/grpc-method-stats.ts'
import type { DataStatus, FilterStream, HeadersStatus, HttpFilter } from '../contract/http-filter.ts'
import { MessageCounter } from './message-counter.ts'

export interface GrpcStatsTools {
  readonly clock: Clock
  readonly clusters: ClusterSource
  readonly stats: GrpcStats
}

export class GrpcStatsFilter implements HttpFilter {
  readonly #stream: FilterStream
  readonly #tools: GrpcStatsTools
  #stats: MethodStats | null = null
  #requests: MessageCounter | null = null
  #responses: MessageCounter | null = null

  constructor(stream: FilterStream, tools: GrpcStatsTools) {
    this.#stream = stream
    this.#tools = tools
  }

  decodeHeaders(head: RequestHead, _endStream: boolean): HeadersStatus {
    if (!isGrpcRequest(head.headers)) return 'continue'
    const choice = this.#stream.clusterChoice()
    const cluster = choice === null ? undefined : this.#tools.clusters.get(choice.cluster)
    if (cluster === undefined) return 'continue'
    const { path } = head
    this.#stats = this.#tools.stats.of(cluster.name, path.slice(0, pathEnd(path)))
    if (this.#stats !== null) this.#requests = new MessageCounter()
    return 'continue'
  }

  decodeData(chunk: Buffer, _endStream: boolean): DataStatus {
    if (this.#requests !== null) this.#stats!.requestMessages.value += this.#requests.count(chunk)
    return 'continue'
  }

  encodeHeaders({ status, headers }: ResponseHead, endStream: boolean): HeadersStatus {
    if (this.#stats === null) return 'continue'
    if (endStream) this.#onStatus(headers)
    else if (status === 200 && isGrpcContentType(getHeader(headers, 'content-type'))) {
      this.#responses = new MessageCounter()
    }
    return 'continue'
  }

  encodeData(chunk: Buffer, _endStream: boolean): DataStatus {
    if (this.#responses !== null) this.#stats!.responseMessages.value += this.#responses.count(chunk)
    return 'continue'
  }

  encodeTrailers(trailers: HeaderList): HeadersStatus {
    if (this.#stats !== null) this.#onStatus(trailers)
    return 'continue'
  }

  /** A response that ends without a status, as one that is no gRPC, counts for nothing (Envoy). */
  #onStatus(fields: HeaderList): void {
    const status = getHeader(fields, 'grpc-status')
    if (status === undefined) return
    const stats = this.#stats!
    countCall(stats, status)
    if (stats.requestTime !== null && this.#stream.isRequestComplete) {
      stats.requestTime.record(this.#tools.clock.now() - this.#stream.requestCompletedAt)
    }
  }
}
