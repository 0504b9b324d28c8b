// The clusters that CDS has delivered and the endpoints that EDS has, by name.
import { equals } from '@bufbuild/protobuf'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Parsed, Problem } from '../../base/problem.ts'
import type { Random } from '../../base/random.ts'
import type { Keepalive } from '../../transport/net/keepalive-network.ts'
import type { AddressChoice } from '../../transport/net/lookup-network.ts'
import type { Network } from '../../transport/net/network.ts'
import {
  type Cluster as ClusterMessage,
  ClusterSchema,
} from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import type { TransportSocket } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import type { ClusterLoadAssignment } from '../../xds/generated/envoy/config/endpoint/v3/endpoint_pb.ts'
import { ResourceCheck } from '../../xds/resource-check.ts'
import type { StatsScope } from '../stats/stats-scope.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'
import { showCircuits } from './circuit-limits.ts'
import type { CircuitLimits, Cluster, ClusterSource } from './cluster.ts'
import { type ClusterConfig, compileCluster } from './cluster-config.ts'
import { createClusterStats } from './cluster-stats.ts'
import type { ConfiguredCluster } from './configured-cluster.ts'
import { type EndpointSpec, readLoadAssignment } from './endpoint-spec.ts'
import { ForwardProxyCluster } from './forward-proxy-cluster.ts'
import { HighPriorityCluster, highPriorityStats } from './high-priority-cluster.ts'
import { ManagedCluster } from './managed-cluster.ts'
import { NameResolution, type ResolvedAddresses } from './name-resolution.ts'
import { outlierStats } from './outlier/outlier-stats.ts'
import { RequestWindow } from './request-window.ts'

export interface ClusterManagerHost {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly network: Network
  readonly stats: StatsScope
  /** Compiles a transport socket; undefined stands for plaintext. Problems name fields from `path` on. */
  compileTransport(
    transportSocket: TransportSocket | undefined,
    path: string,
    alpn: readonly string[],
    keepalive: Keepalive | null,
    choose: AddressChoice | null,
  ): Parsed<UpstreamTransport>
}

interface Entry {
  readonly message: ClusterMessage
  readonly config: ClusterConfig
  readonly cluster: ManagedCluster | ForwardProxyCluster
  readonly resolution: NameResolution | null
  readonly stats: StatsScope
}

const NOTHING_KNOWN: ResolvedAddresses = new Map()

export class ClusterManager implements ClusterSource {
  readonly #host: ClusterManagerHost
  readonly #entries = new Map<string, Entry>()
  /** What EDS last said, by service name: a cluster that comes later, or comes back changed, begins with it. */
  readonly #assignments = new Map<string, readonly EndpointSpec[]>()
  /** Null: to be gathered. */
  #secretNames: readonly string[] | null = null

  constructor(host: ClusterManagerHost) {
    this.#host = host
  }

  get(name: string): Cluster | undefined {
    return this.#entries.get(name)?.cluster
  }

