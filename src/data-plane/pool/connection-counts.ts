// What cluster and endpoint count of their connections, whatever these carry.
import type { Cluster, Endpoint } from '../cluster/cluster.ts'
import { PROTOCOL_CHANGED } from './negotiated-transport.ts'
import { RESET, type ResetReason } from './reset-reason.ts'

/** Of one that was claimed, or added, among the cluster's. */
export function countConnection(cluster: Cluster, endpoint: Endpoint): void {
  const { upstreamCxTotal, traffic } = cluster.stats
  if (upstreamCxTotal.value++ === 0) traffic?.begin()
  endpoint.stats.connectionsTotal++
  endpoint.stats.connectionsActive++
}

/** Also of one that could not be made. */
export function countConnectionEnd(cluster: Cluster, endpoint: Endpoint): void {
  cluster.resources.connections.release()
  endpoint.stats.connectionsActive--
}

/** Of an endpoint that speaks another protocol now nothing has failed: whoever waits is served in that one. */
export function countConnectFailure(cluster: Cluster, endpoint: Endpoint, reason: ResetReason, failure: string): void {
  if (failure === PROTOCOL_CHANGED) return
  cluster.stats.upstreamCxConnectFail.value++
  endpoint.stats.connectFailures++
  if (reason === RESET.connectionTimeout) cluster.stats.upstreamCxConnectTimeout.value++
}
