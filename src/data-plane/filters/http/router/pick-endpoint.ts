// Where a try goes: an endpoint that a cluster's picker names, and the pool that leads to it.
import type { RequestHead } from '../../../../transport/request-head.ts'
import type { Cluster, Endpoint, PickContext } from '../../../cluster/cluster.ts'
import type { ClusterPools } from '../../../pool/cluster-pools.ts'
import type { HttpPool } from '../../../pool/request-encoder.ts'
import type { ForwardRoute, RetryPolicy } from '../../../route/route-entry.ts'
import type { StreamInfo } from '../../../stream-info.ts'

export interface RepeatedPick extends PickContext {
  attempt: number
  previous: Endpoint[] | null
}

/**
 * Asks again while the picker names one that the stream has tried, as often as the policy says (Envoy's previous_hosts and
 * host_selection_retry_max_attempts); remembers it for the next try.
 */
export function pickEndpoint(cluster: Cluster, context: RepeatedPick, retry: RetryPolicy | null): Endpoint | null {
  const moreAttempts = retry?.hostSelectionAttempts ?? 0
  context.attempt = 0
  let endpoint = cluster.picker.pick(context)
  const { previous } = context
  while (endpoint !== null && context.attempt < moreAttempts && previous?.includes(endpoint)) {
    context.attempt++
    endpoint = cluster.picker.pick(context)
  }
  if (endpoint === null || !retry?.avoidPreviousHosts) return endpoint
  if (previous === null) context.previous = [endpoint]
  else previous.push(endpoint)
  return endpoint
}

/** A CONNECT that ends here goes on as bytes; everything else as a request. */
export function poolForTry(
  pools: ClusterPools,
  endpoint: Endpoint,
  { method }: RequestHead,
  { upgrades }: ForwardRoute,
  { connection, protocol }: StreamInfo,
): HttpPool {
  const terminates = method === 'CONNECT' && upgrades.get('connect')?.terminates
  return terminates ? pools.tcp(endpoint, connection) : pools.get(endpoint, protocol === 'HTTP/2', connection)
}