  /** Every cluster, for the admin port. */
  all(): readonly Cluster[] {
    return [...this.#entries.values()].map(entry => entry.cluster)
  }

  /** Takes every cluster that compiles; one that does not leaves its predecessor in force and is reported. */
  updateClusters(messages: readonly ClusterMessage[], removed: readonly string[] = []): Problem[] {
    const problems: Problem[] = []
    for (const message of messages) {
      const known = this.#entries.get(message.name)
      if (known !== undefined && equals(ClusterSchema, known.message, message)) continue
      const compiled = compileCluster(message, (...asked) => this.#host.compileTransport(...asked))
      if (compiled.ok) this.#replace(message, compiled.value)
      else problems.push(...compiled.problems)
    }
    for (const name of removed) {
      this.#entries.get(name)?.stats.remove()
      this.#remove(name)
    }
    return problems
  }

  /** Endpoints by the name asked for in EDS; a removed name keeps its cluster, without endpoints. */
  updateEndpoints(messages: readonly ClusterLoadAssignment[], removed: readonly string[] = []): Problem[] {
    const problems: Problem[] = []
    for (const message of messages) {
      const check = new ResourceCheck(`ClusterLoadAssignment ${message.clusterName}`)
      const compiled = check.result(readLoadAssignment(message, '', check))
      if (compiled.ok) this.#assign(message.clusterName, compiled.value)
      else problems.push(...compiled.problems)
    }
    for (const name of removed) {
      this.#assign(name, [])
      this.#assignments.delete(name)
    }
    return problems
  }

  /** What to subscribe to by EDS. */
  edsNames(): string[] {
    const names = new Set<string>()
    for (const { config } of this.#entries.values()) {
      if (config.discovery.kind === 'eds') names.add(config.discovery.serviceName)
    }
    return [...names]
  }

  /** Of all transport sockets, by SDS name. */
  secretNames(): readonly string[] {
    this.#secretNames ??= [
      ...new Set([...this.#entries.values()].flatMap(({ config }) => config.transports.secretNames)),
    ]
    return this.#secretNames
  }

  /** Stops resolving names and drains every pool. */
  close(): void {
    for (const name of [...this.#entries.keys()]) this.#remove(name)
  }

  #replace(message: ClusterMessage, config: ClusterConfig): void {
    const { name, discovery } = config
    const before = this.#entries.get(name)
    this.#forgetSecretNames(config.transports.secretNames, before?.config.transports.secretNames)
    const scope = this.#host.stats.scope('cluster', { envoy_cluster_name: config.statName })
    const stats = createClusterStats(scope, this.#windowOf(config.thresholds.default))
    const common = { message, config, stats: scope }
    if (discovery.kind === 'forward-proxy') {
      const cluster = new ForwardProxyCluster(config, stats, this.#host.random, discovery, this.#host.clock)
      this.#showCircuits(scope, cluster)
      this.#entries.set(name, { ...common, cluster, resolution: null })
    } else {
      const cluster = new ManagedCluster(config, stats, this.#host)
      this.#showCircuits(scope, cluster)
      if (config.outlier !== null) cluster.detectOutliers(outlierStats(scope, config.outlier.probes > 0), this.#host)
      if (discovery.kind === 'static') cluster.setEndpoints(discovery.endpoints)
      if (discovery.kind === 'eds') cluster.setEndpoints(this.#assignments.get(discovery.serviceName) ?? [])
      const resolution =
        discovery.kind === 'dns'
          ? new NameResolution(this.#host, discovery, before?.resolution?.known ?? NOTHING_KNOWN, endpoints =>
              cluster.setEndpoints(endpoints),
            )
          : null
      this.#entries.set(name, { ...common, cluster, resolution })
    }
    // The new one is found first: no request falls between the two.
    before?.resolution?.stop()
    before?.cluster.retire()
  }

  #showCircuits(scope: StatsScope, cluster: ConfiguredCluster): void {
    showCircuits(scope, 'default', cluster)
    cluster.offerHighPriority(() => {
      const { high } = cluster.thresholds
      const stats = highPriorityStats(cluster.stats, this.#windowOf(high))
      const made = new HighPriorityCluster(cluster, high, stats)
      showCircuits(scope, 'high', made)
      return made
    })
  }

  #windowOf({ retryBudget }: CircuitLimits): RequestWindow | null {
    const intervalMs = retryBudget?.intervalMs ?? 0
    return intervalMs > 0 ? new RequestWindow(intervalMs, this.#host.clock) : null
  }

  #remove(name: string): void {
    const entry = this.#entries.get(name)
    this.#forgetSecretNames([], entry?.config.transports.secretNames)
    this.#entries.delete(name)
    entry?.resolution?.stop()
    entry?.cluster.retire()
  }

  /** Most changes of a cluster leave its secrets as they are: the others' need not be gathered again. */
  #forgetSecretNames(now: readonly string[], before: readonly string[] = []): void {
    if (now.length !== before.length || now.some((name, index) => name !== before[index])) this.#secretNames = null
  }

  #assign(serviceName: string, endpoints: readonly EndpointSpec[]): void {
    this.#assignments.set(serviceName, endpoints)
    for (const { config, cluster } of this.#entries.values()) {
      const { discovery } = config
      if (discovery.kind !== 'eds' || discovery.serviceName !== serviceName) continue
      if (cluster instanceof ManagedCluster) cluster.setEndpoints(endpoints)
    }
  }
}
