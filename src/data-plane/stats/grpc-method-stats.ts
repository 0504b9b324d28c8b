// The counters of gRPC calls to a cluster, or to one method of it, below `cluster.<name>.grpc.` or `….grpc-web.`.
import { LruMap } from '../../base/lru-map.ts'
import type { Counter, Histogram, StatsScope } from './stats-scope.ts'

const MAX_STATUS = 16

export interface MethodStats {
  readonly total: Counter
  readonly success: Counter
  readonly failure: Counter
  readonly requestMessages: Counter
  readonly responseMessages: Counter
  /** By the text of grpc-status. What is no status of gRPC's has none: its sender must not choose names. */
  readonly byStatus: ReadonlyMap<string, Counter>
  /** Null unless it is asked for. */
  readonly requestTime: Histogram | null
}

/** They are printed for as long as somebody has them: a call that runs on, or the config that counts. */
function methodStats(all: StatsScope, withTime: boolean): MethodStats {
  const scope = all.lease()
  const statuses = Array.from({ length: MAX_STATUS + 1 }, (_, status) => String(status))
  const stats = {
    total: scope.counter('total'),
    success: scope.counter('success'),
    failure: scope.counter('failure'),
    requestMessages: scope.counter('request_message_count'),
    responseMessages: scope.counter('response_message_count'),
    byStatus: new Map(statuses.map(status => [status, scope.counter(status)])),
    requestTime: withTime ? scope.histogram('upstream_rq_time') : null,
  }
  scope.returnWith(stats)
  return stats
}

/** Counts the call by the text of its grpc-status. */
export function countCall(stats: MethodStats, status: string): void {
  stats.total.value++
  const outcome = status === '0' ? stats.success : stats.failure
  outcome.value++
  const ofStatus = stats.byStatus.get(status)
  if (ofStatus !== undefined) ofStatus.value++
}

export interface GrpcStatsConfig {
  readonly family: 'grpc' | 'grpc-web'
  /** Which methods are counted apart; all others are counted together. */
  readonly methods: 'all' | ReadonlySet<string>
  readonly withTime: boolean
  /** A service `a.b` is counted as `a_b`. */
  readonly replaceDots: boolean
}

/** Methods are named by clients: past this many of a cluster, the rest is counted together. */
const MAX_METHODS = 1000

class ClusterGrpcStats {
  readonly #scope: StatsScope
  readonly #config: GrpcStatsConfig
  #together: MethodStats | null = null
  readonly #byMethod = new Map<string, MethodStats>()

  /** `root` is that of all stats. */
  constructor(root: StatsScope, cluster: string, config: GrpcStatsConfig) {
    this.#scope = root.scope('cluster', { envoy_cluster_name: cluster })
    this.#config = config
  }

  /** Of `/service/method`; null for a path that is none. */
  of(path: string): MethodStats | null {
    const slash = path.indexOf('/', 1)
    if (path.charCodeAt(0) !== 47 || slash <= 1 || slash === path.length - 1 || path.includes('/', slash + 1))
      return null
    const known = this.#byMethod.get(path)
    if (known !== undefined) return known
    const { methods, withTime } = this.#config
    if (this.#byMethod.size >= MAX_METHODS || (methods !== 'all' && !methods.has(path))) {
      this.#together ??= methodStats(this.#scope.scope(this.#config.family), withTime)
      return this.#together
    }
    const made = methodStats(this.#methodScope(path.slice(1, slash), path.slice(slash + 1)), withTime)
    this.#byMethod.set(path, made)
    return made
  }

  #methodScope(service: string, method: string): StatsScope {
    const name = this.#config.replaceDots ? service.replaceAll('.', '_') : service
    return this.#scope.scope(this.#config.family, { envoy_grpc_bridge_service: name, envoy_grpc_bridge_method: method })
  }
}

/** Clusters come and go: past this many, what was called longest ago is forgotten. */
const MAX_CLUSTERS = 1000

/** Of all clusters; made as calls to them come. */
export class GrpcStats {
  readonly #root: StatsScope
  readonly #config: GrpcStatsConfig
  readonly #byCluster = new LruMap<ClusterGrpcStats>(MAX_CLUSTERS)

  /** `root` is that of all stats. */
  constructor(root: StatsScope, config: GrpcStatsConfig) {
    this.#root = root
    this.#config = config
  }

  /** Null for a path that is not `/service/method`. */
  of(cluster: string, path: string): MethodStats | null {
    let found = this.#byCluster.get(cluster)
    if (found === undefined) {
      found = new ClusterGrpcStats(this.#root, cluster, this.#config)
      this.#byCluster.set(cluster, found)
    }
    return found.of(path)
  }
}
