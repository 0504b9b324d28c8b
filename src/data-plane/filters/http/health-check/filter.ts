// Answers health checks: from memory, by the health of clusters, or just because the proxy runs.
import type { Clock } from '../../../../base/clock.ts'
import { getHeader, type HeaderList, setHeader } from '../../../../transport/header-list.ts'
import type { RequestHead, ResponseHead } from '../../../../transport/request-head.ts'
import type { Cluster, ClusterSource } from '../../../cluster/cluster.ts'
import { failure, type LocalReply } from '../../../http/local-reply.ts'
import { RESPONSE_FLAG } from '../../../response-flag.ts'
import type { ServerHealth } from '../../../server-health.ts'
import type { DataStatus, FilterStream, HeadersStatus, HttpFilter } from '../contract/http-filter.ts'
import type { HealthCheckConfig } from './config.ts'
import type { HealthCheckStats } from './health-check-stats.ts'

/** What the upstream said last, shared by the streams of a listener. */
export interface RememberedHealth {
  status: number
  degraded: boolean
  /** Monotonic milliseconds. */
  until: number
}

export interface HealthCheckTools {
  readonly config: HealthCheckConfig
  readonly clock: Clock
  readonly clusters: ClusterSource
  readonly health: ServerHealth
  /** The name of the cluster that this proxy belongs to. */
  readonly serviceCluster: string
  readonly stats: HealthCheckStats
  readonly memory: RememberedHealth
}

const OK: LocalReply = { status: 200, body: '', details: 'health_check_ok', flags: 0, isFailure: false }
const OK_CLUSTERS: LocalReply = {
  status: 200,
  body: '',
  details: 'health_check_ok_cluster_healthy',
  flags: 0,
  isFailure: false,
}
const FAILED = failure(503, 'health_check_failed', RESPONSE_FLAG.LH)
const NO_CLUSTER = failure(503, 'health_check_failed_no_cluster_found', RESPONSE_FLAG.LH)
const EMPTY_CLUSTER = failure(503, 'health_check_failed_cluster_empty', RESPONSE_FLAG.LH)
const UNHEALTHY_CLUSTER = failure(503, 'health_check_failed_cluster_unhealthy', RESPONSE_FLAG.LH)

export class HealthCheckFilter implements HttpFilter {
  readonly #stream: FilterStream
  readonly #tools: HealthCheckTools
  #isHealthCheck = false
  /** Decided with the head: what it rests on may change while a body comes. Null: the upstream answers. */
  #reply: LocalReply | null = null

  constructor(stream: FilterStream, tools: HealthCheckTools) {
    this.#stream = stream
    this.#tools = tools
  }

  decodeHeaders(head: RequestHead, endStream: boolean): HeadersStatus {
    const { config, health } = this.#tools
    const { headers } = config
    for (let i = 0; i < headers.length; i++) if (!headers[i]!.test(head)) return 'continue'
    this.#isHealthCheck = true
    this.#stream.info.isHealthCheck = true
    if (config.passThrough && !health.failed && !this.#remembers()) return 'continue'
    this.#reply = this.#decide()
    if (endStream) this.#answer(this.#reply)
    return 'stop'
  }

  /** The body is of no interest, but the connection lives on once it has come. */
  decodeData(_chunk: Buffer, endStream: boolean): DataStatus {
    if (this.#reply === null) return 'continue'
    if (endStream) this.#answer(this.#reply)
    return 'buffer'
  }

  decodeTrailers(_trailers: HeaderList): HeadersStatus {
    if (this.#reply === null) return 'continue'
    this.#answer(this.#reply)
    return 'stop'
  }

  encodeHeaders(head: ResponseHead, _endStream: boolean): HeadersStatus {
    const { config, memory, clock, serviceCluster, health } = this.#tools
    // An Envoy that checks this proxy's health hears of it without asking.
    if (health.failed) setHeader(head.headers, 'x-envoy-immediate-health-check-fail', 'true')
    if (!this.#isHealthCheck) return 'continue'
    if (config.cacheMs > 0 && this.#reply === null) {
      memory.status = head.status
      memory.degraded = getHeader(head.headers, 'x-envoy-degraded') !== undefined
      memory.until = clock.now() + config.cacheMs
    }
    // Envoy's checker compares it.
    setHeader(head.headers, 'x-envoy-upstream-healthchecked-cluster', serviceCluster)
    return 'continue'
  }

  #remembers(): boolean {
    const { config, memory, clock } = this.#tools
    return config.cacheMs > 0 && clock.now() < memory.until
  }

  #answer(reply: LocalReply): void {
    const { stats } = this.#tools
    stats.requests.value++
    const outcome = reply.status >= 200 && reply.status < 300 ? stats.ok : stats.failed
    outcome.value++
    this.#stream.localReply(reply)
  }

  #decide(): LocalReply {
    const { config, health } = this.#tools
    if (health.failed) return FAILED
    return config.passThrough ? this.#fromMemory() : this.#byClusters()
  }

  #fromMemory(): LocalReply {
    const { memory, stats } = this.#tools
    stats.cached.value++
    if (memory.degraded) stats.degraded.value++
    const { status } = memory
    const flags = status >= 200 && status < 300 ? 0 : RESPONSE_FLAG.LH
    const headers = memory.degraded ? DEGRADED : NO_HEADERS
    return { status, body: '', details: 'health_check_cached', flags, headers, isFailure: flags !== 0 }
  }

  #byClusters(): LocalReply {
    const { config, clusters, stats } = this.#tools
    const { minHealthy } = config
    for (let i = 0; i < minHealthy.length; i++) {
      const { cluster: name, percent } = minHealthy[i]!
      const cluster = clusters.get(name)
      if (cluster === undefined) {
        stats.clusterNotFound.value++
        return NO_CLUSTER
      }
      const total = cluster.endpoints.length
      if (total === 0 && percent > 0) {
        stats.clusterEmpty.value++
        return EMPTY_CLUSTER
      }
      if (usableOf(cluster) * 100 < total * percent) {
        stats.clusterUnhealthy.value++
        return UNHEALTHY_CLUSTER
      }
    }
    return minHealthy.length === 0 ? OK : OK_CLUSTERS
  }
}

const DEGRADED = ['x-envoy-degraded', '']
const NO_HEADERS: readonly string[] = []

function usableOf({ endpoints }: Cluster): number {
  let usable = 0
  for (let i = 0; i < endpoints.length; i++) if (endpoints[i]!.usable) usable++
  return usable
}
