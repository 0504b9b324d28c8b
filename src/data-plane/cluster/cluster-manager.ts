// The clusters that CDS has delivered and the endpoints that EDS has, by name.
import { equals } from '@bufbuild/protobuf'
import type { Clock, Timer } from '../../base/clock.ts'
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
import { healthCheckStats } from '../health-checker/health-check-stats.ts'
import type { ProcessLimits } from '../process-limits/process-limits.ts'
import type { LeasedScope, StatsScope } from '../stats/stats-scope.ts'
import type { SecretStore } from '../transport-socket/secret-store.ts'
import type { TlsMaterial } from '../transport-socket/tls-context.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'
import { showCircuits } from './circuit-limits.ts'
import type { CircuitLimits, Cluster, ClusterSource, ClusterStats } from './cluster.ts'
import { type ClusterConfig, compileCluster } from './cluster-config.ts'
import { createClusterStats } from './cluster-stats.ts'
import { ClusterTraffic } from './cluster-traffic.ts'
import type { ClusterCounts } from './configured-cluster.ts'
import { type EndpointSpec, readLoadAssignment } from './endpoint-spec.ts'
import { ForwardProxyCluster } from './forward-proxy-cluster.ts'
import { HighPriorityCluster, highPriorityStats } from './high-priority-cluster.ts'
import { ManagedCluster } from './managed-cluster.ts'
import { NameResolution, type ResolvedAddresses } from './name-resolution.ts'
import { outlierStats } from './outlier/outlier-stats.ts'
import { RequestWindow } from './request-window.ts'
import { ResourceManager } from './resource-manager.ts'

export interface ClusterManagerHost {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly network: Network
  readonly stats: StatsScope
  /** The last endpoint of a cluster was checked for the first time. */
  onChecked?(): void
  readonly limits: ProcessLimits
  readonly secrets: Pick<SecretStore, 'has' | 'onChange'>
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
  readonly stats: LeasedScope
  readonly resources: ResourceManager
}

/** A changed cluster that does not know yet all it refers to: the one before it serves meanwhile, as in Envoy. */
interface Warming {
  readonly message: ClusterMessage
  readonly config: ClusterConfig
  readonly deadline: Timer
  /** Looks its names up; null: there are none, or their addresses are known. */
  readonly resolution: NameResolution | null
  hasLookedUp: boolean
}

/** Envoy's initial_fetch_timeout: after it a cluster serves with what it has. */
const WARMING_TIMEOUT_MS = 15_000
const NOTHING_KNOWN: ResolvedAddresses = new Map()

export class ClusterManager implements ClusterSource {
  readonly #host: ClusterManagerHost
  readonly #entries = new Map<string, Entry>()
  readonly #warming = new Map<string, Warming>()
  /** What EDS last said, by service name: a cluster that comes later, or comes back changed, begins with it. */
  readonly #assignments = new Map<string, readonly EndpointSpec[]>()
  /** Whose endpoints those are: looking for them among thousands took most of a push. */
  readonly #assigned = new Map<string, Set<ManagedCluster>>()
  /** Null: to be gathered. */
  #secretNames: readonly string[] | null = null

