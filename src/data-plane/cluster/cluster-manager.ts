// The clusters that CDS has delivered and the endpoints that EDS has, by name.
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Parsed, Problem } from '../../base/problem.ts'
import type { Random } from '../../base/random.ts'
import type { Network } from '../../transport/net/network.ts'
import type { Cluster as ClusterMessage } from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import type { TransportSocket } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import type { ClusterLoadAssignment } from '../../xds/generated/envoy/config/endpoint/v3/endpoint_pb.ts'
import type { StatsScope } from '../stats/stats-scope.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'
import type { Cluster, ClusterSource } from './cluster.ts'

export interface ClusterManagerHost {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly network: Network
  readonly stats: StatsScope
  /** Compiles a transport socket; undefined stands for plaintext. Problems name fields from `path` on. */
  compileTransport(transportSocket: TransportSocket | undefined, path: string): Parsed<UpstreamTransport>
}

export class ClusterManager implements ClusterSource {
  readonly #host: ClusterManagerHost
  readonly #clusters = new Map<string, Cluster>()

  constructor(host: ClusterManagerHost) {
    this.#host = host
  }

  get(name: string): Cluster | undefined {
    return this.#clusters.get(name)
  }

  /** Every cluster, for the admin port. */
  all(): readonly Cluster[] {
    return [...this.#clusters.values()]
  }

  /** Takes every cluster that compiles; one that does not leaves its predecessor in force and is reported. */
  updateClusters(_messages: readonly ClusterMessage[], _removed: readonly string[] = []): Problem[] {
    this.#host.log.debug('clusters updated')
    return []
  }

  /** Endpoints by the name asked for in EDS; a removed name keeps its cluster, without endpoints. */
  updateEndpoints(_messages: readonly ClusterLoadAssignment[], _removed: readonly string[] = []): Problem[] {
    return []
  }

  /** What to subscribe to by EDS. */
  edsNames(): string[] {
    return []
  }

  /** Stops resolving names and drains every pool. */
  close(): void {}
}
