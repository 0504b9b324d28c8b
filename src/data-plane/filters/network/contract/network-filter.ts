// A network filter that ends a filter chain and owns the connection from then on.
import type { Socket } from 'node:net'
import type { JsonObject } from '@bufbuild/protobuf'
import type { Any } from '@bufbuild/protobuf/wkt'
import type { Clock } from '../../../../base/clock.ts'
import type { Log } from '../../../../base/log.ts'
import type { Parsed } from '../../../../base/problem.ts'
import type { Random } from '../../../../base/random.ts'
import type { RouteConfiguration } from '../../../../xds/generated/envoy/config/route/v3/route_pb.ts'
import type { ClusterSource } from '../../../cluster/cluster.ts'
import type { ConnectionInfo } from '../../../connection-info.ts'
import type { MirrorDifferences } from '../../../mirror-differences.ts'
import type { OverloadActions } from '../../../overload/overload-manager.ts'
import type { ProcessLimits } from '../../../process-limits/process-limits.ts'
import type { RouteTable, RouteTableSource } from '../../../route/route-entry.ts'
import type { ServerHealth } from '../../../server-health.ts'
import type { StatsScope } from '../../../stats/stats-scope.ts'
import type { AccessLog } from '../../../stream-info.ts'

/** What the proxy lends to its filters. */
export interface NetworkFilterHost {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly stats: StatsScope
  /** For what is counted in the process; within the filter chain's config. */
  readonly limits: ProcessLimits
  readonly clusters: ClusterSource
  readonly routeTables: RouteTableSource
  compileRouteTable(configuration: RouteConfiguration, limits: ProcessLimits): Parsed<RouteTable>
  compileAccessLog(typedConfig: Any): Parsed<AccessLog>
  /** Switches `x-weft-reason` on local replies. */
  readonly reasonHeader: boolean
  /** The proxy's own: the node's cluster; empty without. */
  readonly serviceCluster: string
  /** The last answers of mirrors that were not the client's. */
  readonly mirrorDifferences: MirrorDifferences
  /** What is given up at the moment. */
  readonly overload: OverloadActions
  /** What health checks are told. */
  readonly health: ServerHealth
  /** What has connections of this listener drain when it fails. */
  readonly drainHealth: ServerHealth
  /** How long a drain takes to come on, as each response may be its connection's last; 0: each is, at once. */
  readonly gradualDrainMs: number
  /** Bytes of a message that may be kept while it waits: the listener's per_connection_buffer_limit_bytes. */
  readonly bufferLimit: number
  /** Of the filter chain, by the names of those it speaks to. */
  readonly chainMetadata: Readonly<Record<string, JsonObject>>
}

/** A connection for which the filter connects upstream before its client has said anything; one of the two ends it. */
export interface ConnectionAhead {
  take(socket: Socket, early: Buffer | null): void
  abandon(): void
}

export interface AheadObserver {
  /** The upstream has sent bytes; they wait to be taken. */
  onSpoken(): void
  /** There is nothing to take any more. */
  onLost(): void
}

export interface NetworkFilter {
  /** Takes the connection over. `early` holds bytes that a listener filter read ahead, or null. */
  onConnection(socket: Socket, info: ConnectionInfo, early: Buffer | null): void
  /** For a client that may wait for the server to speak. Null, or absent: the connection has to come first. */
  connectAhead?(connection: ConnectionInfo, observer: AheadObserver): ConnectionAhead | null
  /** Names of the route configurations it wants by RDS. */
  readonly routeConfigurations: readonly string[]
  /**
   * Starts graceful drain: finish what is running, close connections between requests. With `sparesIdle` one that waits
   * for a request is let be until it has had a response that announces the end; a drain without it may follow.
   */
  drain(sparesIdle?: boolean): void
  /** Connections that are still open. */
  readonly activeConnections: number
}

export interface NetworkFilterFactory {
  /** Envoy's name: `envoy.filters.network.http_connection_manager`. */
  readonly name: string
  readonly typeUrl: string
  readonly terminal: true
  /** `path` names the place inside the listener, for problems. `statScope` is chosen by the filter from its config. */
  compile(typedConfig: Any, path: string, host: NetworkFilterHost): Parsed<NetworkFilter>
}
