// The endpoint of a try, or why there is none.
import type { Cluster, Endpoint, PickContext } from '../../../cluster/cluster.ts'
import type { LocalReply } from '../../../http/local-reply.ts'
import { RESET } from '../../../pool/reset-reason.ts'
import type { RetryPolicy } from '../../../route/route-entry.ts'
import { NO_HEALTHY_UPSTREAM, upstreamReset } from './router-reply.ts'

/** Draws again while an endpoint comes up that was tried before, as often as the policy says (Envoy's previous_hosts). */
export function pickEndpoint(cluster: Cluster, context: PickContext, retry: RetryPolicy | null): Endpoint | null {
  let endpoint = cluster.picker.pick(context)
  const { previous } = context
  if (previous === null) return endpoint
  for (let i = retry?.hostSelectionAttempts ?? 0; i > 0; i--) {
    if (endpoint === null || !previous.includes(endpoint)) break
    endpoint = cluster.picker.pick(context)
  }
  return endpoint
}

/** With the endpoints that were tried before. */
export function remembered(previous: Endpoint[] | null, endpoint: Endpoint): Endpoint[] {
  if (previous === null) return [endpoint]
  previous.push(endpoint)
  return previous
}

/** max_requests: of the cluster, whoever of it is picked. */
export function isFull({ stats, limits }: Cluster): boolean {
  return stats.upstreamRqActive.value >= limits.maxRequests
}

/** Counted. `endpoint` null: none may be used; else the cluster is full. */
export function refusal({ stats }: Cluster, endpoint: Endpoint | null, retried: boolean): LocalReply {
  if (endpoint === null) {
    stats.upstreamCxNoneHealthy.value++
    return NO_HEALTHY_UPSTREAM
  }
  stats.upstreamRqPendingOverflow.value++
  return upstreamReset(RESET.overflow, '', retried)
}
