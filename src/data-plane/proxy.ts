// The data plane of one workload: what xDS says goes in at `apply`, traffic flows by it.
import { toBinary } from '@bufbuild/protobuf'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Problem } from '../base/problem.ts'
import type { Random } from '../base/random.ts'
import { ENVOY_BUFFER_LIMIT } from '../transport/net/buffer-limit.ts'
import type { Network } from '../transport/net/network.ts'
import type { KeyPair } from '../transport/tls/secure-context.ts'
import type { Cluster } from '../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import type { ClusterLoadAssignment } from '../xds/generated/envoy/config/endpoint/v3/endpoint_pb.ts'
import type { Listener } from '../xds/generated/envoy/config/listener/v3/listener_pb.ts'
import { type RouteConfiguration, RouteConfigurationSchema } from '../xds/generated/envoy/config/route/v3/route_pb.ts'
import type { Secret } from '../xds/generated/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts'
import type { ResourceMessage } from '../xds/resource-message.ts'
import type { ResourceType } from '../xds/type-url.ts'
import { AccessLogs } from './access-log/access-logs.ts'
import type { LogFiles } from './access-log/log-file.ts'
import { ClusterManager } from './cluster/cluster-manager.ts'
import { routeConfigFactories } from './filters/http/route-configs.ts'
import type { NetworkFilterHost } from './filters/network/contract/network-filter.ts'
import { NETWORK_FILTERS } from './filters/network/registry.ts'
import { internalNetwork } from './internal-listener/internal-network.ts'
import { ListenerManager } from './listener/listener-manager.ts'
import { MirrorDifferences } from './mirror-differences.ts'
import type { OverloadConfig } from './overload/overload-config.ts'
import { NO_OVERLOAD, OverloadManager } from './overload/overload-manager.ts'
import { LOOP_LIMITS } from './process-limits/loop-limits.ts'
import type { ProcessLimits } from './process-limits/process-limits.ts'
import { ResourceRecords } from './resource-records.ts'
import { compileRouteTable } from './route/compile-route-table.ts'
import { RouteTables } from './route/route-tables.ts'
import type { ServerHealth } from './server-health.ts'
import { createStats, type Stats } from './stats/stats-store.ts'
import { CertificateFiles, type CertificateFolder, isFileSecret } from './transport-socket/certificate-files.ts'
import { takeSecret } from './transport-socket/delivered-secret.ts'
import { isOwnSecret, SecretStore, TRUST_BUNDLE_SECRET, WORKLOAD_SECRET } from './transport-socket/secret-store.ts'
import type { TlsMaterial } from './transport-socket/tls-context.ts'
import { UnusedSecrets } from './transport-socket/unused-secrets.ts'
import { createTransportCompiler } from './transport-socket/upstream-transport-compiler.ts'
import type { ResourceApplier } from './xds-client/resource-applier.ts'

/** Where key and trust come from: a WorkloadIdentity, or what a test has made. */
export interface ProxyIdentity {
  readonly keyPair: KeyPair
  /** PEM. */
  readonly trustBundle: string
  onChange(listener: () => void): void
  /** A new bundle by SDS. Throws when it is none. */
  takeTrustBundle(pem: string): void
}

export interface ProxyOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly network: Network
  readonly logFiles: LogFiles
  /** Switches `x-weft-reason` on local replies; on unless false. */
  readonly reasonHeader?: boolean
  /** The cluster that this proxy's node belongs to; empty unless set. */
  readonly serviceCluster?: string
  /** For connections of config that is gone; Istio's 45 s unless set. */
  readonly drainTimeMs?: number
  /** How long a drain takes to come on; 0, as in Istio, unless set. */
  readonly gradualDrainMs?: number
  /** Where certificates are that config names by their files; undefined: nowhere. */
  readonly certificates?: CertificateFolder
  /** Downstream, of the whole process. */
  readonly maxConnections?: number
  /** Shared with the other event loops of the process; this loop's own unless set. */
  readonly limits?: ProcessLimits
  /** Undefined: nothing is watched. */
  readonly overload?: OverloadConfig
  /** Of the process. */
  readonly residentBytes?: () => number
}