  constructor(host: ClusterManagerHost) {
    this.#host = host
    host.secrets.onChange(() => this.#resourcesArrived())
  }

  get(name: string): Cluster | undefined {
    return this.#entries.get(name)?.cluster
  }

  /** Every cluster, for the admin port. */
  all(): readonly Cluster[] {
    return [...this.#entries.values()].map(entry => entry.cluster)
  }

  /** Of every TLS context. */
  *tlsMaterials(): Generator<TlsMaterial> {
    for (const { config } of this.#latest()) yield* config.transports.materials
  }

  /** Takes every cluster that compiles; one that does not leaves its predecessor in force and is reported. */
  updateClusters(messages: readonly ClusterMessage[], removed: readonly string[] = []): Problem[] {
    const problems: Problem[] = []
    for (const message of messages) {
      const warming = this.#warming.get(message.name)
      if (warming !== undefined && equals(ClusterSchema, warming.message, message)) continue
      const known = this.#entries.get(message.name)
      if (known !== undefined && equals(ClusterSchema, known.message, message)) {
        this.#abandon(message.name)
        continue
      }
      const compiled = compileCluster(message, (...asked) => this.#host.compileTransport(...asked))
      if (compiled.ok) this.#take(message, compiled.value)
      else problems.push(...compiled.problems)
    }
    this.#resourcesArrived()
    for (const name of removed) {
      const entry = this.#entries.get(name)
      this.#remove(name)
      if (entry !== undefined) returnStats(entry)
    }
    return problems
  }

  /** Endpoints by the name asked for in EDS; a cluster that still names a removed one has none. */
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
    this.#resourcesArrived()
    return problems
  }

  /** What to subscribe to by EDS. */
  edsNames(): string[] {
    const names = new Set<string>()
    for (const { config } of this.#latest()) {
      if (config.discovery.kind === 'eds') names.add(config.discovery.serviceName)
    }
    return [...names]
  }

  /** Of all transport sockets, by SDS name. */
  secretNames(): readonly string[] {
    this.#secretNames ??= [...new Set([...this.#latest()].flatMap(({ config }) => config.transports.secretNames))]
    return this.#secretNames
  }

  /** Every endpoint whose health is checked has been checked once. */
  get areChecked(): boolean {
    for (const { cluster } of this.#entries.values())
      if (cluster instanceof ManagedCluster && !cluster.isChecked) return false
    return true
  }

  /** Stops resolving names and drains every pool. */
  close(): void {
    for (const name of [...this.#entries.keys()]) this.#remove(name)
  }

  /** In force at once, unless there is a cluster that can do more for its requests meanwhile. */
  #take(message: ClusterMessage, config: ClusterConfig): void {
    const { name } = config
    this.#abandon(name)
    if (this.#entries.has(name)) this.#warm(message, config)
    else this.#replace(message, config, NOTHING_KNOWN)
  }

  #warm(message: ClusterMessage, config: ClusterConfig): void {
    const { name, discovery } = config
    const { clock, log } = this.#host
    const deadline = clock.setTimer(WARMING_TIMEOUT_MS, () => {
      log.warn('cluster serves without all it refers to', { cluster: name })
      this.#activate(name)
    })
    const known = this.#entries.get(name)?.resolution?.known ?? NOTHING_KNOWN
    const asksNames = discovery.kind === 'dns' && !discovery.endpoints.every(({ address }) => known.has(address))
    let warming: Warming | null = null
    const onLookedUp = (): void => {
      // What is known already is published before anything is looked up.
      if (warming === null) return
      warming.hasLookedUp = true
      this.#resourcesArrived()
    }
    const resolution = asksNames ? new NameResolution(this.#host, discovery, known, onLookedUp) : null
    warming = { message, config, deadline, resolution, hasLookedUp: !asksNames }
    this.#warming.set(name, warming)
    this.#secretNames = null
  }

  #resourcesArrived(): void {
    for (const [name, { config, hasLookedUp }] of this.#warming) {
      const { discovery, transports } = config
      const knowsEndpoints = discovery.kind !== 'eds' || this.#assignments.has(discovery.serviceName)
      const { secrets } = this.#host
      if (hasLookedUp && knowsEndpoints && transports.secretNames.every(secret => secrets.has(secret)))
        this.#activate(name)
    }
  }

  #activate(name: string): void {
    const warming = this.#warming.get(name)
    if (warming === undefined) return
    const known = warming.resolution?.known ?? this.#entries.get(name)?.resolution?.known ?? NOTHING_KNOWN
    this.#abandon(name)
    this.#replace(warming.message, warming.config, known)
  }

  #abandon(name: string): void {
    const warming = this.#warming.get(name)
    if (warming === undefined) return
    warming.deadline.cancel()
    warming.resolution?.stop()
    this.#warming.delete(name)
    this.#secretNames = null
  }

  *#latest(): Generator<{ readonly config: ClusterConfig }> {
    yield* this.#entries.values()
    yield* this.#warming.values()
  }

  #replace(message: ClusterMessage, config: ClusterConfig, known: ResolvedAddresses): void {
    const { name, discovery } = config
    const before = this.#entries.get(name)
    this.#forgetSecretNames(config.transports.secretNames, before?.config.transports.secretNames)
    // What is under way counts against the new limits; under another name for its counters it could not be shown.
    const isKnown = before?.config.statName === config.statName
    const scope = isKnown ? before.stats : this.#scopeOf(config)
    const window = this.#windowOf(`${name} default`, config.thresholds.default)
    const traffic = config.healthCheck && new ClusterTraffic(this.#host.limits.cell(`cluster ${name} traffic`, 0))
    const stats = createClusterStats(scope, window, traffic)
    // The counters are those of the version before it, too.
    if (stats.upstreamCxTotal.value > 0) traffic?.begin()
    const resources = isKnown ? before.resources : new ResourceManager(this.#host.limits, name, stats)
    const common = { message, config, stats: scope, resources }
    const counts = this.#countsOf(scope, stats, resources)
    if (discovery.kind === 'forward-proxy') {
      const cluster = new ForwardProxyCluster(config, counts, this.#host.random, discovery, this.#host.clock)
      showCircuits(scope, 'default', cluster)
      this.#entries.set(name, { ...common, cluster, resolution: null })
    } else {
      const cluster = new ManagedCluster(config, counts, this.#host)
      showCircuits(scope, 'default', cluster)
      if (config.healthCheck !== null) {
        const predecessor = before?.cluster instanceof ManagedCluster ? before.cluster : null
        cluster.checkHealth(healthCheckStats(scope), predecessor, () => this.#host.onChecked?.())
      }
      if (config.outlier !== null) cluster.detectOutliers(outlierStats(scope, config.outlier.probes > 0), this.#host)
      if (discovery.kind === 'static') cluster.setEndpoints(discovery.endpoints)
      if (discovery.kind === 'eds') this.#follow(discovery.serviceName, cluster)
      const resolution =
        discovery.kind === 'dns'
          ? new NameResolution(this.#host, discovery, known, endpoints => cluster.setEndpoints(endpoints))
          : null
      this.#entries.set(name, { ...common, cluster, resolution })
    }
    // The new one is found first: no request falls between the two.
    if (before !== undefined) this.#retire(before)
    if (before !== undefined && !isKnown) returnStats(before)
  }

  #scopeOf({ statName }: ClusterConfig): LeasedScope {
    return this.#host.stats.scope('cluster', { envoy_cluster_name: statName }).lease()
  }

  #countsOf(scope: StatsScope, stats: ClusterStats, resources: ResourceManager): ClusterCounts {
    const makeHighPriority = (cluster: Cluster): HighPriorityCluster => {
      const window = this.#windowOf(`${cluster.name} high`, cluster.thresholds.high)
      const made = new HighPriorityCluster(cluster, resources.high, highPriorityStats(stats, window))
      showCircuits(scope, 'high', made)
      return made
    }
    return { stats, resources: resources.default, makeHighPriority }
  }

  #windowOf(name: string, { retryBudget }: CircuitLimits): RequestWindow | null {
    const intervalMs = retryBudget?.intervalMs ?? 0
    if (intervalMs === 0) return null
    const { clock, limits } = this.#host
    return new RequestWindow(intervalMs, clock, index =>
      limits.cell(`cluster ${name} window ${intervalMs} ${index}`, 0),
    )
  }

  #remove(name: string): void {
    const entry = this.#entries.get(name)
    this.#abandon(name)
    this.#forgetSecretNames([], entry?.config.transports.secretNames)
    this.#entries.delete(name)
    if (entry !== undefined) this.#retire(entry)
  }

  #retire({ config: { discovery }, cluster, resolution }: Entry): void {
    resolution?.stop()
    cluster.retire()
    if (discovery.kind !== 'eds' || !(cluster instanceof ManagedCluster)) return
    const { serviceName } = discovery
    const assigned = this.#assigned.get(serviceName)
    assigned?.delete(cluster)
    if (assigned?.size === 0) this.#assigned.delete(serviceName)
  }

  /** Most changes of a cluster leave its secrets as they are: the others' need not be gathered again. */
  #forgetSecretNames(now: readonly string[], before: readonly string[] = []): void {
    if (now.length !== before.length || now.some((name, index) => name !== before[index])) this.#secretNames = null
  }

  #follow(serviceName: string, cluster: ManagedCluster): void {
    const assigned = this.#assigned.get(serviceName) ?? new Set()
    this.#assigned.set(serviceName, assigned.add(cluster))
    cluster.setEndpoints(this.#assignments.get(serviceName) ?? [])
  }

  #assign(serviceName: string, endpoints: readonly EndpointSpec[]): void {
    this.#assignments.set(serviceName, endpoints)
    for (const cluster of this.#assigned.get(serviceName) ?? []) cluster.setEndpoints(endpoints)
  }
}

/** What is under way is counted, and shown, to its end (Envoy). */
function returnStats({ stats, resources }: Entry): void {
  resources.whenIdle(() => stats.return())
}
