// Where a try goes: an endpoint that a cluster's picker names, and the pool that leads to it; or why there is none.
import type { TimerWheel } from '../../../../base/timer-wheel.ts'
import type { RequestHead } from '../../../../transport/request-head.ts'
import type { Cluster, Endpoint, PickContext, Picker } from '../../../cluster/cluster.ts'
import type { LocalReply } from '../../../http/local-reply.ts'
import { ClusterPools } from '../../../pool/cluster-pools.ts'
import type { HttpPool } from '../../../pool/request-encoder.ts'
import { RESET } from '../../../pool/reset-reason.ts'
import { serverIdentityFor } from '../../../pool/server-identity.ts'
import type { ForwardRoute, RetryPolicy } from '../../../route/route-entry.ts'
import type { StreamInfo } from '../../../stream-info.ts'
import { NO_HEALTHY_UPSTREAM, upstreamReset } from './router-reply.ts'

export interface RepeatedPick extends PickContext {
  attempt: number
}

/**
 * Asks again while the picker names one that the stream has tried, as often as the policy says (Envoy's previous_hosts and
 * host_selection_retry_max_attempts).
 */
export function pickEndpoint(picker: Picker, context: RepeatedPick, retry: RetryPolicy | null): Endpoint | null {
  const moreAttempts = retry?.hostSelectionAttempts ?? 0
  context.attempt = 0
  let endpoint = picker.pick(context)
  const { previous } = context
  while (endpoint !== null && context.attempt < moreAttempts && previous?.includes(endpoint)) {
    context.attempt++
    endpoint = picker.pick(context)
  }
  return endpoint
}

/** A CONNECT that ends here goes on as bytes; everything else as a request. */
export function poolForTry(
  cluster: Cluster,
  endpoint: Endpoint,
  { head, authority }: { readonly head: RequestHead; readonly authority: string },
  { upgrades }: ForwardRoute,
  { connection, protocol }: StreamInfo,
  wheel: TimerWheel,
): HttpPool {
  const pools = ClusterPools.of(cluster, wheel)
  const terminates = head.method === 'CONNECT' && upgrades.get('connect')?.terminates
  const server = serverIdentityFor(cluster, head.headers, authority)
  return terminates
    ? pools.tcp(endpoint, connection, server)
    : pools.get(endpoint, protocol === 'HTTP/2', connection, server)
}

/** With the endpoints that were tried before. */
export function remembered(previous: Endpoint[] | null, endpoint: Endpoint): Endpoint[] {
  if (previous === null) return [endpoint]
  previous.push(endpoint)
  return previous
}

/** max_requests: of the cluster, whoever of it is picked. The place is the UpstreamRequest's from its start on. */
export function claimRequest({ resources, limits }: Cluster): boolean {
  return resources.requests.claim(limits.maxRequests)
}

/** Counted. `endpoint` null: none may be used; else the cluster is full. */
export function refusal({ stats }: Cluster, endpoint: Endpoint | null, retried: boolean): LocalReply {
  if (endpoint === null) {
    stats.upstreamCxNoneHealthy.value++
    return NO_HEALTHY_UPSTREAM
  }
  stats.upstreamRqActiveOverflow.value++
  return upstreamReset(RESET.overflow, '', retried)
}