const ISTIO_DRAIN_TIME_MS = 45_000
const MAX_CONNECTIONS = 100_000
const DRAIN_POLL_MS = 20
const NO_CERTIFICATES: CertificateFolder = { read: () => null }
const NOTHING_UNBOUND: Promise<readonly Problem[]> = Promise.resolve([])
const NO_VERSIONS: ReadonlyMap<string, string> = new Map()

export class Proxy {
  readonly stats: Stats
  readonly secrets = new SecretStore()
  readonly routeTables: RouteTables
  readonly clusters: ClusterManager
  readonly listeners: ListenerManager
  readonly records: ResourceRecords
  readonly mirrorDifferences = new MirrorDifferences()
  readonly #health = { failed: false }
  readonly #options: ProxyOptions
  readonly #accessLogs: AccessLogs
  readonly #overload: OverloadManager | null
  readonly #certificates: CertificateFiles
  readonly #unusedSecrets: UnusedSecrets
  #identity: ProxyIdentity | null = null

  constructor(options: ProxyOptions) {
    this.#options = options
    const { clock, random, log } = options
    const network = internalNetwork(options.network)
    this.stats = createStats()
    const stats = this.stats.root
    this.#certificates = new CertificateFiles(this.secrets, options.certificates ?? NO_CERTIFICATES, { clock, log })
    const drainTimeMs = options.drainTimeMs ?? ISTIO_DRAIN_TIME_MS
    this.#unusedSecrets = new UnusedSecrets(this.secrets, clock, drainTimeMs)
    const limits = options.limits ?? LOOP_LIMITS
    const routeConfigs = (within: ProcessLimits) => routeConfigFactories({ clock, random, stats, limits: within })
    const textOf = (configuration: RouteConfiguration): string =>
      `${configuration.name} ${Buffer.from(toBinary(RouteConfigurationSchema, configuration)).toString('base64')}`
    this.routeTables = new RouteTables(configuration => routeConfigs(limits.within(() => textOf(configuration))), stats)
    this.records = new ResourceRecords(clock)
    this.#accessLogs = new AccessLogs({ clock, log, files: options.logFiles, stats })
    const compileTransport = createTransportCompiler(network, this.secrets)
    const { secrets } = this
    const onChecked = (): void => this.listeners.resourcesArrived()
    this.clusters = new ClusterManager({
      clock,
      random,
      log,
      network,
      stats,
      secrets,
      limits,
      compileTransport,
      onChecked,
    })
    const { overload, residentBytes } = options
    this.#overload = overload && residentBytes ? new OverloadManager(overload, clock, residentBytes, stats) : null
    const actions = this.#overload?.actions ?? NO_OVERLOAD
    const filterHost: NetworkFilterHost = {
      clock,
      random,
      log,
      stats,
      limits,
      clusters: this.clusters,
      routeTables: this.routeTables,
      compileRouteTable: (configuration, within) => compileRouteTable(configuration, routeConfigs(within), stats),
      compileAccessLog: typedConfig => this.#accessLogs.compile(typedConfig),
      reasonHeader: options.reasonHeader ?? true,
      serviceCluster: options.serviceCluster ?? '',
      mirrorDifferences: this.mirrorDifferences,
      overload: actions,
      health: this.#health,
      drainHealth: this.#health,
      gradualDrainMs: options.gradualDrainMs ?? 0,
      bufferLimit: ENVOY_BUFFER_LIMIT,
      chainMetadata: {},
    }
    this.listeners = new ListenerManager({
      clock,
      random,
      log,
      network,
      filterHost,
      secrets: this.secrets,
      networkFilters: NETWORK_FILTERS,
      drainTimeMs,
      maxConnections: options.maxConnections ?? MAX_CONNECTIONS,
      areClustersChecked: () => this.clusters.areChecked,
    })
  }

  /** From now on the secrets `default` and `ROOTCA` are this identity's; new connections use them. */
  useIdentity(identity: ProxyIdentity): void {
    this.#identity = identity
    const take = (): void => {
      this.secrets.setTrustedCa(TRUST_BUNDLE_SECRET, identity.trustBundle)
      this.secrets.setKeyPair(WORKLOAD_SECRET, identity.keyPair)
    }
    identity.onChange(take)
    take()
  }

