// A virtual host's requests by kind, for logs and counters alone: Envoy's virtual_clusters.
import { toByteString } from '../../automata/regex.ts'
import type { RequestHead } from '../../transport/request-head.ts'
import {
  type VirtualCluster as VirtualClusterMessage,
  VirtualClusterSchema,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import type { StatsScope } from '../stats/stats-scope.ts'
import type { StreamOutcome, VirtualCluster } from '../virtual-cluster.ts'
import { type Criterion, compileHeaderMatcher } from './criterion.ts'
import { countStream, createVirtualClusterStats, type RouteStats } from './route-stats.ts'

const FIELDS = new Set(['headers', 'name'])
/** Envoy's name for what belongs to none: of its counters, and not in logs. */
const OTHER = 'other'

class CountedCluster implements VirtualCluster {
  readonly name: string | null
  readonly #criteria: readonly Criterion[]
  readonly #stats: RouteStats | null

  constructor(name: string | null, criteria: readonly Criterion[], stats: RouteStats | null) {
    this.name = name
    this.#criteria = criteria
    this.#stats = stats
  }

  holds(head: RequestHead): boolean {
    for (let i = 0; i < this.#criteria.length; i++) if (!this.#criteria[i]!.test(head)) return false
    return true
  }

  count(outcome: StreamOutcome): void {
    if (this.#stats !== null) countStream(this.#stats, outcome)
  }
}

export class VirtualClusters {
  readonly #clusters: readonly CountedCluster[]

  /** The last takes what is left. */
  constructor(clusters: readonly CountedCluster[]) {
    this.#clusters = clusters
  }

  find(head: RequestHead): VirtualCluster {
    const last = this.#clusters.length - 1
    for (let i = 0; i < last; i++) if (this.#clusters[i]!.holds(head)) return this.#clusters[i]!
    return this.#clusters[last]!
  }
}

/** Null where there are none. */
export function compileVirtualClusters(
  messages: readonly VirtualClusterMessage[],
  virtualHost: string,
  path: string,
  root: StatsScope | null,
  check: ResourceCheck,
): VirtualClusters | null {
  if (messages.length === 0) return null
  const statsOf = (name: string): RouteStats | null => root && createVirtualClusterStats(root, virtualHost, name)
  const clusters = messages.map((message, index) => {
    const at = `${path}[${index}]`
    check.honour(VirtualClusterSchema, message, at, FIELDS)
    if (message.name === '') check.error(`${at}.name`, 'must not be empty')
    if (message.headers.length === 0) check.error(`${at}.headers`, 'must not be empty')
    const criteria = message.headers.map((header, i) => compileHeaderMatcher(header, `${at}.headers[${i}]`, check))
    return new CountedCluster(toByteString(message.name), criteria, statsOf(message.name))
  })
  return new VirtualClusters([...clusters, new CountedCluster(null, [], statsOf(OTHER))])
}