  /**
   * Takes what is good and reports, with every reason, what is not. Without `Kind name` as its object a problem concerns
   * no single resource.
   */
  apply(
    type: ResourceType,
    messages: readonly ResourceMessage[],
    removed: readonly string[] = [],
    versions: ReadonlyMap<string, string> = NO_VERSIONS,
  ): Problem[] {
    const problems = this.#compile(type, messages, removed)
    this.records.note(type, messages, removed, problems, versions)
    return problems
  }

  /** What to ask for by name, as it follows from what was applied. */
  wanted(type: 'endpoint' | 'route' | 'secret'): readonly string[] {
    switch (type) {
      case 'endpoint':
        return this.clusters.edsNames()
      case 'route':
        return this.listeners.routeNames()
      case 'secret':
        return [TRUST_BUNDLE_SECRET, ...this.#secretNames().filter(name => !isOwnSecret(name) && !isFileSecret(name))]
    }
  }

  /** Config has come and every listener serves. */
  get ready(): boolean {
    return this.listeners.ready
  }

  get health(): ServerHealth {
    return this.#health
  }

  /** Has health checks fail, or pass again, and with them the connections drain. */
  failHealthChecks(failed: boolean): void {
    this.#health.failed = failed
  }

  /** Has every client leave with its next response, before anything stops. */
  sendAway(): void {
    this.listeners.sendAway()
  }

  /** Stops accepting and lets connections end, for at most `limitMs`; with `sparesIdle` none is closed unannounced. */
  async drain(limitMs: number, sparesIdle = false): Promise<void> {
    const { clock } = this.#options
    await this.listeners.drain(sparesIdle)
    const deadline = clock.now() + limitMs
    while (this.listeners.activeConnections > 0 && clock.now() < deadline) {
      await new Promise<void>(resolve => clock.setTimer(DRAIN_POLL_MS, resolve))
    }
  }

  /** Ends everything at once. */
  async close(): Promise<void> {
    await this.listeners.close()
    this.clusters.close()
    this.#certificates.close()
    this.#unusedSecrets.close()
    this.#overload?.close()
    await this.#accessLogs.close()
  }

  /** After log rotation. */
  reopenLogs(): void {
    this.#accessLogs.reopen()
  }

  #updateListeners(messages: readonly Listener[], removed: readonly string[]): Problem[] {
    const problems = this.listeners.update(messages, removed)
    this.#wantSecrets()
    return problems
  }

  #updateClusters(messages: readonly Cluster[], removed: readonly string[]): Problem[] {
    const problems = this.clusters.updateClusters(messages, removed)
    this.#wantSecrets()
    return problems
  }

  #wantSecrets(): void {
    const names = this.#secretNames()
    this.#certificates.want(names)
    this.#unusedSecrets.want(names)
  }

  /** What its TLS contexts have, in use and about to be. */
  *tlsMaterials(): Generator<TlsMaterial> {
    yield* this.listeners.tlsMaterials()
    yield* this.clusters.tlsMaterials()
  }

  #secretNames(): readonly string[] {
    return [...new Set([...this.listeners.secretNames(), ...this.clusters.secretNames()])]
  }

  #compile(type: ResourceType, messages: readonly ResourceMessage[], removed: readonly string[]): Problem[] {
    switch (type) {
      case 'cluster':
        return this.#updateClusters(messages as readonly Cluster[], removed)
      case 'endpoint':
        return this.clusters.updateEndpoints(messages as readonly ClusterLoadAssignment[], removed)
      case 'listener':
        return this.#updateListeners(messages as readonly Listener[], removed)
      case 'route': {
        const problems = this.routeTables.update(messages as readonly RouteConfiguration[], removed)
        this.listeners.resourcesArrived()
        return problems
      }
      case 'secret':
        // A secret taken away stays in use until another comes: dropping it would drop the service.
        return (messages as readonly Secret[]).flatMap(message => takeSecret(message, this.secrets, this.#identity))
    }
  }
}

/** A proxy as the xDS client sees it. */
export function applierFor(proxy: Proxy): ResourceApplier {
  return {
    async apply(type, resources, removed) {
      const versions = new Map(resources.map(({ name, version }) => [name, version]))
      const messages = resources.map(({ message }) => message)
      const problems = proxy.apply(type, messages, removed, versions)
      const waits = type === 'listener' || type === 'route' || type === 'secret'
      return { problems, bound: waits ? proxy.listeners.bound(type === 'listener') : NOTHING_UNBOUND }
    },
    wanted: type => proxy.wanted(type),
  }
}
